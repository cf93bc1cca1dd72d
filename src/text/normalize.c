#include "text/normalize.h"

#include <string.h>
#include <utf8proc.h>

#include "base/memory.h"
#include "text/utf8.h"

/* Characters that NFC does not change and that do not compose with each other: Latin letters, and the
 * punctuation, kana and Han of nearly all Chinese and Japanese text. For NFKC a smaller set. */
static bool is_settled(uint32_t c, bool compatible) {
  if (compatible && (c >= 0xa0) && (c < 0x3001 || c == 0x30ff || c >= 0xff00)) return false;
  return c < 0x300 || (c >= 0x2010 && c < 0x2070) || (c >= 0x3001 && c < 0x302a) ||
         (c >= 0x3041 && c < 0x3097) || (c >= 0x30a0 && c < 0x3100) || (c >= 0x3400 && c < 0xa000) ||
         (c >= 0xff00 && c < 0xfff0);
}

static bool all_settled(const char *text, size_t length, bool compatible) {
  uint32_t code;
  for (size_t at = 0, n; at < length; at += n)
    if (!(n = utf8_decode(text + at, length - at, &code)) || !is_settled(code, compatible)) return false;
  return true;
}

static void normalize_line(NormalForm form, const char *text, size_t length, Buffer *out) {
  const bool compatible = form == FORM_NFKC || form == FORM_NFKD,
             composes = form == FORM_NFC || form == FORM_NFKC;
  const utf8proc_option_t options = UTF8PROC_STABLE | (composes ? UTF8PROC_COMPOSE : UTF8PROC_DECOMPOSE) |
                                    (compatible ? UTF8PROC_COMPAT : (utf8proc_option_t)0);
  utf8proc_uint8_t *result = NULL;
  if (composes && all_settled(text, length, compatible)) {
    buffer_add(out, text, length);
    return;
  }
  const utf8proc_ssize_t n =
      utf8proc_map((const utf8proc_uint8_t *)text, (utf8proc_ssize_t)length, &result, options);
  if (n == UTF8PROC_ERROR_NOMEM) mem_exhausted(4 * length);
  if (n >= 0)
    buffer_add(out, result, (size_t)n);
  else
    buffer_add(out, text, length);
  mem_free_foreign(result);
}

/* A line end composes with nothing, so lines can be normalized separately. */
void normalize_form(NormalForm form, const char *text, size_t length, Buffer *out) {
  while (length) {
    const char *end = memchr(text, '\n', length);
    const size_t n = end ? (size_t)(end - text) + 1 : length;
    normalize_line(form, text, n, out);
    text += n;
    length -= n;
  }
}

/* Lower-cases one character at a time, as Hugging Face's Lowercase does; only U+0130 (I with a dot) becomes
 * two. */
static void lower_character(const char *text, size_t n, uint32_t code, Buffer *out) {
  char bytes[4];
  if (code == 0x130)
    buffer_add(out, "i\xcc\x87", 3);
  else if (n)
    buffer_add(out, bytes, utf8_encode((uint32_t)utf8proc_tolower((utf8proc_int32_t)code), bytes));
  else
    buffer_add(out, text, 1);
}

void normalize_lower(const char *text, size_t length, Buffer *out) {
  for (size_t at = 0, n; at < length; at += n ? n : 1) {
    uint32_t code = 0;
    n = utf8_decode(text + at, length - at, &code);
    lower_character(text + at, n, code, out);
  }
}

void normalize_loosely(const char *text, size_t length, Buffer *out) {
  Buffer composed = {0};
  normalize_form(FORM_NFKC, text, length, &composed);
  normalize_lower(composed.data, composed.length, out);
  buffer_free(&composed);
}
