#include "base64.h"

#include <string.h>

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_write(const char *bytes, size_t length, Buffer *out) {
  for (size_t at = 0; at < length; at += 3) {
    const size_t n = length - at < 3 ? length - at : 3;
    uint32_t bits = 0;
    for (size_t i = 0; i < 3; i++) bits = bits << 8 | (i < n ? (unsigned char)bytes[at + i] : 0);
    for (size_t i = 0; i < 4; i++) buffer_add(out, i <= n ? &letters[bits >> (18 - 6 * i) & 63] : "=", 1);
  }
}

bool base64_read(const char *text, size_t length, Buffer *out) {
  uint32_t bits = 0;
  while (length && text[length - 1] == '=') length--;
  for (size_t i = 0; i < length; i++) {
    const char *letter = text[i] ? strchr(letters, text[i]) : NULL;
    if (!letter) return false;
    bits = bits << 6 | (uint32_t)(letter - letters);
    if (i % 4) buffer_add(out, &(char){(char)(bits >> (6 - 2 * (i % 4)))}, 1);
  }
  return true;
}
