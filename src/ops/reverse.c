/* reverse.c - reverses sequences, for the backward half of a bidirectional encoder (Schuster & Paliwal
 * 1997). It is its own inverse, so backward applies it to the gradient. */
#include <string.h>

#include "kernels/kernels.h"
#include "ops/loops.h"
#include "ops/sample.h"

/* The row to which row r of [B,S,D] moves: token s of n to n-1-s; padding stays. */
static int64_t mirrored(const Node *n, int64_t r) {
  const int64_t time = n->in[0]->shape[1], s = r % time, length = tensor_i32(n->in[1])[r / time];
  return s < length ? r - s + length - 1 - s : r;
}

static void copy_rows(void *arg, int64_t begin, int64_t end) {
  const Node *n = arg;
  const int64_t width = tensor_columns(n->in[0]);
  for (int64_t r = begin; r < end; r++)
    memcpy(tensor_f32(n->out[0]) + mirrored(n, r) * width, tensor_f32(n->in[0]) + r * width,
           (size_t)width * sizeof(float));
}

static void forward(Node *n) {
  for (int64_t b = 0; b < n->in[0]->shape[0]; b++) CHECK(tensor_i32(n->in[1])[b] <= n->in[0]->shape[1]);
  parallel_for(tensor_rows(n->in[0]), copy_rows, n);
}

static void add_rows(void *arg, int64_t begin, int64_t end) {
  const Node *n = arg;
  const int64_t width = tensor_columns(n->in[0]);
  for (int64_t r = begin; r < end; r++)
    kernels->add(n->in[0]->grad + r * width, n->out[0]->grad + mirrored(n, r) * width, width);
}

static void backward(Node *n) {
  grad_add(n, n->in[0]);
  parallel_for(tensor_rows(n->in[0]), add_rows, n);
}

Tensor *op_reverse(Tape *tape, Tensor *x, Tensor *lengths) {
  CHECK(x->dims == 3 && lengths->type == TENSOR_I32 && tensor_count(lengths) == x->shape[0]);
  Node *n = node_new(tape, &op_reverse_info, sizeof *n);
  node_input(n, x);
  node_input(n, lengths);
  return node_run(n, node_output(n, 3, x->shape));
}

static void sample(OpSampler *s) {
  const bool large = sample_large(s);
  const int64_t sequences = large ? 64 : 5, time = large ? 64 : 6, width = large ? 512 : 7;
  Tensor *x = sample_normal(s, "x", 3, (int64_t[]){sequences, time, width});
  Tensor *lengths = sample_ids(s, "lengths", 1, &sequences, 0, (int32_t)time + 1);
  sample_output(s, op_reverse(sample_tape(s), x, lengths));
}

const Op op_reverse_info = {
    .name = "reverse",
    .formula =
        "y[b, lengths[b]-1-s] = x[b,s] for s < lengths[b], y[b,s] = x[b,s] otherwise: x [B,S,D], lengths\n"
        "i32 [B] -> y [B,S,D]",
    .forward = forward,
    .backward = backward,
    .sample = sample,
};
