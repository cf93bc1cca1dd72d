/* unpack.h - decompression of gzip (RFC 1952) and Zstandard (RFC 8878) files into a spool (base/spool.h). */
#ifndef DATA_UNPACK_H
#define DATA_UNPACK_H

#include "base/file.h"

/* Decided by the first bytes, not by the file's name. */
bool is_packed(const FileView *);
/* Replaces the view by its decompressed content; several members or frames are joined. Fails for damaged or
 * truncated files, decompression bombs (more than 16 MB and 100 times the compressed size, beyond any text),
 * and a full disk. */
bool unpack(FileView *, const char *name, Error *);

#endif
