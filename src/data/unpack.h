/* unpack.h - gzip (RFC 1952) and Zstandard (RFC 8878) files, unpacked (base/spool.h: in memory or beside it).
 */
#ifndef DATA_UNPACK_H
#define DATA_UNPACK_H

#include "base/file.h"

/* By the first bytes, whatever the file's name is. */
bool is_packed(const FileView *);
/* Replaces the view by one of what it unpacks to; several members or frames are joined. Refused: damaged or
 * cut short; a bomb, which is more than 16 MB and 300 times the packed size, further than any text goes; what
 * the disk has no room for. */
bool unpack(FileView *, const char *name, Error *);

#endif
