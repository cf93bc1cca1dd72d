/* encoding.h - from other encodings to UTF-8, by the C library's iconv. */
#ifndef DATA_ENCODING_H
#define DATA_ENCODING_H

#include "base/buffer.h"
#include "base/error.h"

/* Adds the text as UTF-8. Bytes that are none of the encoding fail with their place or, where `replaced` is
 * given, become U+FFFD and are counted. */
bool encoding_convert(const char *encoding, const char *text, size_t length, int64_t *replaced, Buffer *out,
                      const char *name, Error *);
/* Would it be Chinese, most of it the characters in daily use? */
bool looks_like_gb18030(const char *text, size_t length);

#endif
