#define PCRE2_CODE_UNIT_WIDTH 8
#include "text/words.h"

#include <pcre2.h>
#include <string.h>

#include "base/buffer.h"

const char words_gpt2[] =
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";
/* Han by its blocks: what \p{Han} means differs between PCRE2, where it takes in the marks 。、「」, and
 * others. U+3005 to U+3007 are the letters among the marks of that block: 々〆〇. */
#define HAN "\\x{3005}-\\x{3007}\\x{3400}-\\x{9FFF}\\x{F900}-\\x{FAFF}\\x{20000}-\\x{3FFFF}"
const char words_ours[] = "'(?:s|t|re|ve|m|ll|d)| ?[" HAN "]+| ?[^\\P{L}" HAN
                          "]+| ?\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

struct WordPattern {
  pcre2_general_context *memory;
  pcre2_code *code;
};

/* A pattern that for each short word looks at all of the text behind it, as `a*b|.` does in a row of a's,
 * would take time by the square of the text. So it is shown a window first, and more only where it asks for
 * it (a partial match); who asks again and again without getting on is given up. */
enum { FIRST_WINDOW = 1024, MOST_AHEAD = 64 << 20, LOOKS_TOO_FAR = -10000 };

static void *lend(PCRE2_SIZE bytes, void *user) {
  return mem_alloc_library(bytes);
}
static void take_back(void *block, void *user) {
  mem_free(block);
}

static void say_problem(int problem, const char **text) {
  static _Thread_local PCRE2_UCHAR message[128];
  if (problem == LOOKS_TOO_FAR) {
    *text = "it looks far ahead for each word";
    return;
  }
  pcre2_get_error_message(problem, message, sizeof message);
  *text = (const char *)message;
}

/* Unicode's White_Space. To PCRE2's \s belongs U+180E, too, which is none since Unicode 6.3. */
#define SPACES \
  "\\x09-\\x0D\\x20\\x85\\xA0\\x{1680}\\x{2000}-\\x{200A}\\x{2028}\\x{2029}\\x{202F}\\x{205F}\\x{3000}"

/* The pattern with \s and \S spelled out. */
static char *spell_spaces(const char *pattern) {
  Buffer out = {0};
  bool in_class = false;
  for (const char *p = pattern; *p; p++) {
    const char escaped = p[0] == '\\' ? p[1] : '\0';
    if (escaped == 's')
      buffer_adds(&out, in_class ? SPACES : "[" SPACES "]");
    else if (escaped == 'S' && !in_class)
      buffer_adds(&out, "[^" SPACES "]");
    else
      buffer_add(&out, p, escaped ? 2 : 1);
    if (escaped)
      p++;
    else if (*p == '[' || *p == ']')
      in_class = *p == '[';
  }
  return buffer_take(&out);
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
  char *spelled = spell_spaces(pattern);
  pcre2_general_context *memory = pcre2_general_context_create(lend, take_back, NULL);
  pcre2_code *code = compile(spelled, memory, &problem, &at);
  mem_free(spelled);
  if (!code)
    code = compile(pattern, memory, &problem, &at); /* for the place in the pattern as it was written */
  if (!code) {
    const char *text;
    say_problem(problem, &text);
    fail(err, "%s: the pre-tokenizer's pattern is wrong at byte %zu: %s", where, (size_t)at, text);
    pcre2_general_context_free(memory);
    return NULL;
  }
  pcre2_jit_compile(code, PCRE2_JIT_COMPLETE | PCRE2_JIT_PARTIAL_HARD); /* else it is matched without */
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
    mem_exhausted(sizeof(PCRE2_SIZE[2])); /* outside of every guard */
}

void words_over(Words *w, const char *text, size_t length) {
  w->text = text;
  w->length = length;
  w->at = w->match_begin = w->match_end = 0;
}

void words_close(Words *w) {
  if (w->match) pcre2_match_data_free(w->match);
  w->match = NULL;
}

bool words_ok(const Words *w, Error *err) {
  if (!w->problem) return true;
  const char *text;
  say_problem(w->problem, &text);
  return fail(err,
              "the tokenizer's pattern gives up at byte %zu of a text (%s): break the text into lines there",
              w->at, text);
}

/* PCRE2's answer for the text up to `stop`; whether more of the text could change it is asked for where there
 * is more. */
static int match_up_to(const Words *w, size_t from, size_t stop) {
  const uint32_t partial = stop < w->length ? PCRE2_PARTIAL_HARD : 0;
  return pcre2_match(w->pattern->code, (PCRE2_SPTR)w->text, stop, from, PCRE2_NO_UTF_CHECK | partial,
                     w->match, NULL);
}

/* Where a window of `size` bytes from `from` ends: between characters. */
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
    if (found == PCRE2_ERROR_NOMATCH && stop < w->length) { /* nor does one begin in the window */
      from = stop;
      size = FIRST_WINDOW / 4;
    } else if (found != PCRE2_ERROR_PARTIAL) {
      return found;
    }
  }
}

static void forgive(Words *w, size_t progress) {
  enum { OFTEN = 4096 }; /* times that a byte may be looked at: seconds for a megabyte */
  w->ahead = w->ahead > OFTEN * progress ? w->ahead - OFTEN * progress : 0;
}

/* Finds the next match at or after w->at; none leaves the rest as one piece. */
static bool find(Words *w) {
  size_t from = w->at;
  while (from < w->length) {
    const int found = match(w, from);
    if (found == PCRE2_ERROR_NOMATCH) break;
    if (found < 0) {
      w->problem = found;
      return false;
    }
    const PCRE2_SIZE *place = pcre2_get_ovector_pointer(w->match);
    w->match_begin = place[0];
    w->match_end = place[1];
    if (w->ahead) forgive(w, w->match_end - from);
    if (w->match_end > w->at) return true;
    from++; /* an empty match cuts where it stands, but not here again */
    while (from < w->length && ((unsigned char)w->text[from] & 0xc0) == 0x80) from++;
  }
  w->match_begin = w->match_end = w->length;
  return true;
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
