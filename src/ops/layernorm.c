/* layernorm.c - layer normalization (Ba et al. 2016). With n = (x - mean) r and r = 1 / sqrt(variance +
 * epsilon): dx = r (w dy - mean(w dy) - n mean(w dy n)), dw = the sum over rows of dy n, db = that of dy. */
#include "kernels/kernels.h"
#include "ops/loops.h"
#include "ops/sample.h"

typedef struct LayerNorm {
  Node node; /* in: x, weight, bias */
  float epsilon;
  float *mean, *r;     /* per row */
  float *ones, *zeros; /* used if there is no weight or bias; else NULL */
  int64_t sets;        /* number of vectors of weights and biases; row i uses i % sets */
  float *dx;           /* in backward; may be NULL */
} LayerNorm;

static const float *weight_of(const LayerNorm *n, int64_t row) {
  return n->ones ? n->ones : tensor_f32(n->node.in[1]) + row % n->sets * tensor_columns(n->node.in[0]);
}
static const float *bias_of(const LayerNorm *n, int64_t row) {
  return n->zeros ? n->zeros : tensor_f32(n->node.in[2]) + row % n->sets * tensor_columns(n->node.in[0]);
}

static void normalize_rows(void *arg, int64_t begin, int64_t end) {
  const LayerNorm *n = arg;
  const Tensor *x = n->node.in[0];
  const int64_t width = tensor_columns(x);
  for (int64_t i = begin; i < end; i++)
    kernels->layernorm(tensor_f32(n->node.out[0]) + i * width, n->mean + i, n->r + i,
                       tensor_f32(x) + i * width, weight_of(n, i), bias_of(n, i), n->epsilon, width);
}

static void forward(Node *node) {
  LayerNorm *n = (LayerNorm *)node;
  const int64_t width = tensor_columns(node->in[0]);
  for (int64_t j = 0; n->ones && j < width; j++) n->ones[j] = 1;
  for (int64_t j = 0; n->zeros && j < width; j++) n->zeros[j] = 0;
  parallel_for(tensor_rows(node->in[0]), normalize_rows, n);
}

static void add_weight_gradient(float *dw, const float *dy, const float *x, float mean, float r,
                                int64_t width) {
  for (int64_t j = 0; j < width; j++) dw[j] += dy[j] * ((x[j] - mean) * r);
}

static void backward_row(const void *op, int64_t i, float *const sums[LOOP_SUMS]) {
  const LayerNorm *n = op;
  const int64_t width = tensor_columns(n->node.in[0]), set = i % n->sets * width;
  const float *x = tensor_f32(n->node.in[0]) + i * width, *dy = n->node.out[0]->grad + i * width;
  if (n->dx)
    kernels->layernorm_backward(n->dx + i * width, x, weight_of(n, i), dy, n->mean[i], n->r[i], width);
  if (sums[0]) add_weight_gradient(sums[0] + set, dy, x, n->mean[i], n->r[i], width);
  if (sums[1]) kernels->add(sums[1] + set, dy, width);
}

static void backward(Node *node) {
  LayerNorm *n = (LayerNorm *)node;
  const Tensor *x = node->in[0];
  float *const sums[] = {grad_add(node, node->in[1]), grad_add(node, node->in[2])};
  n->dx = grad_add(node, node->in[0]);
  loop_row_sums(tape_arena(node->tape), sums, 2, tensor_rows(x), n->sets * tensor_columns(x), backward_row,
                n);
}

Tensor *op_layernorm(Tape *tape, Tensor *x, Tensor *weight, Tensor *bias, float epsilon) {
  LayerNorm *n = node_new(tape, &op_layernorm_info, sizeof *n);
  n->epsilon = epsilon;
  n->sets = weight ? tensor_count(weight) / tensor_columns(x) : 1;
  CHECK(!weight || tensor_count(weight) == n->sets * tensor_columns(x));
  CHECK(!bias || tensor_count(bias) == n->sets * tensor_columns(x));
  CHECK(tensor_rows(x) % n->sets == 0);
  node_input(&n->node, x);
  node_input(&n->node, weight);
  node_input(&n->node, bias);
  if (!weight) n->ones = node_floats(&n->node, tensor_columns(x));
  if (!bias) n->zeros = node_floats(&n->node, tensor_columns(x));
  n->mean = node_floats(&n->node, tensor_rows(x));
  n->r = node_floats(&n->node, tensor_rows(x));
  return node_run(&n->node, node_output(&n->node, x->dims, x->shape));
}

/* Cases: weight and bias; weight only; neither; one weight per head, of three heads; the same with biases. */
static void sample(OpSampler *s) {
  const int which = sample_case(s, 5);
  const bool large = sample_large(s);
  const int64_t width = large ? 512 : 21;
  Tensor *x = sample_normal(s, "x", 3, (int64_t[]){large ? 8 : 5, large ? 512 : 9, width});
  Tensor *weight = which >= 3   ? sample_normal(s, "weight", 2, (int64_t[]){large ? 8 : 3, width})
                   : which == 2 ? NULL
                                : sample_normal(s, "weight", 1, &width);
  Tensor *bias = which == 4 ? sample_normal(s, "bias", 2, (int64_t[]){large ? 8 : 3, width})
                 : which    ? NULL
                            : sample_normal(s, "bias", 1, &width);
  sample_output(s, op_layernorm(sample_tape(s), x, weight, bias, 1e-2f));
}

const Op op_layernorm_info = {
    .name = "layernorm",
    .formula =
        "y = (x - mean(x)) / sqrt(variance(x) + epsilon) * w + b, over the last dimension:\n"
        "x [...,D], w and b [D], or [H,D] if rows are heads, both optional (Ba et al. 2016)",
    .forward = forward,
    .backward = backward,
    .sample = sample,
    .rematerializable = true,
};
