/* listing.h - the files of a repository, as the hub's API lists them. */
#ifndef HUB_LISTING_H
#define HUB_LISTING_H

#include "base/digest.h"
#include "base/error.h"

typedef struct ListedFile {
  const char *name; /* a safe path (repository_safe) */
  int64_t size;
  DigestKind digest; /* of `sum`: SHA-256 of large files; of others SHA-1, as git computes it (of a blob) */
  char sum[DIGEST_TEXT];
} ListedFile;

typedef struct Listing {
  ListedFile *files;
  size_t count;
  char commit[DIGEST_TEXT]; /* of the revision */
} Listing;

/* Reads the JSON text of /api/models/ID/revision/REVISION?blobs=true. `where`: names the source in errors.
 * Close it in any case. */
bool listing_read(Listing *, const char *text, size_t length, const char *where, Error *);
void listing_close(Listing *);

#endif
