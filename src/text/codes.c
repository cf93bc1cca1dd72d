#include "text/codes.h"

#include <string.h>
#include <utf8proc.h>

#include "text/utf8.h"

enum { REPLACEMENT = 0xfffd, CAPITAL_I_DOT = 0x130, DOT_ABOVE = 0x307 };
enum { CAPITAL_SIGMA = 0x3a3, SIGMA = 0x3c3, FINAL_SIGMA = 0x3c2 };

void codes_decode(Codes *codes, const char *text, size_t length) {
  codes->count = 0;
  vec_reserve(codes, length);
  for (size_t at = 0; at < length;) {
    uint32_t code = REPLACEMENT;
    const size_t n = utf8_decode(text + at, length - at, &code);
    at += n ? n : 1;
    codes->data[codes->count++] = code;
  }
}

/* ---- classes ---- */

bool code_in_ranges(uint32_t code, const CodeRange *ranges, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (code >= ranges[i].first && code <= ranges[i].last) return true;
  return false;
}

static utf8proc_category_t category(uint32_t code) {
  return utf8proc_category((utf8proc_int32_t)code);
}

bool code_is_space(uint32_t c) {
  static const CodeRange wide[] = {{0x1680, 0x1680}, {0x2000, 0x200a}, {0x2028, 0x2029},
                                   {0x202f, 0x202f}, {0x205f, 0x205f}, {0x3000, 0x3000}};
  if (c < 0x80) return c == ' ' || (c >= '\t' && c <= '\r') || (c >= 0x1c && c <= 0x1f);
  return c == 0x85 || c == 0xa0 || CODE_IN(c, wide);
}

bool code_is_punctuation(uint32_t code) {
  const utf8proc_category_t c = category(code);
  return c >= UTF8PROC_CATEGORY_PC && c <= UTF8PROC_CATEGORY_PO;
}

bool code_is_symbol(uint32_t code) {
  const utf8proc_category_t c = category(code);
  return c >= UTF8PROC_CATEGORY_SM && c <= UTF8PROC_CATEGORY_SO;
}

bool code_is_number(uint32_t code) {
  const utf8proc_category_t c = category(code);
  return c >= UTF8PROC_CATEGORY_ND && c <= UTF8PROC_CATEGORY_NO;
}

bool code_is_letter(uint32_t code) {
  const utf8proc_category_t c = category(code);
  return c >= UTF8PROC_CATEGORY_LU && c <= UTF8PROC_CATEGORY_ME;
}

bool code_is_han(uint32_t code) {
  static const CodeRange han[] = {{0x3005, 0x3007}, {0x3021, 0x3029}, {0x3038, 0x303b},  {0x3400, 0x4dbf},
                                  {0x4e00, 0x9fff}, {0xf900, 0xfaff}, {0x20000, 0x3ffff}};
  return CODE_IN(code, han);
}

/* ---- lower case ---- */

/* Unicode's Cased without Case_Ignorable: cased letters, and numerals and circled letters with case. */
static bool is_cased(uint32_t code) {
  static const CodeRange other[] = {{0xaa, 0xaa},      {0xba, 0xba},       {0x2160, 0x217f},
                                    {0x24b6, 0x24e9},  {0x1f130, 0x1f149}, {0x1f150, 0x1f169},
                                    {0x1f170, 0x1f189}};
  const utf8proc_category_t c = category(code);
  return (c >= UTF8PROC_CATEGORY_LU && c <= UTF8PROC_CATEGORY_LT) || CODE_IN(code, other);
}

/* Unicode's Case_Ignorable: marks, formats, modifiers, and punctuation within words. */
static bool is_case_ignorable(uint32_t code) {
  static const uint32_t inside_words[] = {'\'',   '.',    ':',    0xb7,   0x387,  0x55f,
                                          0x5f4,  0x2018, 0x2019, 0x2024, 0x2027, 0xfe13,
                                          0xfe52, 0xfe55, 0xff07, 0xff0e, 0xff1a};
  const utf8proc_category_t c = category(code);
  if (c == UTF8PROC_CATEGORY_MN || c == UTF8PROC_CATEGORY_ME || c == UTF8PROC_CATEGORY_CF ||
      c == UTF8PROC_CATEGORY_LM || c == UTF8PROC_CATEGORY_SK)
    return true;
  for (size_t i = 0; i < sizeof inside_words / sizeof *inside_words; i++)
    if (code == inside_words[i]) return true;
  return false;
}

/* Unicode's Final_Sigma: a cased letter before, none after. Each run of ignorable characters is scanned at
 * most twice, so the time is linear. */
static bool ends_word(const Codes *text, size_t at) {
  size_t before = at, after = at + 1;
  while (before > 0 && is_case_ignorable(text->data[before - 1])) before--;
  while (after < text->count && is_case_ignorable(text->data[after])) after++;
  return before > 0 && is_cased(text->data[before - 1]) &&
         !(after < text->count && is_cased(text->data[after]));
}

void codes_lower(const Codes *from, Codes *to) {
  to->count = 0;
  vec_reserve(to, from->count);
  for (size_t i = 0; i < from->count; i++) {
    const uint32_t c = from->data[i];
    if (c == CAPITAL_I_DOT) {
      vec_push(to, 'i');
      vec_push(to, DOT_ABOVE);
    } else if (c == CAPITAL_SIGMA) {
      vec_push(to, ends_word(from, i) ? FINAL_SIGMA : SIGMA);
    } else {
      vec_push(to, (uint32_t)utf8proc_tolower((utf8proc_int32_t)c));
    }
  }
}

/* ---- trimming ---- */

void codes_trim_end(Codes *codes) {
  while (codes->count && code_is_space(codes->data[codes->count - 1])) codes->count--;
}

void codes_trim_start(Codes *codes) {
  size_t blank = 0;
  while (blank < codes->count && code_is_space(codes->data[blank])) blank++;
  codes->count -= blank;
  if (blank) memmove(codes->data, codes->data + blank, codes->count * sizeof *codes->data);
}
