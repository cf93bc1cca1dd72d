/* encoding.h - conversion from other encodings to UTF-8 with the C library's iconv. */
#ifndef DATA_ENCODING_H
#define DATA_ENCODING_H

#include "base/buffer.h"
#include "base/error.h"

/* Appends the text as UTF-8. Bytes invalid in the encoding fail with their position or, if `replaced` is
 * given, become U+FFFD and are counted. */
bool encoding_convert(const char *encoding, const char *text, size_t length, int64_t *replaced, Buffer *out,
                      const char *name, Error *);
/* Does the text, read as GB18030, consist mostly of common Chinese characters? */
bool looks_like_gb18030(const char *text, size_t length);

#endif
