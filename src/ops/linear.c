/* linear.c - a dense layer. With y = x W^T + b: dx = dy W, dW = dy^T x, db = the sum of the rows of dy. While
 * nothing is recorded, layers that read the same x are one product. */
#include <string.h>

#include "ops/gemm.h"
#include "ops/loops.h"
#include "ops/sample.h"

typedef struct Linear {
  Node node; /* in: x, then a weight and a bias for each output */
  int64_t rows, inputs;
  bool transposed;
} Linear;

static int64_t outputs_of(const Linear *n, int output) {
  return n->node.in[1 + 2 * output]->shape[n->transposed ? 1 : 0];
}

static void forward(Node *node) {
  const Linear *n = (const Linear *)node;
  GemmWeight weights[NODE_MAX_OUTPUTS];
  for (int i = 0; i < node->outputs; i++) {
    const Tensor *bias = node->in[2 + 2 * i];
    weights[i] = (GemmWeight){node->in[1 + 2 * i], bias ? tensor_f32(bias) : NULL, tensor_f32(node->out[i])};
  }
  gemm_weights(tape_precision(node->tape), tape_packed_weights(node->tape), !n->transposed, n->rows,
               tensor_f32(node->in[0]), weights, node->outputs);
}

static void weight_backward(Linear *n, const float *dy) {
  const float *x = tensor_f32(n->node.in[0]);
  const Precision precision = tape_precision(n->node.tape);
  const int64_t outputs = outputs_of(n, 0);
  float beta, *dw = grad_beta(&n->node, n->node.in[1], &beta);
  if (!dw) return;
  if (n->transposed)
    gemm_precise(precision, true, false, n->inputs, outputs, n->rows, x, n->inputs, dy, outputs, beta, dw,
                 outputs);
  else
    gemm_precise(precision, true, false, outputs, n->inputs, n->rows, dy, outputs, x, n->inputs, beta, dw,
                 n->inputs);
}

static void backward(Node *node) {
  Linear *n = (Linear *)node;
  const int64_t outputs = outputs_of(n, 0);
  const float *dy = node->out[0]->grad;
  float beta, *dx = grad_beta(node, node->in[0], &beta);
  if (dx)
    gemm_stored(tape_precision(node->tape), n->rows, outputs, dy, outputs,
                stored_weight(node->in[1], n->transposed), beta, dx, n->inputs);
  weight_backward(n, dy);
  float *db = grad_add(node, node->in[2]);
  if (db) loop_sum_rows(db, dy, n->rows, outputs);
}

static double flops(const Node *node) {
  const Linear *n = (const Linear *)node;
  double outputs = 0;
  for (int i = 0; i < node->outputs; i++) outputs += (double)outputs_of(n, i);
  return 2.0 * (double)n->rows * (double)n->inputs * outputs;
}

/* The output that belongs to input 1 + 2 i. */
static Tensor *output(Linear *n, const Tensor *x, int i) {
  int64_t shape[TENSOR_MAX_DIMS];
  memcpy(shape, x->shape, sizeof shape);
  shape[x->dims - 1] = outputs_of(n, i);
  return node_output(&n->node, x->dims, shape);
}

static Linear *linear_new(Tape *tape, Tensor *x, const LinearWeight *weights, int count, bool transposed) {
  Linear *n = node_new(tape, &op_linear_info, sizeof *n);
  n->transposed = transposed;
  n->rows = tensor_rows(x);
  n->inputs = tensor_columns(x);
  node_input(&n->node, x);
  for (int i = 0; i < count; i++) {
    const Tensor *weight = weights[i].weight, *bias = weights[i].bias;
    CHECK(weight->dims == 2 && weight->shape[transposed ? 0 : 1] == n->inputs);
    CHECK(!bias || tensor_count(bias) == weight->shape[transposed ? 1 : 0]);
    node_input(&n->node, weights[i].weight);
    node_input(&n->node, weights[i].bias);
  }
  return n;
}

void op_linears(Tape *tape, Tensor *x, const LinearWeight *weights, int count, bool transposed, Tensor **y) {
  CHECK(count > 0 && count <= NODE_MAX_OUTPUTS && count <= GEMM_MOST_WEIGHTS);
  Linear *n = linear_new(tape, x, weights, count, transposed);
  if (count > 1 && node_records(&n->node)) { /* backward is of one */
    for (int i = 0; i < count; i++) op_linears(tape, x, &weights[i], 1, transposed, &y[i]);
    return;
  }
  for (int i = 0; i < count; i++) y[i] = output(n, x, i);
  node_run(&n->node, y[0]);
}

Tensor *op_linear(Tape *tape, Tensor *x, Tensor *weight, Tensor *bias, bool transposed) {
  Tensor *y;
  op_linears(tape, x, &(LinearWeight){weight, bias}, 1, transposed, &y);
  return y;
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
