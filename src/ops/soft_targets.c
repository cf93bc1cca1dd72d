#include "ops/soft_targets.h"

#include <float.h>
#include <math.h>

#include "kernels/kernels.h"
#include "ops/ops.h"

/* q ln(q / p), with ln p */
static double part(double q, double log_p) {
  return q > 0 ? q * (log(q) - log_p) : 0;
}

/* The exponents of the row's tokens are taken out, so that the sum of the others is no difference of large
 * numbers. It can be smaller than the smallest number. */
float soft_divergence(const SoftRow *row, const float *z, int64_t vocabulary, float share, float *dz) {
  float own[SOFT_TARGETS_MOST], total = 0;
  const float top = kernels->maximum(z, vocabulary) / row->temperature;
  double left = row->count < vocabulary, divergence = 0;
  kernels->scale(dz, 1 / row->temperature, z, vocabulary);
  kernels->exp_shifted(dz, dz, top, vocabulary);
  for (int64_t k = 0; k < row->count; k++) {
    total += own[k] = dz[row->ids[k]];
    dz[row->ids[k]] = 0;
  }
  const float others = kernels->sum(dz, vocabulary), log_total = logf(total + others);
  for (int64_t k = 0; k < row->count; k++) {
    const double log_p = (double)(z[row->ids[k]] / row->temperature - top - log_total);
    divergence += part((double)row->probabilities[k], log_p);
    left -= (double)row->probabilities[k];
  }
  left = fmax(0, left);
  divergence += part(left, (double)(logf(fmaxf(others, FLT_MIN)) - log_total));
  const float scale = share / row->temperature, each = others > 0 ? (float)left / others : 0;
  kernels->scale(dz, scale * (1 / (total + others) - each), dz, vocabulary);
  for (int64_t k = 0; k < row->count; k++)
    dz[row->ids[k]] = scale * (own[k] / (total + others) - row->probabilities[k]);
  return (float)divergence;
}
