#include "narrow.h"

#include <string.h>

enum { FULL_WIDTH_BYTES = 3 }; /* in UTF-8, of each of them */

/* The ASCII equivalent of a full-width character; 0: it is not one. */
static char ascii_of(const char *at) {
  static const struct {
    const char *full_width;
    char narrow;
  } others[] = {{"\u3000", ' '}, {"\u3002", '.'}, {"\u2010", '-'}, {"\u2011", '-'}, {"\u2012", '-'},
                {"\u2013", '-'}, {"\u2014", '-'}, {"\u2015", '-'}, {"\u2212", '-'}};
  const unsigned char *p = (const unsigned char *)at;
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    if (!strncmp(at, others[i].full_width, FULL_WIDTH_BYTES)) return others[i].narrow;
  if (p[0] != 0xef || (p[1] != 0xbc && p[1] != 0xbd) || (p[2] & 0xc0) != 0x80) return 0;
  const int code = (p[1] & 3) * 64 + (p[2] & 63); /* U+FF00 + code */
  return code >= 1 && code <= 94 ? (char)(code + 32) : 0;
}

bool narrow_text(const char *text, char *out, size_t capacity, const char **full_width,
                 int *full_width_length) {
  *full_width = NULL;
  *full_width_length = FULL_WIDTH_BYTES;
  for (; *text && capacity > 1; capacity--) {
    const char narrow = ascii_of(text);
    if (narrow && !*full_width) *full_width = text;
    *out++ = narrow ? narrow : *text;
    text += narrow ? FULL_WIDTH_BYTES : 1;
  }
  *out = '\0';
  return *full_width && !*text;
}
