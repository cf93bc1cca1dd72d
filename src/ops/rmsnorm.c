/* rmsnorm.c - root mean square normalization (Zhang & Sennrich 2019). With r = 1 / sqrt(mean x^2 +
 * epsilon) and w = offset + weight: dx = r w dy - x r^3 / D sum(x w dy), dw = the sum over rows of dy x r. */
#include "kernels/kernels.h"
#include "ops/loops.h"
#include "ops/sample.h"

typedef struct RmsNorm {
  Node node; /* in: x, weight */
  float offset, epsilon;
  float *shifted; /* offset + weight; NULL if the offset is 0 */
  float *r;       /* per row */
  float *dx;      /* in backward; may be NULL */
} RmsNorm;

static const float *weight_of(const RmsNorm *n) {
  return n->shifted ? n->shifted : tensor_f32(n->node.in[1]);
}

static void normalize_rows(void *arg, int64_t begin, int64_t end) {
  const RmsNorm *n = arg;
  const Tensor *x = n->node.in[0];
  const int64_t width = tensor_columns(x);
  for (int64_t i = begin; i < end; i++) {
    const float r = kernels->rmsnorm(tensor_f32(n->node.out[0]) + i * width, tensor_f32(x) + i * width,
                                     weight_of(n), n->epsilon, width);
    if (n->r) n->r[i] = r;
  }
}

static void forward(Node *node) {
  RmsNorm *n = (RmsNorm *)node;
  const Tensor *weight = node->in[1];
  for (int64_t j = 0; n->shifted && j < tensor_count(weight); j++)
    n->shifted[j] = n->offset + tensor_f32(weight)[j];
  parallel_for(tensor_rows(node->in[0]), normalize_rows, n);
}

static void add_weight_gradient(float *dw, const float *dy, const float *x, float r, int64_t width) {
  for (int64_t j = 0; j < width; j++) dw[j] += dy[j] * (x[j] * r);
}

static void backward_row(const void *op, int64_t i, float *const sums[LOOP_SUMS]) {
  const RmsNorm *n = op;
  const int64_t width = tensor_columns(n->node.in[0]);
  const float *x = tensor_f32(n->node.in[0]) + i * width, *dy = n->node.out[0]->grad + i * width;
  if (n->dx) kernels->rmsnorm_backward(n->dx + i * width, x, weight_of(n), dy, n->r[i], width);
  if (sums[0]) add_weight_gradient(sums[0], dy, x, n->r[i], width);
}

static void backward(Node *node) {
  RmsNorm *n = (RmsNorm *)node;
  const Tensor *x = node->in[0];
  float *dw = grad_add(node, node->in[1]);
  n->dx = grad_add(node, node->in[0]);
  loop_row_sums(tape_arena(node->tape), &dw, 1, tensor_rows(x), tensor_columns(x), backward_row, n);
}

Tensor *op_rmsnorm(Tape *tape, Tensor *x, Tensor *weight, float offset, float epsilon) {
  CHECK(tensor_count(weight) == tensor_columns(x));
  RmsNorm *n = node_new(tape, &op_rmsnorm_info, sizeof *n);
  n->offset = offset;
  n->epsilon = epsilon;
  node_input(&n->node, x);
  node_input(&n->node, weight);
  if (offset != 0) n->shifted = node_floats(&n->node, tensor_count(weight));
  n->r = node_records(&n->node) ? node_floats(&n->node, tensor_rows(x)) : NULL;
  return node_run(&n->node, node_output(&n->node, x->dims, x->shape));
}

/* Cases: offset 0; offset 1. */
static void sample(OpSampler *s) {
  const float offset = sample_case(s, 2) ? 1 : 0;
  const bool large = sample_large(s);
  const int64_t width = large ? 512 : 21;
  Tensor *x = sample_normal(s, "x", 3, (int64_t[]){large ? 8 : 5, large ? 512 : 9, width});
  Tensor *weight = sample_normal(s, "weight", 1, &width);
  sample_output(s, op_rmsnorm(sample_tape(s), x, weight, offset, 1e-2f));
}

const Op op_rmsnorm_info = {
    .name = "rmsnorm",
    .formula =
        "y = x / sqrt(mean(x^2) + epsilon) * (offset + w), over the last dimension: x [...,D], w [D]; "
        "offset\n"
        "0, or 1 in Gemma\n"
        "(Zhang & Sennrich 2019)",
    .forward = forward,
    .backward = backward,
    .sample = sample,
    .rematerializable = true,
};
