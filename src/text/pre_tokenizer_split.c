/* pre_tokenizer_split.c - pre-tokenizers that cut text where a pattern matches. */
#include <string.h>

#include "text/tokenizer_impl.h"

/* What becomes of the matches: as Hugging Face's SplitDelimiterBehavior. */
typedef enum Behavior { REMOVED, ISOLATED, WITH_PREVIOUS, WITH_NEXT, CONTIGUOUS } Behavior;

/* Is a part, a match or not, joined to the one before it? */
static bool joins(Behavior behavior, bool match, bool before) {
  switch (behavior) {
    case WITH_PREVIOUS:
      return match && !before;
    case WITH_NEXT:
      return !match && before;
    case CONTIGUOUS:
      return match == before;
    default:
      return false;
  }
}

/* `flag`: what does not match is a match. */
static void cut_joining(const Step *s, Cutter *c, Words *w) {
  const char *part, *held = NULL;
  size_t n, held_length = 0;
  bool before = false;
  while (words_next(w, &part, &n)) {
    const bool match = words_is_match(w) != s->flag;
    if (match && s->mode == REMOVED) {
      c->at_start = false;
      continue;
    }
    if (held && joins((Behavior)s->mode, match, before)) {
      held_length += n;
    } else {
      if (held) cut_by(s + 1, c, held, held_length);
      held = part;
      held_length = n;
    }
    before = match;
  }
  if (held) cut_by(s + 1, c, held, held_length);
}

static void cut_split(const Step *s, Cutter *c, const char *text, size_t length) {
  Words *w = &c->words[s - c->steps];
  const char *part;
  size_t n;
  words_over(w, text, length);
  if (s->mode != ISOLATED)
    cut_joining(s, c, w);
  else if (s + 1 == c->end)
    while (words_next(w, &part, &n)) c->word(c, part, n);
  else
    while (words_next(w, &part, &n)) cut_by(s + 1, c, part, n);
}

/* ---- Split ---- */

static const char *const behaviors[] = {"Removed",        "Isolated",   "MergedWithPrevious",
                                        "MergedWithNext", "Contiguous", NULL};

/* The pattern that matches a string. */
static bool compile_literal(StepReader *r, Step *s) {
  Buffer pattern = {0};
  for (size_t i = 0; i < s->length; i++)
    buffer_addf(&pattern, (unsigned char)s->text[i] < 0x80 ? "\\x{%02x}" : "%c", (unsigned char)s->text[i]);
  s->pattern = words_compile(pattern.data, r->path, r->err);
  buffer_free(&pattern);
  return s->pattern;
}

static bool read_split(StepReader *r, const json_t *part, Step s) {
  if (!step_choice(r, part, "behavior", ISOLATED, behaviors, &s.mode) ||
      !step_bool(r, part, "invert", false, &s.flag) || !step_pattern(r, part, &s))
    return false;
  if (s.pattern && s.mode == ISOLATED && !r->t->pattern_text) r->t->pattern_text = s.text;
  return (s.pattern || compile_literal(r, &s)) && step_push(r, s);
}
const StepKind pre_tokenizer_Split = {
    .type = "Split", .members = "pattern|behavior|invert|", .read = read_split, .cut = cut_split};

/* ---- others, by their patterns ---- */

static bool push_cut(StepReader *r, const char *pattern, int behavior, bool inverted) {
  Step s = {.kind = &pre_tokenizer_Split, .mode = behavior, .flag = inverted};
  return (s.pattern = words_compile(pattern, r->path, r->err)) && step_push(r, s);
}

bool push_split(StepReader *r, const char *pattern) {
  if (!r->t->pattern_text) r->t->pattern_text = pattern;
  return push_cut(r, pattern, ISOLATED, false);
}

#define PUNCTUATION "[!-/:-@\\[-`{-~\\p{P}]"

static bool read_punctuation(StepReader *r, const json_t *part, Step s) {
  return step_choice(r, part, "behavior", ISOLATED, behaviors, &s.mode) &&
         push_cut(r, PUNCTUATION, s.mode, false);
}
const StepKind pre_tokenizer_Punctuation = {
    .type = "Punctuation", .members = "behavior|", .read = read_punctuation};

static bool read_digits(StepReader *r, const json_t *part, Step s) {
  return step_bool(r, part, "individual_digits", false, &s.flag) &&
         push_cut(r, "\\p{N}", s.flag ? ISOLATED : CONTIGUOUS, false);
}
const StepKind pre_tokenizer_Digits = {
    .type = "Digits", .members = "individual_digits|", .read = read_digits};

static bool read_whitespace(StepReader *r, const json_t *part, Step s) {
  (void)part, (void)s;
#define WORD "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}" /* as in Rust */
  return push_cut(r, "[" WORD "]+|[^" WORD "\\s]+", REMOVED, true);
}
const StepKind pre_tokenizer_Whitespace = {.type = "Whitespace", .read = read_whitespace};

static bool read_whitespace_split(StepReader *r, const json_t *part, Step s) {
  (void)part, (void)s;
  return push_cut(r, "\\s+", REMOVED, false);
}
const StepKind pre_tokenizer_WhitespaceSplit = {.type = "WhitespaceSplit", .read = read_whitespace_split};

static bool read_delimiter(StepReader *r, const json_t *part, Step s) {
  s.kind = &pre_tokenizer_Split;
  s.mode = REMOVED;
  return step_text(r, part, "delimiter", NULL, &s.text, &s.length) &&
         (s.length || step_refuse(r, "CharDelimiterSplit without a delimiter")) && compile_literal(r, &s) &&
         step_push(r, s);
}
const StepKind pre_tokenizer_CharDelimiterSplit = {
    .type = "CharDelimiterSplit", .members = "delimiter|", .read = read_delimiter};

static bool read_bert(StepReader *r, const json_t *part, Step s) {
  return read_whitespace_split(r, part, s) && push_cut(r, PUNCTUATION, ISOLATED, false);
}
const StepKind pre_tokenizer_BertPreTokenizer = {.type = "BertPreTokenizer", .read = read_bert};
