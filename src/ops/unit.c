/* unit.c - the weighted vectors of heads, divided by their lengths. With u = x w, y = u / |u| and d = dy:
 * du = (d - y (y . d)) / |u|, dx = du w, dw = the sum over rows of du x. Lengths are at least 1e-12, as
 * PyTorch's normalize has it. */
#include <math.h>

#include "kernels/kernels.h"
#include "ops/loops.h"
#include "ops/sample.h"

enum { X, WEIGHT }; /* inputs */

typedef struct Unit {
  Node node;
  int64_t heads;
  float *lengths; /* [rows, heads] */
  float *dx;      /* in backward; may be NULL */
} Unit;

static void unit_rows(void *arg, int64_t begin, int64_t end) {
  const Unit *n = arg;
  const int64_t width = tensor_columns(n->node.in[X]), size = width / n->heads;
  for (int64_t i = begin * n->heads; i < end * n->heads; i++) {
    const float *x = tensor_f32(n->node.in[X]) + i * size,
                *w = tensor_f32(n->node.in[WEIGHT]) + i % n->heads * size;
    float *y = tensor_f32(n->node.out[0]) + i * size;
    for (int64_t j = 0; j < size; j++) y[j] = x[j] * w[j];
    n->lengths[i] = fmaxf(sqrtf(kernels->sum_squares(y, size)), 1e-12f);
    kernels->scale(y, 1 / n->lengths[i], y, size);
  }
}

static void forward(Node *node) {
  parallel_for(tensor_rows(node->in[X]), unit_rows, node);
}

static void backward_head(const Unit *n, float *dw, int64_t i) {
  const int64_t size = tensor_columns(n->node.in[X]) / n->heads, at = i * size;
  const float *x = tensor_f32(n->node.in[X]) + at, *y = tensor_f32(n->node.out[0]) + at,
              *w = tensor_f32(n->node.in[WEIGHT]) + i % n->heads * size, *d = n->node.out[0]->grad + at;
  const float along = kernels->dot(y, d, size);
  for (int64_t j = 0; j < size; j++) {
    const float du = (d[j] - y[j] * along) / n->lengths[i];
    if (n->dx) n->dx[at + j] += du * w[j];
    if (dw) dw[j] += du * x[j];
  }
}

static void backward_row(const void *op, int64_t row, float *const sums[LOOP_SUMS]) {
  const Unit *n = op;
  const int64_t size = tensor_columns(n->node.in[X]) / n->heads;
  for (int64_t h = 0; h < n->heads; h++)
    backward_head(n, sums[0] ? sums[0] + h * size : NULL, row * n->heads + h);
}

static void backward(Node *node) {
  Unit *n = (Unit *)node;
  const Tensor *x = node->in[X];
  float *dw = grad_add(node, node->in[WEIGHT]);
  n->dx = grad_add(node, node->in[X]);
  loop_row_sums(tape_arena(node->tape), &dw, 1, tensor_rows(x), tensor_columns(x), backward_row, n);
}

Tensor *op_unit(Tape *tape, Tensor *x, Tensor *weight, int64_t heads) {
  CHECK(tensor_columns(x) % heads == 0 && tensor_count(weight) == tensor_columns(x));
  Unit *n = node_new(tape, &op_unit_info, sizeof *n);
  n->heads = heads;
  node_input(&n->node, x);
  node_input(&n->node, weight);
  n->lengths = node_floats(&n->node, tensor_rows(x) * heads);
  return node_run(&n->node, node_output(&n->node, x->dims, x->shape));
}

static void sample(OpSampler *s) {
  const bool large = sample_large(s);
  const int64_t heads = large ? 12 : 3, width = large ? 768 : 21;
  Tensor *x = sample_normal(s, "x", 3, (int64_t[]){large ? 8 : 3, large ? 256 : 15, width});
  sample_output(s, op_unit(sample_tape(s), x, sample_normal(s, "weight", 1, &width), heads));
}

const Op op_unit_info = {
    .name = "unit",
    .formula = "y = x w / |x w|, for each head: x [...,H d], w [H d] -> [...,H d]",
    .forward = forward,
    .backward = backward,
    .sample = sample,
};
