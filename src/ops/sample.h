/* sample.h - the harness's side of an operator: from its `sample` are derived the gradient check (with every
 * input frozen in turn), the check of every instruction set against scalar, the check of 1, 2, 3 and 8
 * threads, its timing and its reference page. */
#ifndef OPS_SAMPLE_H
#define OPS_SAMPLE_H

#include "ops/ops.h"

/* ---- the operator's side ----
 *
 * An operator's sample draws its inputs here and hands over its output, once per case:
 *
 *   static void sample(OpSampler *s) {
 *     Tensor *x = sample_normal(s, "x", 3, (int64_t[]){2, 5, 12});
 *     Tensor *w = sample_normal(s, "weight", 1, (int64_t[]){12});
 *     sample_output(s, op_rmsnorm(sample_tape(s), x, w, 1e-5f));
 *   }
 *
 * Sizes are small and awkward (odd, not multiples of a vector) unless sample_large(s), when they are those of
 * a real model and used for timing. `sample_case` counts the cases the operator wants: 0, 1, ... cases-1. */
Tape *sample_tape(OpSampler *);
bool sample_large(const OpSampler *);
int sample_case(OpSampler *, int cases);
/* An f32 input whose gradient is checked: normal values from a hash of its name and index (never periodic).
 */
Tensor *sample_normal(OpSampler *, const char *name, int dims, const int64_t *shape);
/* A constant i32 input with values in low .. high-1. */
Tensor *sample_ids(OpSampler *, const char *name, int dims, const int64_t *shape, int32_t low, int32_t high);
void sample_output(OpSampler *, Tensor *);

/* ---- the harness's side ---- */

enum { SAMPLE_INPUTS = NODE_MAX_INPUTS };

struct OpSampler {
  /* set before sample_run: */
  Tape *tape;
  int which; /* case */
  bool large;
  bool forward_only; /* the tape does not record */
  bool parameters;   /* inputs have memory for their gradients, which holds `held`; */
  bool forgotten;    /* of an earlier step */
  float held;
  int frozen; /* index of the input that wants no gradient; -1: none */
  int moved;  /* index of the input whose element `element` is moved by `by`; -1: none */
  int64_t element;
  float by;
  /* filled in by it: */
  int cases;
  Tensor *in[SAMPLE_INPUTS]; /* the f32 inputs, in the order drawn */
  const char *names[SAMPLE_INPUTS];
  int inputs;
  Tensor *out;
  double loss; /* the sum of the output's elements, each with a weight from a hash, of one number 1 */
  double forward_seconds; /* of the operator alone */
  double ready;           /* when the last input was drawn */
  Tensor *total;
};

/* Runs one case on a fresh step of the tape. */
void sample_run(OpSampler *, const Op *);
/* Then: gradients of `loss`, left in in[i]->grad. */
void sample_backward(OpSampler *);

#endif
