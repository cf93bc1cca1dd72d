/* zip.h - finds the entries of a zip archive (with zip64 records) that are stored uncompressed, as torch.save
 * writes them. https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT . Sums (CRC) are not computed, so
 * that mapped weights are not read at opening. */
#ifndef IO_ZIP_H
#define IO_ZIP_H

#include "base/buffer.h"
#include "base/file.h"

typedef struct ZipEntry {
  const char *name, *data; /* in the view; `name` is not NUL-terminated */
  size_t length;           /* of the name */
  uint64_t size;           /* of the data */
} ZipEntry;

typedef struct Zip {
  VEC(ZipEntry) entries;
  Map *names;
} Zip;

/* Closed in any case. `path`: for messages. */
bool zip_open(Zip *, const FileView *, const char *path, Error *);
const ZipEntry *zip_find(const Zip *, const char *name, size_t length); /* NULL: absent */
void zip_close(Zip *);

#endif
