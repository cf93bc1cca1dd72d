#include "grammar/code_set.h"

#include <stdlib.h>

enum { SURROGATE_FIRST = 0xD800, SURROGATE_LAST = 0xDFFF };

void code_set_add(CodeSet *s, uint32_t first, uint32_t last) {
  vec_push(s, ((CodeRange){first, last}));
}

void code_set_add_all(CodeSet *s, const CodeRange *ranges, size_t count) {
  for (size_t i = 0; i < count; i++) vec_push(s, ranges[i]);
}

static int by_first(const void *a, const void *b) {
  const CodeRange *x = a, *y = b;
  return (x->first > y->first) - (x->first < y->first);
}

static void without_surrogates(CodeSet *s) {
  const size_t count = s->count;
  for (size_t i = 0; i < count; i++) {
    const CodeRange r = s->data[i];
    if (r.first > SURROGATE_LAST || r.last < SURROGATE_FIRST) continue;
    s->data[i] = (CodeRange){r.first, SURROGATE_FIRST - 1}; /* empty if first > last: dropped below */
    if (r.last > SURROGATE_LAST) code_set_add(s, SURROGATE_LAST + 1, r.last);
    if (r.first >= SURROGATE_FIRST) s->data[i] = (CodeRange){1, 0};
  }
}

void code_set_settle(CodeSet *s) {
  size_t kept = 0;
  without_surrogates(s);
  if (s->count) qsort(s->data, s->count, sizeof *s->data, by_first);
  for (size_t i = 0; i < s->count; i++) {
    const CodeRange r = s->data[i];
    CodeRange *top = kept ? &s->data[kept - 1] : NULL;
    if (r.first > r.last) continue;
    if (!top || r.first > top->last + 1)
      s->data[kept++] = r;
    else if (r.last > top->last)
      top->last = r.last;
  }
  s->count = kept;
}

void code_set_invert(CodeSet *s) {
  CodeSet inverse = {0};
  uint32_t next = 0;
  for (size_t i = 0; i < s->count; i++) {
    if (s->data[i].first > next) code_set_add(&inverse, next, s->data[i].first - 1);
    next = s->data[i].last + 1;
  }
  if (next <= CODE_LAST) code_set_add(&inverse, next, CODE_LAST);
  code_set_settle(&inverse);
  vec_free(s);
  *s = inverse;
}

void code_set_meet(CodeSet *s, const CodeRange *ranges, size_t count) {
  CodeSet both = {0};
  for (size_t i = 0; i < s->count; i++)
    for (size_t k = 0; k < count; k++) {
      const uint32_t first = s->data[i].first > ranges[k].first ? s->data[i].first : ranges[k].first;
      const uint32_t last = s->data[i].last < ranges[k].last ? s->data[i].last : ranges[k].last;
      if (first <= last) code_set_add(&both, first, last);
    }
  code_set_settle(&both);
  vec_free(s);
  *s = both;
}
