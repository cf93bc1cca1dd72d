/* base64.h - bytes as text (RFC 4648). */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include "buffer.h"

void base64_write(const char *bytes, size_t length, Buffer *out);
bool base64_read(const char *text, size_t length, Buffer *out); /* false: another letter */

#endif
