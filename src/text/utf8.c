#include "text/utf8.h"

#include <string.h>

/* Length of a character with this first byte; 0: invalid. */
static size_t length_of(unsigned char first) {
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first < 0xe0) return 2;
  if (first >= 0xe0 && first < 0xf0) return 3;
  return first >= 0xf0 && first < 0xf5 ? 4 : 0;
}

size_t utf8_decode(const char *text, size_t length, uint32_t *code) {
  static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
  const unsigned char *p = (const unsigned char *)text;
  const size_t n = length ? length_of(p[0]) : 0;
  if (!n || n > length) return 0;
  uint32_t c = n == 1 ? p[0] : p[0] & (0x7fu >> n);
  for (size_t i = 1; i < n; i++) {
    if ((p[i] & 0xc0) != 0x80) return 0;
    c = c << 6 | (p[i] & 0x3f);
  }
  if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) return 0;
  *code = c;
  return n;
}

size_t utf8_decode_last(const char *text, size_t length, uint32_t *code) {
  for (size_t n = 1; n <= 4 && n <= length; n++)
    if (utf8_decode(text + length - n, n, code) == n) return n;
  return 0;
}

bool is_white_space(uint32_t c) {
  return (c >= 9 && c <= 13) || c == 0x20 || c == 0x85 || c == 0xa0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f ||
         c == 0x3000;
}

size_t utf8_character(const char *text, size_t length) {
  uint32_t code;
  return utf8_decode(text, length, &code);
}

size_t utf8_valid_prefix(const char *text, size_t length) {
  size_t at = 0;
  while (at < length) {
    uint64_t word;
    if (length - at >= sizeof word) { /* eight ASCII bytes at once */
      memcpy(&word, text + at, sizeof word);
      if (!(word & 0x8080808080808080u)) {
        at += sizeof word;
        continue;
      }
    }
    const size_t n = utf8_character(text + at, length - at);
    if (!n) break;
    at += n;
  }
  return at;
}

int64_t utf8_count(const char *text, size_t length) {
  int64_t count = 0;
  for (size_t i = 0; i < length; i++) count += ((unsigned char)text[i] & 0xc0) != 0x80;
  return count;
}

size_t utf8_whole_prefix(const char *text, size_t length) {
  for (size_t back = 1; back <= 3 && back <= length; back++) {
    const unsigned char c = (unsigned char)text[length - back];
    if ((c & 0xc0) == 0x80) continue;
    return length_of(c) > back ? length - back : length;
  }
  return length;
}

/* Length of the incomplete character at the front, at least 1, which one U+FFFD replaces ("maximal subpart",
 * Unicode 3.9, as in Python and Rust). */
static size_t broken_length(const char *text, size_t length) {
  const unsigned char *p = (const unsigned char *)text;
  const size_t n = length_of(p[0]);
  const unsigned char low = p[0] == 0xe0   ? 0xa0
                            : p[0] == 0xf0 ? 0x90
                                           : 0x80,
                      high = p[0] == 0xed   ? 0x9f
                             : p[0] == 0xf4 ? 0x8f
                                            : 0xbf;
  if (n < 2 || length < 2 || p[1] < low || p[1] > high) return 1;
  size_t i = 2;
  while (i < n && i < length && (p[i] & 0xc0) == 0x80) i++;
  return i;
}

int64_t utf8_repair(const char *text, size_t length, Buffer *out) {
  for (int64_t replaced = 0;;) {
    const size_t good = utf8_valid_prefix(text, length);
    buffer_add(out, text, good);
    if (good == length) return replaced;
    buffer_adds(out, "\xef\xbf\xbd");
    const size_t broken = broken_length(text + good, length - good);
    replaced += (int64_t)broken;
    text += good + broken;
    length -= good + broken;
  }
}

size_t utf8_encode(uint32_t code, char out[4]) {
  if (code < 0x80) {
    out[0] = (char)code;
    return 1;
  }
  const size_t n = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  for (size_t i = n - 1; i > 0; i--, code >>= 6) out[i] = (char)(0x80 | (code & 0x3f));
  out[0] = (char)(code | (0xf00u >> n & 0xff));
  return n;
}

json_t *utf8_json(const char *text) {
  Buffer valid = {0};
  utf8_repair(text, strlen(text), &valid);
  json_t *json = json_stringn(valid.data ? valid.data : "", valid.length);
  buffer_free(&valid);
  return json;
}
