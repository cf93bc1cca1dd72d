/* jinja_text.c - text as Python's str: by code points, with its case rules and white space. */
#include <utf8proc.h>

#include "text/codes.h"
#include "text/jinja_impl.h"
#include "text/utf8.h"

void text_add(Work *w, Text *t, const char *bytes, size_t length) {
  if (length > t->capacity - t->length || !t->data) {
    const size_t capacity = 2 * t->length + length + 32;
    char *data = work_alloc(w, capacity);
    if (t->length) memcpy(data, t->data, t->length);
    t->data = data;
    t->capacity = capacity;
  }
  if (length) memcpy(t->data + t->length, bytes, length);
  t->length += length;
}

void text_adds(Work *w, Text *t, const char *text) {
  text_add(w, t, text, strlen(text));
}

Value text_value(const Text *t) {
  return value_string(t->data ? t->data : "", t->length);
}

/* ---- code points ---- */

static size_t step_of(const char *text, size_t length) {
  const size_t n = utf8_character(text, length);
  return n ? n : 1;
}

size_t text_offset(const char *text, size_t length, int64_t characters) {
  size_t at = 0;
  while (characters-- > 0 && at < length) at += step_of(text + at, length - at);
  return at;
}

int64_t text_count(const char *text, size_t length) {
  int64_t count = 0;
  for (size_t at = 0; at < length; count++) at += step_of(text + at, length - at);
  return count;
}

/* ---- case ---- */

/* Characters whose other case is several characters, or depends on their neighbours; simple mappings would
 * differ from Python's. */
static bool is_irregular(uint32_t c) {
  static const CodeRange ranges[] = {{0x130, 0x130},   {0x149, 0x149},   {0x1c4, 0x1cc},  {0x1f0, 0x1f3},
                                     {0x390, 0x390},   {0x3a3, 0x3a3},   {0x3b0, 0x3b0},  {0x587, 0x587},
                                     {0x1e96, 0x1e9e}, {0x1f50, 0x1ffc}, {0xfb00, 0xfb17}};
  return CODE_IN(c, ranges);
}

static bool is_cased(uint32_t c) {
  const utf8proc_category_t k = utf8proc_category((utf8proc_int32_t)c);
  return k == UTF8PROC_CATEGORY_LU || k == UTF8PROC_CATEGORY_LL || k == UTF8PROC_CATEGORY_LT;
}

static void add_case(Work *w, uint32_t c, bool upper, bool title, Text *out) {
  char bytes[4];
  if (is_irregular(c)) work_fail(w, "changing the case of U+%04X is not supported", c);
  if (c == 0xdf && upper) {
    text_adds(w, out, title ? "Ss" : "SS");
    return;
  }
  const utf8proc_int32_t code = (utf8proc_int32_t)c;
  text_add(w, out, bytes,
           utf8_encode((uint32_t)(upper ? utf8proc_toupper(code) : utf8proc_tolower(code)), bytes));
}

Value text_case(Work *w, Value v, char how) {
  Text out = {0};
  bool first = true;
  uint32_t c;
  work_step(w, v.length / 16);
  for (size_t at = 0, n; at < v.length; at += n) {
    if (!(n = utf8_decode(v.text + at, v.length - at, &c))) {
      text_add(w, &out, v.text + at, n = 1);
      continue;
    }
    add_case(w, c, how == 'u' || (how != 'l' && first), how != 'u' && how != 'w', &out);
    first = how == 't' && !is_cased(c);
  }
  return text_value(&out);
}

/* ---- parts ---- */

static bool strips(uint32_t c, Value chars) {
  char bytes[4];
  if (!value_is_text(chars)) return code_is_space(c);
  return chars.length && memmem(chars.text, chars.length, bytes, utf8_encode(c, bytes));
}

Value text_strip(Work *w, Value v, Value chars, bool left, bool right) {
  uint32_t c;
  if (chars.type != V_MISSING && chars.type != V_NONE && !value_is_text(chars))
    work_fail(w, "strip arg must be None or str");
  for (size_t n; left && v.length && (n = utf8_decode(v.text, v.length, &c)) && strips(c, chars);) {
    v.text += n;
    v.length -= n;
  }
  while (right && v.length) {
    size_t n = 1;
    while (n < 4 && n < v.length && ((unsigned char)v.text[v.length - n] & 0xc0) == 0x80) n++;
    if (utf8_decode(v.text + v.length - n, n, &c) != n || !strips(c, chars)) break;
    v.length -= n;
  }
  return v;
}

Value text_replace(Work *w, Value text, Value old, Value with, int64_t most) {
  Text out = {0};
  work_step(w, text.length / 16);
  size_t at = 0;
  while (most-- != 0) {
    const char *found =
        old.length ? memmem(text.text + at, text.length - at, old.text, old.length) : text.text + at;
    if (!found || at > text.length) break;
    const size_t place = (size_t)(found - text.text);
    text_add(w, &out, text.text + at, place - at);
    text_add(w, &out, with.text, with.length);
    at = place + old.length;
    if (old.length) continue;
    if (at >= text.length) { /* "" is also found at the end */
      at = text.length;
      break;
    }
    const size_t n = step_of(text.text + at, text.length - at);
    text_add(w, &out, text.text + at, n);
    at += n;
  }
  text_add(w, &out, text.text + at, text.length - at);
  return text_value(&out);
}

/* str.splitlines() */
List *text_lines(Work *w, Value v) {
  List *lines = list_new(w);
  size_t begin = 0;
  uint32_t c;
  for (size_t at = 0, n; at < v.length; at += n) {
    n = step_of(v.text + at, v.length - at);
    if (utf8_decode(v.text + at, v.length - at, &c) != n) continue;
    if (!((c >= 10 && c <= 13) || (c >= 0x1c && c <= 0x1e) || c == 0x85 || c == 0x2028 || c == 0x2029))
      continue;
    list_add(w, lines, value_string(v.text + begin, at - begin));
    if (c == '\r' && at + 1 < v.length && v.text[at + 1] == '\n') n++;
    begin = at + n;
  }
  if (begin < v.length) list_add(w, lines, value_string(v.text + begin, v.length - begin));
  return lines;
}

Value text_escape(Work *w, Value v) {
  static const char *const names[] = {"&amp;", "&lt;", "&gt;", "&#34;", "&#39;"}, plain[] = "&<>\"'";
  Text out = {0};
  if (v.type == V_ESCAPED) return v;
  for (size_t i = 0; i < v.length; i++) {
    const char *found = memchr(plain, v.text[i], 5);
    if (found)
      text_adds(w, &out, names[found - plain]);
    else
      text_add(w, &out, &v.text[i], 1);
  }
  v = text_value(&out);
  v.type = V_ESCAPED;
  return v;
}
