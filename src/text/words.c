#define PCRE2_CODE_UNIT_WIDTH 8
#include "text/words.h"

#include <pcre2.h>
#include <string.h>

#include "base/language.h"
#include "text/words_rewrite.h"

const char words_gpt2[] =
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";
/* Han by its blocks, because \p{Han} in PCRE2 includes the punctuation 。、「」, unlike in other engines.
 * U+3005 to U+3007 are 々〆〇, the letters in the block of CJK punctuation. */
#define HAN "\\x{3005}-\\x{3007}\\x{3400}-\\x{9FFF}\\x{F900}-\\x{FAFF}\\x{20000}-\\x{3FFFF}"
const char words_ours[] = "'(?:s|t|re|ve|m|ll|d)| ?[" HAN "]+| ?[^\\P{L}" HAN
                          "]+| ?\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

struct WordPattern {
  pcre2_general_context *memory;
  pcre2_code *code;
};

/* A pattern that scans all of the remaining text for each short word, as `a*b|.` does in a run of a's, would
 * take quadratic time. So it matches in a window, which grows only on a partial match; a pattern that scans
 * far without progress fails. */
enum { FIRST_WINDOW = 1024, MOST_AHEAD = 64 << 20, LOOKS_TOO_FAR = -10000 };

static void *alloc_block(PCRE2_SIZE bytes, void *user) {
  return mem_alloc_library(bytes);
}
static void free_block(void *block, void *user) {
  mem_free(block);
}

static void describe_problem(int problem, const char **text) {
  static _Thread_local PCRE2_UCHAR message[128];
  if (problem == LOOKS_TOO_FAR) {
    *text = _("it scans far ahead for each word");
    return;
  }
  pcre2_get_error_message(problem, message, sizeof message);
  *text = language_text((const char *)message);
}

static pcre2_code *compile(const char *pattern, pcre2_general_context *memory, int *problem, PCRE2_SIZE *at) {
  static const uint32_t options = PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C;
  pcre2_compile_context *context = pcre2_compile_context_create(memory);
  pcre2_code *code = pcre2_compile((PCRE2_SPTR)pattern, strlen(pattern), options, problem, at, context);
  pcre2_compile_context_free(context);
  return code;
}

WordPattern *words_compile(const char *pattern, const char *where, Error *err) {
  int problem;
  PCRE2_SIZE at;
  char *spelled = words_rewrite(pattern, where, err);
  if (!spelled) return NULL;
  pcre2_general_context *memory = pcre2_general_context_create(alloc_block, free_block, NULL);
  pcre2_code *code = compile(spelled, memory, &problem, &at);
  mem_free(spelled);
  if (!code)
    code = compile(pattern, memory, &problem, &at); /* for the error position in the original pattern */
  if (!code) {
    const char *text;
    describe_problem(problem, &text);
    fail(err, "%s: invalid pre-tokenizer pattern at byte %zu: %s", where, (size_t)at, text);
    pcre2_general_context_free(memory);
    return NULL;
  }
  pcre2_jit_compile(code, PCRE2_JIT_COMPLETE | PCRE2_JIT_PARTIAL_HARD); /* optional */
  WordPattern *w = mem_alloc_zeroed(1, sizeof *w);
  *w = (WordPattern){memory, code};
  return w;
}

void words_free(WordPattern *w) {
  if (!w) return;
  pcre2_code_free(w->code);
  pcre2_general_context_free(w->memory);
  mem_free(w);
}

void words_open(Words *w, const WordPattern *pattern) {
  *w = (Words){.pattern = pattern};
  if (pattern && !(w->match = pcre2_match_data_create(1, pattern->memory)))
    mem_exhausted(sizeof(PCRE2_SIZE[2])); /* without a guard the allocator returns NULL */
}

void words_over(Words *w, const char *text, size_t length) {
  w->text = text;
  w->length = length;
  w->at = w->match_begin = w->match_end = 0;
  w->matched = false;
}

void words_close(Words *w) {
  if (w->match) pcre2_match_data_free(w->match);
  w->match = NULL;
}

