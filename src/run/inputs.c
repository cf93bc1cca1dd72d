#include "run/inputs.h"

void hypotheses_free(Hypothesis *h, int64_t count) {
  for (int64_t i = 0; i < count; i++) vec_free(&h[i].ids);
  mem_free(h);
}

int hypothesis_order(const void *a, const void *b) {
  const double x = ((const Hypothesis *)a)->score, y = ((const Hypothesis *)b)->score;
  return (x < y) - (x > y);
}

int64_t input_most_tokens(const Config *c, int64_t length, int64_t wanted) {
  return c->context - length < wanted ? c->context - length : wanted;
}
