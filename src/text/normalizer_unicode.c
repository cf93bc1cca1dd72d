/* normalizer_unicode.c - normal forms, lower case, and normalizers that change or drop single characters. */
#include <utf8proc.h>

#include "text/normalize.h"
#include "text/pipeline.h"
#include "text/utf8.h"

static bool apply_form(const Step *s, const char *text, size_t length, Buffer *out, Error *err) {
  (void)err;
  normalize_form((NormalForm)s->mode, text, length, out);
  return true;
}
#define FORM(form)                                                     \
  static bool read_##form(StepReader *r, const json_t *part, Step s) { \
    (void)part;                                                        \
    s.mode = FORM_##form;                                              \
    return step_push(r, s);                                            \
  }                                                                    \
  const StepKind normalizer_##form = {.type = #form, .read = read_##form, .normalize = apply_form};
FORM(NFC)
FORM(NFD)
FORM(NFKC)
FORM(NFKD)

static bool lower(const Step *s, const char *text, size_t length, Buffer *out, Error *err) {
  (void)s, (void)err;
  normalize_lower(text, length, out);
  return true;
}
const StepKind normalizer_Lowercase = {.type = "Lowercase", .normalize = lower};

/* ---- one character at a time ---- */

enum { DROPPED = -1 };

/* The rule gives the character instead of each, or DROPPED. */
static void change_characters(int64_t rule(uint32_t), const char *text, size_t length, Buffer *out) {
  char bytes[4];
  for (size_t at = 0, n; at < length; at += n ? n : 1) {
    uint32_t code;
    n = utf8_decode(text + at, length - at, &code);
    const int64_t changed = n ? rule(code) : 0;
    if (!n || changed == (int64_t)code)
      buffer_add(out, text + at, n ? n : 1);
    else if (changed != DROPPED)
      buffer_add(out, bytes, utf8_encode((uint32_t)changed, bytes));
  }
}

static int category(uint32_t code) {
  return utf8proc_category((utf8proc_int32_t)code);
}

static int64_t without_marks(uint32_t c) {
  const int kind = category(c);
  return kind == UTF8PROC_CATEGORY_MN || kind == UTF8PROC_CATEGORY_MC || kind == UTF8PROC_CATEGORY_ME
             ? DROPPED
             : (int64_t)c;
}

static bool strip_accents(const Step *s, const char *text, size_t length, Buffer *out, Error *err) {
  (void)s, (void)err;
  change_characters(without_marks, text, length, out);
  return true;
}
const StepKind normalizer_StripAccents = {.type = "StripAccents", .normalize = strip_accents};

static int64_t cleaned_for_nmt(uint32_t c) {
  if ((c >= 1 && c <= 8) || c == 0xb || (c >= 0xe && c <= 0x1f) || c == 0x7f || c == 0x8f || c == 0x9f)
    return DROPPED;
  return c == 9 || c == 0xa || c == 0xc || c == 0xd || c == 0x1680 || (c >= 0x200b && c <= 0x200f) ||
                 c == 0x2028 || c == 0x2029 || c == 0x2581 || c == 0xfeff || c == 0xfffd
             ? ' '
             : (int64_t)c;
}

static bool clean_for_nmt(const Step *s, const char *text, size_t length, Buffer *out, Error *err) {
  (void)s, (void)err;
  change_characters(cleaned_for_nmt, text, length, out);
  return true;
}
const StepKind normalizer_Nmt = {.type = "Nmt", .normalize = clean_for_nmt};

/* ---- white space at the ends ---- */

static bool read_strip(StepReader *r, const json_t *part, Step s) {
  return step_bool(r, part, "strip_left", true, &s.flag) &&
         step_bool(r, part, "strip_right", true, &s.other_flag) && step_push(r, s);
}

static bool strip(const Step *s, const char *text, size_t length, Buffer *out, Error *err) {
  uint32_t code;
  size_t n;
  (void)err;
  for (; s->flag && (n = utf8_decode(text, length, &code)) && is_white_space(code); text += n) length -= n;
  while (s->other_flag && (n = utf8_decode_last(text, length, &code)) && is_white_space(code)) length -= n;
  buffer_add(out, text, length);
  return true;
}
const StepKind normalizer_Strip = {
    .type = "Strip", .members = "strip_left|strip_right|", .read = read_strip, .normalize = strip};

