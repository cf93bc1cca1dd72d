#include "data/packing.h"

#include "base/integers.h"

/* Sequences of each length, taken from the last one on. */
typedef struct Shelf {
  int64_t *ends;  /* [size + 1]: of length n, those before ends[n] and from ends[n - 1] as it was at first */
  int64_t *left;  /* [size + 1]: their number */
  int64_t *lower; /* [size + 1]: n if there are any of length n, else a smaller length to look at; 0: none */
} Shelf;

/* The greatest length up to n of which there are sequences; 0: none. Halves the paths that it follows. */
static int64_t longest(const Shelf *s, int64_t n) {
  for (; s->lower[n] != n; n = s->lower[n]) s->lower[n] = s->lower[s->lower[n]];
  return n;
}

static int64_t take(const Shelf *s, int64_t length) {
  if (--s->left[length] == 0) s->lower[length] = length - 1;
  return --s->ends[length];
}

static void fill_shelf(Shelf *s, const int64_t *lengths, int64_t count, int64_t size) {
  for (int64_t i = 0; i < count; i++) {
    CHECK(lengths[i] >= 1 && lengths[i] <= size && (!i || lengths[i] >= lengths[i - 1]));
    s->left[lengths[i]]++;
    s->ends[lengths[i]] = i + 1;
  }
  for (int64_t n = 1; n <= size; n++) s->lower[n] = s->left[n] ? n : n - 1;
}

void packing_make(Packing *p, const int64_t *lengths, size_t count, int64_t size) {
  Shelf s = {.ends = mem_alloc_zeroed((size_t)size + 1, sizeof *s.ends),
             .left = mem_alloc_zeroed((size_t)size + 1, sizeof *s.left),
             .lower = mem_alloc_zeroed((size_t)size + 1, sizeof *s.lower)};
  *p = (Packing){0};
  fill_shelf(&s, lengths, (int64_t)count, size);
  vec_push(&p->starts, 0);
  while (p->order.count < count) {
    int64_t rest = size;
    for (int64_t n; (n = longest(&s, rest)) > 0; rest -= n) vec_push(&p->order, take(&s, n));
    vec_push(&p->starts, (int64_t)p->order.count);
  }
  mem_free(s.ends);
  mem_free(s.left);
  mem_free(s.lower);
}

void packing_free(Packing *p) {
  vec_free(&p->order);
  vec_free(&p->starts);
}

int64_t packing_windows(const Packing *p) {
  return (int64_t)p->starts.count - 1;
}
