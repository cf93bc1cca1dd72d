/* choices.h - the likeliest next tokens by a position's logits, with the model's own probabilities. */
#ifndef RUN_CHOICES_H
#define RUN_CHOICES_H

#include <stdint.h>

typedef struct Choice {
  int32_t id;
  double probability;
} Choice;

/* ln of the sum of e^x: the probability of token i is e^(logits[i] - choices_log_sum(logits, ...)). */
double choices_log_sum(const float *logits, int64_t vocabulary);
/* Stores up to `most` tokens, likeliest first, ties in favour of the smaller id; returns their number. */
int64_t choices_find(const float *logits, int64_t vocabulary, Choice *best, int64_t most);

#endif