/* ---- BERT ---- */

typedef enum BertChange { CLEAN = 1, SPLIT_HAN = 2, NO_ACCENTS = 4, LOWER = 8 } BertChange;

static bool read_bert(StepReader *r, const json_t *part, Step s) {
  bool clean, han, accents, lowers;
  if (!step_bool(r, part, "clean_text", true, &clean) ||
      !step_bool(r, part, "handle_chinese_chars", true, &han) ||
      !step_bool(r, part, "lowercase", true, &lowers) ||
      !step_bool(r, part, "strip_accents", lowers, &accents))
    return false;
  s.mode = clean * CLEAN + han * SPLIT_HAN + accents * NO_ACCENTS + lowers * LOWER;
  return step_push(r, s);
}

/* Format characters later than Unicode 8, whose tables the tokenizers of Hugging Face have. */
static bool is_later_format(uint32_t c) {
  return c == 0x8e2 || c == 0x890 || c == 0x891 || c == 0x110cd || (c >= 0x13430 && c <= 0x1343f);
}

/* Unassigned code points stay: they may be characters of a later Unicode. */
static int64_t cleaned(uint32_t c) {
  const int kind = category(c);
  if (is_white_space(c) && kind != UTF8PROC_CATEGORY_CC) return ' ';
  if (c == '\t' || c == '\n' || c == '\r') return ' ';
  return kind == UTF8PROC_CATEGORY_CC || (kind == UTF8PROC_CATEGORY_CF && !is_later_format(c)) ||
                 kind == UTF8PROC_CATEGORY_CO || c == 0xfffd
             ? DROPPED
             : (int64_t)c;
}

static int64_t without_accents(uint32_t c) {
  return category(c) == UTF8PROC_CATEGORY_MN ? DROPPED : (int64_t)c;
}

static bool is_han(uint32_t c) {
  return (c >= 0x4e00 && c < 0xa000) || (c >= 0x3400 && c < 0x4dc0) || (c >= 0x20000 && c < 0x2a6e0) ||
         (c >= 0x2a700 && c < 0x2b820) || (c >= 0x2b920 && c < 0x2ceb0) || (c >= 0xf900 && c < 0xfb00) ||
         (c >= 0x2f800 && c < 0x2fa20);
}

static void split_han(const char *text, size_t length, Buffer *out) {
  for (size_t at = 0, n; at < length; at += n ? n : 1) {
    uint32_t code = 0;
    n = utf8_decode(text + at, length - at, &code);
    const char *space = n && is_han(code) ? " " : "";
    buffer_adds(out, space);
    buffer_add(out, text + at, n ? n : 1);
    buffer_adds(out, space);
  }
}

static bool normalize_bert(const Step *s, const char *text, size_t length, Buffer *out, Error *err) {
  Buffer now = {0}, next = {0};
  (void)err;
  buffer_add(&now, text, length);
  for (int change = CLEAN; change <= LOWER; change *= 2) {
    if (!(s->mode & change)) continue;
    buffer_clear(&next);
    if (change == CLEAN) change_characters(cleaned, now.data, now.length, &next);
    if (change == SPLIT_HAN) split_han(now.data, now.length, &next);
    if (change == NO_ACCENTS) {
      Buffer parts = {0};
      normalize_form(FORM_NFD, now.data, now.length, &parts);
      change_characters(without_accents, parts.data, parts.length, &next);
      buffer_free(&parts);
    }
    if (change == LOWER) normalize_lower(now.data, now.length, &next);
    const Buffer done = now;
    now = next;
    next = done;
  }
  buffer_add(out, now.data, now.length);
  buffer_free(&now);
  buffer_free(&next);
  return true;
}
const StepKind normalizer_BertNormalizer = {
    .type = "BertNormalizer",
    .members = "clean_text|handle_chinese_chars|strip_accents|lowercase|",
    .read = read_bert,
    .normalize = normalize_bert};
