#include "text/spans.h"

#include <stdlib.h>

#include "base/language.h"
#include "text/utf8.h"
#include "text/words.h"

#define SPAN(symbol, name, pattern) {N_(name), pattern},
static const struct {
  const char *name, *pattern;
} kinds[SPAN_KINDS] = {
    {N_("term"), NULL},
#include "text/spans.def"
};
#undef SPAN

const char *span_name(SpanKind kind) {
  return kinds[kind].name;
}

struct SpanFinder {
  const Glossary *glossary; /* NULL: none */
  WordPattern *patterns[SPAN_KINDS];
  Words words[SPAN_KINDS];
  VEC(uint8_t) taken; /* by byte of the text */
};

SpanFinder *spans_open(const Glossary *glossary, Error *err) {
  SpanFinder *f = mem_alloc_zeroed(1, sizeof *f);
  f->glossary = glossary;
  for (int k = SPAN_TERM + 1; k < SPAN_KINDS; k++) {
    if (!(f->patterns[k] = words_compile(kinds[k].pattern, kinds[k].name, err))) {
      spans_close(f);
      return NULL;
    }
    words_open(&f->words[k], f->patterns[k]);
  }
  return f;
}

void spans_close(SpanFinder *f) {
  if (!f) return;
  for (int k = 0; k < SPAN_KINDS; k++) {
    words_close(&f->words[k]);
    words_free(f->patterns[k]);
  }
  vec_free(&f->taken);
  mem_free(f);
}

const Glossary *spans_glossary(const SpanFinder *f) {
  return f->glossary;
}

static void take(SpanFinder *f, Spans *out, Span span) {
  for (size_t i = 0; i < span.length; i++)
    if (f->taken.data[span.begin + i]) return;
  for (size_t i = 0; i < span.length; i++) f->taken.data[span.begin + i] = 1;
  vec_push(out, span);
}

static void find_terms(SpanFinder *f, const char *text, size_t length, bool translated, Spans *out) {
  for (size_t at = 0, n; f->glossary && at < length; at += n) {
    const int32_t term = glossary_find(f->glossary, text, length, at, translated, &n);
    if (term >= 0)
      take(f, out, (Span){SPAN_TERM, at, n, term});
    else
      n = utf8_character(text + at, length - at);
    if (!n) n = 1; /* an invalid byte */
  }
}

static bool find_kind(SpanFinder *f, SpanKind kind, const char *text, size_t length, Spans *out, Error *err) {
  Words *w = &f->words[kind];
  size_t begin, end;
  words_over(w, text, length);
  while (words_next_match(w, &begin, &end))
    if (end > begin) take(f, out, (Span){kind, begin, end - begin, -1});
  return words_ok(w, err);
}

static int by_place(const void *a, const void *b) {
  const Span *x = a, *y = b;
  return (x->begin > y->begin) - (x->begin < y->begin);
}

bool spans_find(SpanFinder *f, const char *text, size_t length, bool translated, Spans *out, Error *err) {
  out->count = f->taken.count = 0;
  vec_reserve(&f->taken, length + 1);
  for (size_t i = 0; i < length; i++) f->taken.data[i] = 0;
  find_terms(f, text, length, translated, out);
  for (int k = SPAN_TERM + 1; k < SPAN_KINDS; k++)
    if (!find_kind(f, (SpanKind)k, text, length, out, err)) return false;
  if (out->count) qsort(out->data, out->count, sizeof *out->data, by_place);
  return true;
}
