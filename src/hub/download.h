/* download.h - a file of a repository, complete and with the right checksum. */
#ifndef HUB_DOWNLOAD_H
#define HUB_DOWNLOAD_H

#include "hub/fetch.h"
#include "hub/listing.h"

/* Progress over all files. */
typedef struct Meter {
  const News *news;
  int64_t done, total; /* bytes */
} Meter;

/* Whether the file has the listed size and checksum. Fails if it cannot be read. */
bool download_check(const char *path, const ListedFile *, bool *right, Error *);

/* Downloads to `path`, where an earlier attempt may have left the beginning. */
bool download(const Hub *, const char *id, const char *commit, const ListedFile *, const char *path, Meter *,
              Error *);

#endif
