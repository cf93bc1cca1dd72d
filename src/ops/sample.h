/* sample.h - sample inputs of operators. From an operator's `sample` the harness derives its gradient
 * check (with each input frozen once), the comparison of every instruction set with scalar, the check with
 * 1, 2, 3 and 8 threads, its timing and its reference page. */
#ifndef OPS_SAMPLE_H
#define OPS_SAMPLE_H

#include "ops/ops.h"

/* ---- the operator's side ----
 *
 * An operator's sample draws its inputs and passes its output to sample_output, for one case:
 *
 *   static void sample(OpSampler *s) {
 *     Tensor *x = sample_normal(s, "x", 3, (int64_t[]){2, 5, 12});
 *     Tensor *w = sample_normal(s, "weight", 1, (int64_t[]){12});
 *     sample_output(s, op_rmsnorm(sample_tape(s), x, w, 1e-5f));
 *   }
 *
 * Sizes are small and odd (not multiples of a vector); with sample_large(s) they are those of a real
 * model, for timing. `sample_case` takes the number of cases and returns the current one, 0 .. cases-1. */
Tape *sample_tape(OpSampler *);
bool sample_large(const OpSampler *);
int sample_case(OpSampler *, int cases);
/* An f32 input whose gradient is checked: normal values from a hash of its name and index. */
Tensor *sample_normal(OpSampler *, const char *name, int dims, const int64_t *shape);
/* A constant i32 input with values in low .. high-1. */
Tensor *sample_ids(OpSampler *, const char *name, int dims, const int64_t *shape, int32_t low, int32_t high);
void sample_output(OpSampler *, Tensor *);

/* ---- the harness's side ---- */

enum { SAMPLE_INPUTS = 16 };

struct OpSampler {
  /* set before sample_run: */
  Tape *tape;
  int which; /* case */
  bool large;
  bool forward_only; /* the tape does not record */
  bool parameters;   /* inputs are parameters, with gradients initialized to `held`, */
  bool forgotten;    /* which are stale: to be overwritten */
  float held;
  int frozen; /* index of the input without gradient; -1: none */
  int moved;  /* index of the input whose element `element` is changed by `by`; -1: none */
  int64_t element;
  float by;
  /* set by sample_run: */
  int cases;
  Tensor *in[SAMPLE_INPUTS]; /* the f32 inputs, in the order drawn */
  const char *names[SAMPLE_INPUTS];
  int inputs;
  Tensor *out;
  double loss;            /* sum of the output times hashed weights (weight 1 for a scalar) */
  double forward_seconds; /* of the operator only */
  double ready;           /* time when the last input was drawn */
  Tensor *total;
};

/* Runs one case on a reset tape. */
void sample_run(OpSampler *, const Op *);
/* After sample_run: gradients of `loss`, in in[i]->grad. */
void sample_backward(OpSampler *);

#endif
