#include "data/encoding.h"

#include <errno.h>
#include <iconv.h>
#include <string.h>

#include "base/memory.h"
#include "text/utf8.h"

/* The text is complete: an incomplete character at its end is invalid. */
static bool convert_all(iconv_t how, const char *encoding, const char *text, size_t length, int64_t *replaced,
                        Buffer *out, const char *name, Error *err) {
  enum { PIECE = 4096 };
  char piece[PIECE], *in = (char *)(uintptr_t)text;
  for (size_t left = length; left > 0;) {
    char *to = piece;
    size_t space = PIECE;
    const size_t done = iconv(how, &in, &left, &to, &space);
    const int problem = errno;
    buffer_add(out, piece, (size_t)(to - piece));
    if (done != (size_t)-1 || problem == E2BIG) continue;
    if (!replaced)
      return fail(err, "%s: byte %zu (0x%02x) is not valid %s: give another --encoding, or --invalid replace",
                  name, (size_t)(in - text), (unsigned char)*in, encoding);
    buffer_adds(out, "\xef\xbf\xbd");
    ++*replaced;
    in++;
    left--;
  }
  return true;
}

bool encoding_convert(const char *encoding, const char *text, size_t length, int64_t *replaced, Buffer *out,
                      const char *name, Error *err) {
  const iconv_t how = iconv_open("UTF-8", encoding);
  if (how == (iconv_t)-1)
    return errno == ENOMEM
               ? (mem_exhausted(0), false)
               : fail_usage(err, "--encoding %s: unknown encoding: `iconv -l` lists those of this system",
                            encoding);
  const bool ok = convert_all(how, encoding, text, length, replaced, out, name, err);
  iconv_close(how);
  return ok;
}

bool looks_like_gb18030(const char *text, size_t length) {
  Buffer out = {0};
  int64_t replaced = 0;
  size_t daily = 0, others = 0;
  if (!encoding_convert("GB18030", text, length, &replaced, &out, "", NULL)) return false;
  for (size_t at = 0, n; at < out.length; at += n) {
    uint32_t c;
    n = utf8_decode(out.data + at, out.length - at, &c);
    if (!n) break;
    const bool usual = (c >= 0x4e00 && c <= 0x9fa5) || (c >= 0x3000 && c <= 0x303f) ||
                       (c >= 0xff01 && c <= 0xff5e) || (c >= 0x2010 && c <= 0x203b);
    daily += usual;
    others += c >= 0x80 && !usual;
  }
  buffer_free(&out);
  return replaced <= 2 && daily > 20 * others; /* the last character may be cut */
}
