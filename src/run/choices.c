#include "run/choices.h"

#include <math.h>

double choices_log_sum(const float *logits, int64_t vocabulary) {
  float top = logits[0];
  double sum = 0;
  for (int64_t i = 1; i < vocabulary; i++) top = fmaxf(top, logits[i]);
  for (int64_t i = 0; i < vocabulary; i++) sum += exp((double)(logits[i] - top));
  return (double)top + log(sum);
}

int64_t choices_find(const float *logits, int64_t vocabulary, Choice *best, int64_t most) {
  const double log_sum = choices_log_sum(logits, vocabulary);
  int64_t count = 0;
  for (int64_t i = 0; i < vocabulary; i++) {
    if (count == most && logits[i] <= logits[best[most - 1].id]) continue;
    int64_t at = count < most ? count++ : most - 1;
    for (; at > 0 && logits[best[at - 1].id] < logits[i]; at--) best[at] = best[at - 1];
    best[at].id = (int32_t)i;
  }
  for (int64_t i = 0; i < count; i++) best[i].probability = exp((double)logits[best[i].id] - log_sum);
  return count;
}
