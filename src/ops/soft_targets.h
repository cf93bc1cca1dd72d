/* soft_targets.h - the divergence of a row of logits from a teacher's distribution (Hinton et al. 2015), for
 * cross_entropy.c. */
#ifndef OPS_SOFT_TARGETS_H
#define OPS_SOFT_TARGETS_H

#include <stdint.h>

/* The `count` likeliest tokens of the teacher and their probabilities, at its temperature; all others
 * together have what is left of 1. */
typedef struct SoftRow {
  const int32_t *ids;
  const float *probabilities;
  int64_t count;
  float temperature;
} SoftRow;

/* The divergence of p = softmax(z / temperature) from the teacher's q, over the tokens of the row and all
 * others as one, and `share` times its gradient, which overwrites dz [V]:
 *
 *   sum of q ln(q / p),   d/dz = (p - q) / temperature, of another token j (p_j - q_rest p_j / p_rest) /
 *   temperature */
float soft_divergence(const SoftRow *, const float *z, int64_t vocabulary, float share, float *dz);

#endif
