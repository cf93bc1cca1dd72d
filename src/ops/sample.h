/* sample.h - the harness's side of an operator: from its `sample` are derived the gradient check (with every
 * input frozen in turn), the check of every instruction set against scalar, the check of 1, 2, 3 and 8 threads,
 * its timing and its reference page. */
#ifndef OPS_SAMPLE_H
#define OPS_SAMPLE_H

#include "ops/ops.h"

/* An operator's sample draws its inputs here and hands over its output, once per case:
 *
 *   static void sample(OpSampler *s) {
 *     Tensor *x = sample_normal(s, "x", 3, (int64_t[]){2, 5, 12});
 *     Tensor *w = sample_normal(s, "weight", 1, (int64_t[]){12});
 *     sample_output(s, op_rmsnorm(sample_tape(s), x, w, 1e-5f));
 *   }
 *
 * Sizes are small and awkward (odd, not multiples of a vector) unless sample_large(s), when they are those of
 * a real model and used for timing. `sample_case` counts the cases the operator wants: 0, 1, ... sample_cases-1. */
Tape *sample_tape(OpSampler *);
bool sample_large(const OpSampler *);
int sample_case(OpSampler *, int cases);
/* An f32 input whose gradient is checked: normal values from a hash of its name and index (never periodic). */
Tensor *sample_normal(OpSampler *, const char *name, int dims, const int64_t *shape);
/* A constant i32 input with values in low .. high-1. */
Tensor *sample_ids(OpSampler *, const char *name, int dims, const int64_t *shape, int32_t low, int32_t high);
void sample_output(OpSampler *, Tensor *);

#endif
