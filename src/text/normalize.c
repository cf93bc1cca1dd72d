/* normalize.c - text normalization. Invalid UTF-8 is passed through unchanged. */
#include <string.h>
#include <utf8proc.h>

#include "text/tokenizer_impl.h"
#include "text/utf8.h"

bool normalizer_does_nothing(const Normalizer *n) {
  return !n->compose && !n->compatible && !n->lowercase && !n->space_mark && !n->prepend;
}

/* Replaces "▁" by a space, as was done with the tokens of the vocabulary. */
static void unmark_spaces(const char *text, size_t length, Buffer *out) {
  while (length) {
    const char *mark = memmem(text, length, SPACE_MARK, strlen(SPACE_MARK));
    const size_t before = mark ? (size_t)(mark - text) : length, n = before + (mark ? strlen(SPACE_MARK) : 0);
    buffer_add(out, text, before);
    if (mark) buffer_adds(out, " ");
    text += n;
    length -= n;
  }
}

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

static void compose_line(const char *text, size_t length, bool compatible, Buffer *out) {
  const utf8proc_option_t options =
      UTF8PROC_STABLE | UTF8PROC_COMPOSE | (compatible ? UTF8PROC_COMPAT : (utf8proc_option_t)0);
  utf8proc_uint8_t *result = NULL;
  if (all_settled(text, length, compatible)) {
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

/* A line end composes with nothing, so lines can be composed separately. */
static void compose(const char *text, size_t length, bool compatible, Buffer *out) {
  while (length) {
    const char *end = memchr(text, '\n', length);
    const size_t n = end ? (size_t)(end - text) + 1 : length;
    compose_line(text, n, compatible, out);
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

static void lower(const char *text, size_t length, Buffer *out) {
  for (size_t at = 0, n; at < length; at += n ? n : 1) {
    uint32_t code = 0;
    n = utf8_decode(text + at, length - at, &code);
    lower_character(text + at, n, code, out);
  }
}

void normalize(const Normalizer *n, const char *text, size_t length, Buffer *out) {
  Buffer steps[2] = {{0}, {0}};
  if (n->prepend && length) buffer_adds(out, " ");
  if (n->compose || n->compatible) {
    compose(text, length, n->compatible, &steps[0]);
    text = steps[0].data ? steps[0].data : "";
    length = steps[0].length;
  }
  if (n->lowercase) {
    lower(text, length, &steps[1]);
    text = steps[1].data ? steps[1].data : "";
    length = steps[1].length;
  }
  if (n->space_mark)
    unmark_spaces(text, length, out);
  else
    buffer_add(out, text, length);
  buffer_free(&steps[0]);
  buffer_free(&steps[1]);
}
