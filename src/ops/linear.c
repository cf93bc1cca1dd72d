/* linear.c - a dense layer. With y = x W^T + b: dx = dy W, dW = dy^T x, db = the sum of the rows of dy. */
#include <string.h>

#include "ops/gemm.h"
#include "ops/loops.h"
#include "ops/sample.h"

typedef struct Linear {
  Node node; /* in: x, weight, bias */
  int64_t rows, inputs, outputs;
  bool transposed;
} Linear;

static void forward(Node *node) {
  const Linear *n = (const Linear *)node;
  const float *bias = node->in[2] ? tensor_f32(node->in[2]) : NULL;
  gemm_weight(tape_precision(node->tape), tape_packed_weights(node->tape), !n->transposed, n->rows,
              tensor_f32(node->in[0]), node->in[1], bias, tensor_f32(node->out[0]));
}

static void weight_backward(Linear *n, const float *dy) {
  const float *x = tensor_f32(n->node.in[0]);
  const Precision precision = tape_precision(n->node.tape);
  float beta, *dw = grad_beta(&n->node, n->node.in[1], &beta);
  if (!dw) return;
  if (n->transposed)
    gemm_precise(precision, true, false, n->inputs, n->outputs, n->rows, x, n->inputs, dy, n->outputs, beta,
                 dw, n->outputs);
  else
    gemm_precise(precision, true, false, n->outputs, n->inputs, n->rows, dy, n->outputs, x, n->inputs, beta,
                 dw, n->inputs);
}

static void backward(Node *node) {
  Linear *n = (Linear *)node;
  const float *dy = node->out[0]->grad;
  float beta, *dx = grad_beta(node, node->in[0], &beta);
  if (dx)
    gemm_stored(tape_precision(node->tape), n->rows, n->outputs, dy, n->outputs,
                stored_weight(node->in[1], n->transposed), beta, dx, n->inputs);
  weight_backward(n, dy);
  float *db = grad_add(node, node->in[2]);
  if (db) loop_sum_rows(db, dy, n->rows, n->outputs);
}

static double flops(const Node *node) {
  const Linear *n = (const Linear *)node;
  return 2.0 * (double)n->rows * (double)n->inputs * (double)n->outputs;
}

Tensor *op_linear(Tape *tape, Tensor *x, Tensor *weight, Tensor *bias, bool transposed) {
  Linear *n = node_new(tape, &op_linear_info, sizeof *n);
  n->transposed = transposed;
  n->rows = tensor_rows(x);
  n->inputs = tensor_columns(x);
  n->outputs = weight->shape[transposed ? 1 : 0];
  CHECK(weight->dims == 2 && weight->shape[transposed ? 0 : 1] == n->inputs);
  CHECK(!bias || tensor_count(bias) == n->outputs);
  node_input(&n->node, x);
  node_input(&n->node, weight);
  node_input(&n->node, bias);
  int64_t shape[TENSOR_MAX_DIMS];
  memcpy(shape, x->shape, sizeof shape);
  shape[x->dims - 1] = n->outputs;
  return node_run(&n->node, node_output(&n->node, x->dims, shape));
}

/* Cases: plain and transposed weights, each with and without bias. */
static void sample(OpSampler *s) {
  const int which = sample_case(s, 4);
  const bool large = sample_large(s), transposed = which & 1;
  const int64_t in = large ? 512 : 37, out = large ? 2048 : 19, sequences = large ? 8 : 3,
                time = large ? 256 : 11;
  Tensor *x = sample_normal(s, "x", 3, (int64_t[]){sequences, time, in});
  Tensor *weight = sample_normal(s, "weight", 2, transposed ? (int64_t[]){in, out} : (int64_t[]){out, in});
  Tensor *bias = which & 2 ? NULL : sample_normal(s, "bias", 1, &out);
  sample_output(s, op_linear(sample_tape(s), x, weight, bias, transposed));
}

const Op op_linear_info = {
    .name = "linear",
    .formula = "y = x W^T + b: x [...,I], W [O,I] (or [I,O] if transposed), b [O] optional -> y [...,O]",
    .forward = forward,
    .backward = backward,
    .flops = flops,
    .sample = sample,
};
