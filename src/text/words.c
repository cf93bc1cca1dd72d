#define PCRE2_CODE_UNIT_WIDTH 8
#include "text/words.h"

#include <pcre2.h>
#include <string.h>

#include "base/memory.h"

const char words_gpt2[] = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";
/* Han by its blocks: what \p{Han} means differs between PCRE2, where it takes in the marks 。、「」, and others. */
#define HAN "\\x{3400}-\\x{9FFF}\\x{F900}-\\x{FAFF}\\x{20000}-\\x{3FFFF}"
const char words_ours[] = "'(?:s|t|re|ve|m|ll|d)| ?[" HAN "]+| ?[^\\P{L}" HAN
                          "]+| ?\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

struct WordPattern {
  pcre2_code *code;
};

WordPattern *words_compile(const char *pattern, const char *where, Error *err) {
  int problem;
  PCRE2_SIZE at;
  pcre2_code *code = pcre2_compile((PCRE2_SPTR)pattern, strlen(pattern), PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C, &problem, &at, NULL);
  if (!code) {
    PCRE2_UCHAR text[128];
    pcre2_get_error_message(problem, text, sizeof text);
    fail(err, "%s: the pre-tokenizer's pattern is wrong at character %zu: %s", where, (size_t)at, (const char *)text);
    return NULL;
  }
  pcre2_jit_compile(code, PCRE2_JIT_COMPLETE); /* where there is none, it is matched without */
  WordPattern *w = mem_alloc_zeroed(1, sizeof *w);
  w->code = code;
  return w;
}

void words_free(WordPattern *w) {
  if (!w) return;
  pcre2_code_free(w->code);
  mem_free(w);
}

void words_begin(Words *w, const WordPattern *pattern, const char *text, size_t length) {
  *w = (Words){.pattern = pattern, .text = text, .length = length};
  if (pattern) w->match = pcre2_match_data_create(1, NULL);
}

void words_end(Words *w) {
  if (w->match) pcre2_match_data_free(w->match);
}

/* Finds the next match at or after w->at; none leaves the rest as one piece. A pattern that a hostile file made slow runs
 * into PCRE2's own limits, which count as no match. */
static void find(Words *w) {
  size_t from = w->at;
  while (from < w->length) {
    const int found = pcre2_match(w->pattern->code, (PCRE2_SPTR)w->text, w->length, from, PCRE2_NO_UTF_CHECK, w->match, NULL);
    if (found < 0) break;
    const PCRE2_SIZE *place = pcre2_get_ovector_pointer(w->match);
    w->match_begin = place[0];
    w->match_end = place[1];
    if (w->match_end > w->match_begin) return;
    from = w->match_end + 1; /* an empty match cuts nothing */
    while (from < w->length && ((unsigned char)w->text[from] & 0xc0) == 0x80) from++;
  }
  w->match_begin = w->match_end = w->length;
}

static bool give(Words *w, size_t end, const char **word, size_t *length) {
  *word = w->text + w->at;
  *length = end - w->at;
  w->at = end;
  return true;
}

bool words_next(Words *w, const char **word, size_t *length) {
  if (w->at >= w->length) return false;
  if (!w->pattern) return give(w, w->length, word, length);
  if (w->at >= w->match_end) find(w);
  if (w->at < w->match_begin) return give(w, w->match_begin, word, length);
  return give(w, w->match_end, word, length);
}
