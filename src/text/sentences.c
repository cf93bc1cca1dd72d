#include "text/sentences.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "text/utf8.h"

/* ---- characters ---- */

static uint32_t next_character(const char *text, size_t length, size_t *bytes) {
  uint32_t code = 0xfffd;
  *bytes = utf8_decode(text, length, &code);
  if (!*bytes) *bytes = 1; /* an invalid byte */
  return code;
}

static bool one_of(uint32_t code, const uint32_t *list) {
  for (; *list; list++)
    if (*list == code) return true;
  return false;
}

/* Marks that end a sentence without white space after them. */
static bool ends_always(uint32_t code) {
  static const uint32_t ends[] = {0x3002, 0xff01, 0xff1f, 0xff61, 0x2026, 0xff1b, 0}; /* 。！？｡…； */
  return one_of(code, ends);
}

static bool ends_before_space(uint32_t code) {
  return code == '.' || code == '!' || code == '?';
}

static bool closes(uint32_t code) {
  static const uint32_t closing[] = {'"',    '\'',   ')',    ']',    0x201d, 0x2019, 0x300d,
                                     0x300f, 0xff09, 0x300b, 0x3011, 0xbb,   0};
  return one_of(code, closing);
}

static bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}
static bool is_small(char c) {
  return c >= 'a' && c <= 'z';
}
static bool is_letter(char c) {
  return is_small((char)(c | 0x20));
}

/* ---- full stops within a sentence ---- */

/* Is the word before the stop at `at` an initial, or an abbreviation before a name or a number? */
static bool is_abbreviation(const char *text, size_t at) {
  static const char *const words[] = {"mr",  "mrs", "ms",  "dr",  "prof", "st", "no",  "vs",
                                      "e.g", "i.e", "fig", "art", "bzw",  "ca", "z.b", "nr"};
  size_t first = at;
  while (first > 0 && at - first < 8 && (is_letter(text[first - 1]) || text[first - 1] == '.')) first--;
  if (first > 0 && !is_space(text[first - 1]) && text[first - 1] != '(') return false;
  const size_t n = at - first;
  if (n == 1 && is_letter(text[first])) return text[first] != 'I';
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    if (strlen(words[i]) != n) continue;
    size_t same = 0;
    while (same < n && (text[first + same] | 0x20) == (words[i][same] | 0x20)) same++;
    if (same == n) return true;
  }
  return false;
}

static size_t skip_spaces(const char *text, size_t length, size_t at) {
  while (at < length && is_space(text[at])) at++;
  return at;
}

static size_t skip_ends(const char *text, size_t length, size_t at) {
  for (size_t bytes; at < length; at += bytes) {
    const uint32_t code = next_character(text + at, length - at, &bytes);
    if (!closes(code) && !ends_always(code) && !ends_before_space(code)) break;
  }
  return at;
}

/* Does the mark at `at` end a sentence? `after`: past it and closing quotes and brackets. */
static bool ends_here(const char *text, size_t length, uint32_t mark, size_t at, size_t after) {
  if (after == length || ends_always(mark)) return true;
  if (!is_space(text[after])) return false;
  const size_t next = skip_spaces(text, length, after);
  if (mark != '.' || next == length) return true;
  return !is_small(text[next]) && !is_abbreviation(text, at);
}

size_t sentence_length(const char *text, size_t length) {
  size_t bytes;
  for (size_t at = 0; at < length; at += bytes) {
    const uint32_t code = next_character(text + at, length - at, &bytes);
    if (code == '\n') return skip_spaces(text, length, at);
    if (!ends_always(code) && !ends_before_space(code)) continue;
    const size_t after = skip_ends(text, length, at + bytes);
    if (ends_here(text, length, code, at, after)) return skip_spaces(text, length, after);
    bytes = after - at;
  }
  return length;
}