bool words_is_match(const Words *w) {
  return w->at > w->match_begin;
}

bool words_ok(const Words *w, Error *err) {
  if (!w->problem) return true;
  const char *text;
  describe_problem(w->problem, &text);
  return fail(err,
              "the tokenizer's pattern fails at byte %zu of a text (%s): break the text into lines there",
              w->at, text);
}

/* Matches in the text up to `stop`; if there is more text, a match that it could change is partial. */
static int match_up_to(const Words *w, size_t from, size_t stop) {
  const uint32_t partial = stop < w->length ? PCRE2_PARTIAL_HARD : 0;
  return pcre2_match(w->pattern->code, (PCRE2_SPTR)w->text, stop, from, PCRE2_NO_UTF_CHECK | partial,
                     w->match, NULL);
}

/* The end of a window of about `size` bytes from `from`, at a character boundary. */
static size_t window_end(const Words *w, size_t from, size_t size) {
  if (size >= w->length - from) return w->length;
  size_t stop = from + size;
  while (stop < w->length && ((unsigned char)w->text[stop] & 0xc0) == 0x80) stop++;
  return stop;
}

/* The first match at or after `from`, of the whole text. */
static int match(Words *w, size_t from) {
  for (size_t size = FIRST_WINDOW;; size *= 4) {
    const size_t stop = window_end(w, from, size);
    if (stop - from > FIRST_WINDOW + 3) w->ahead += stop - from;
    if (w->ahead > MOST_AHEAD) return LOOKS_TOO_FAR;
    const int found = match_up_to(w, from, stop);
    if (found == PCRE2_ERROR_NOMATCH && stop < w->length) { /* no match begins in the window */
      from = stop;
      size = FIRST_WINDOW / 4;
    } else if (found != PCRE2_ERROR_PARTIAL) {
      return found;
    }
  }
}

static void credit_progress(Words *w, size_t progress) {
  enum { SCANS = 4096 }; /* allowed per byte: seconds for a megabyte */
  w->ahead = w->ahead > SCANS * progress ? w->ahead - SCANS * progress : 0;
}

/* Finds the next match at or after `from`; false: none, or a problem. */
static bool find_from(Words *w, size_t from) {
  const int found = match(w, from);
  if (found < 0) {
    w->problem = found == PCRE2_ERROR_NOMATCH ? 0 : found;
    return false;
  }
  const PCRE2_SIZE *place = pcre2_get_ovector_pointer(w->match);
  w->match_begin = place[0];
  w->match_end = place[1];
  if (w->ahead) credit_progress(w, w->match_end - from);
  return true;
}

static size_t next_character(const Words *w, size_t at) {
  at++;
  while (at < w->length && ((unsigned char)w->text[at] & 0xc0) == 0x80) at++;
  return at;
}

/* Finds the next match at or after w->at; without one, the rest is one piece. */
static bool find(Words *w) {
  for (size_t from = w->at; from < w->length && find_from(w, from); from = next_character(w, from))
    if (w->match_end > w->at) return true; /* an empty match at w->at cuts nothing */
  if (w->problem) return false;
  w->match_begin = w->match_end = w->length;
  return true;
}

bool words_next_match(Words *w, size_t *begin, size_t *end) {
  const size_t last = w->match_end;
  while (!w->problem && w->at <= w->length && find_from(w, w->at)) {
    const bool empty = w->match_end == w->match_begin, behind = w->matched && w->match_end == last;
    w->at = empty ? next_character(w, w->match_end) : w->match_end;
    if (empty && behind) continue;
    *begin = w->match_begin;
    *end = w->match_end;
    return w->matched = true;
  }
  return false;
}

bool words_next(Words *w, const char **word, size_t *length) {
  if (w->problem || w->at >= w->length) return false;
  if (!w->pattern) w->match_end = w->length;
  if (w->at >= w->match_end && !find(w)) return false;
  const size_t end = w->at < w->match_begin ? w->match_begin : w->match_end;
  *word = w->text + w->at;
  *length = end - w->at;
  w->at = end;
  return true;
}
