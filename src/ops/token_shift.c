/* token_shift.c - each token's predecessor, for networks that mix both (RWKV: Peng et al. 2023). */
#include <string.h>

#include "kernels/kernels.h"
#include "ops/loops.h"
#include "ops/sample.h"

enum { X, BEFORE }; /* inputs */

static void shift_rows(void *arg, int64_t begin, int64_t end) {
  const Node *n = arg;
  const int64_t time = n->in[X]->shape[1], width = n->in[X]->shape[2];
  const size_t bytes = (size_t)width * sizeof(float);
  for (int64_t i = begin; i < end; i++) {
    float *to = tensor_f32(n->out[0]) + i * width;
    if (i % time)
      memcpy(to, tensor_f32(n->in[X]) + (i - 1) * width, bytes);
    else if (n->in[BEFORE])
      memcpy(to, tensor_f32(n->in[BEFORE]) + i / time * width, bytes);
    else
      memset(to, 0, bytes);
  }
}

static void forward(Node *n) {
  const int64_t sequences = n->in[X]->shape[0], time = n->in[X]->shape[1], width = n->in[X]->shape[2];
  parallel_for(sequences * time, shift_rows, n);
  for (int64_t b = 0; b < sequences; b++)
    memcpy(tensor_f32(n->out[1]) + b * width, tensor_f32(n->in[X]) + ((b + 1) * time - 1) * width,
           (size_t)width * sizeof(float));
}

static void add_rows(void *arg, int64_t begin, int64_t end) {
  const Node *n = arg;
  const int64_t time = n->in[X]->shape[1], width = n->in[X]->shape[2];
  for (int64_t i = begin; i < end; i++)
    if ((i + 1) % time) kernels->add(n->in[X]->grad + i * width, n->out[0]->grad + (i + 1) * width, width);
}

static void backward(Node *n) {
  const int64_t time = n->in[X]->shape[1], width = n->in[X]->shape[2];
  float *before = grad_add(n, n->in[BEFORE]);
  if (grad_add(n, n->in[X])) parallel_for(tensor_rows(n->in[X]), add_rows, n);
  for (int64_t b = 0; before && b < n->in[X]->shape[0]; b++)
    kernels->add(before + b * width, n->out[0]->grad + b * time * width, width);
}

Tensor *op_token_shift(Tape *tape, Tensor *x, Tensor *before, Tensor **last) {
  CHECK(x->dims == 3 && (!before || tensor_count(before) == x->shape[0] * x->shape[2]));
  Node *n = node_new(tape, &op_token_shift_info, sizeof *n);
  node_input(n, x);
  node_input(n, before);
  Tensor *y = node_output(n, 3, x->shape);
  Tensor *end = node_output(n, 2, (int64_t[]){x->shape[0], x->shape[2]});
  node_run(n, y);
  node_give_constant(end, last);
  return y;
}

/* Cases: nothing before; a given token before; one step, as in generation. */
static void sample(OpSampler *s) {
  const int which = sample_case(s, 3);
  const bool large = sample_large(s);
  const int64_t sequences = large ? 8 : 3, time = large ? 256 : which == 2 ? 1 : 5, width = large ? 768 : 7;
  Tensor *x = sample_normal(s, "x", 3, (int64_t[]){sequences, time, width});
  Tensor *before = which ? sample_normal(s, "before", 2, (int64_t[]){sequences, width}) : NULL;
  sample_output(s, op_token_shift(sample_tape(s), x, before, NULL));
}

const Op op_token_shift_info = {
    .name = "token_shift",
    .formula =
        "y[b,t] = x[b,t-1], y[b,0] = before[b]: x [B,T,D], before [B,D] optional (0) -> y [B,T,D], and the\n"
        "last x [B,D], a constant (Peng et al. 2023)",
    .forward = forward,
    .backward = backward,
    .sample = sample,
};
