#include "cli/glyph.h"

#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <wchar.h>

#include "base/buffer.h"

size_t glyph_next(const char *text, size_t length, uint32_t *code) {
  static const uint32_t least[] = {0, 0, 0x80, 0x800,
                                   0x10000}; /* lower code points have a shorter encoding */
  const unsigned char *p = (const unsigned char *)text;
  if (!length) return 0;
  const size_t n = p[0] < 0x80   ? 1
                   : p[0] < 0xC0 ? 0
                   : p[0] < 0xE0 ? 2
                   : p[0] < 0xF0 ? 3
                   : p[0] < 0xF8 ? 4
                                 : 0;
  if (!n || n > length) return 0;
  *code = n == 1 ? p[0] : p[0] & (0x7Fu >> n);
  for (size_t i = 1; i < n; i++) {
    if ((p[i] & 0xC0) != 0x80) return 0;
    *code = *code << 6 | (p[i] & 0x3F);
  }
  const bool surrogate = *code >= 0xD800 && *code < 0xE000;
  return *code >= least[n] && *code <= 0x10FFFF && !surrogate ? n : 0;
}

static int columns_of(uint32_t code) {
  const int width = wcwidth((wchar_t)code);
  return width < 0 ? 1 : width;
}

size_t glyph_fit(const char *text, size_t length, int columns) {
  size_t at = 0;
  while (at < length) {
    uint32_t code = 0;
    const size_t n = glyph_next(text + at, length - at, &code);
    columns -= n ? columns_of(code) : 1;
    if (columns < 0) break;
    at += n ? n : 1;
  }
  return at;
}

int glyph_columns(const char *text, size_t length) {
  int columns = 0;
  for (size_t at = 0; at < length;) {
    uint32_t code = 0;
    const size_t n = glyph_next(text + at, length - at, &code);
    columns += n ? columns_of(code) : 1;
    at += n ? n : 1;
  }
  return columns;
}

bool glyph_valid(const char *text, size_t length) {
  uint32_t code;
  for (size_t at = 0; at < length;) {
    const size_t n = glyph_next(text + at, length - at, &code);
    if (!n) return false;
    at += n;
  }
  return true;
}

/* Stores the character at `text`, made safe for a terminal, in `out`; returns the bytes read. */
static size_t show_next(const char *text, size_t length, char out[4], size_t *written) {
  uint32_t code = 0;
  const size_t n = glyph_next(text, length, &code);
  *written = n;
  if (!n || (code >= 0x7f && code < 0xa0)) {
    *written = 1;
    out[0] = '?';
  } else if (code < 0x20 && code != '\n' && code != '\t') {
    *written = 2;
    out[0] = '^';
    out[1] = (char)(code + '@');
  } else {
    memcpy(out, text, n);
  }
  return n ? n : 1;
}

void glyph_visible(Buffer *out, const char *text, size_t length) {
  char shown[4];
  for (size_t at = 0, n; at < length; buffer_add(out, shown, n))
    at += show_next(text + at, length - at, shown, &n);
}

bool glyph_put(FILE *file, const char *text, size_t length) {
  char shown[4];
  bool ok = true;
  for (size_t at = 0, n; at < length && ok; ok = fwrite(shown, 1, n, file) == n)
    at += show_next(text + at, length - at, shown, &n);
  return ok;
}

void glyph_repair(Buffer *out, const char *text, size_t length) {
  uint32_t code;
  for (size_t at = 0; at < length;) {
    const size_t n = glyph_next(text + at, length - at, &code);
    buffer_add(out, n ? text + at : "\xEF\xBF\xBD", n ? n : 3);
    at += n ? n : 1;
  }
}

json_t *glyph_json(const char *text, size_t length) {
  Buffer valid = {0};
  glyph_repair(&valid, text, length);
  json_t *json = json_stringn(valid.data ? valid.data : "", valid.length);
  buffer_free(&valid);
  return json;
}

int glyph_terminal_width(int descriptor) {
  struct winsize size;
  if (ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col) return size.ws_col;
  const char *columns = getenv("COLUMNS");
  const int given = columns ? atoi(columns) : 0;
  return given > 0 && given < 10000 ? given : 80;
}

bool glyph_set_locale(void) {
  /* only LC_CTYPE: numbers keep their decimal point */
  const bool utf8 = setlocale(LC_CTYPE, "") && !strcmp(nl_langinfo(CODESET), "UTF-8");
  if (!utf8) setlocale(LC_CTYPE, "C.UTF-8"); /* the text is UTF-8 in any locale */
  return utf8;
}
