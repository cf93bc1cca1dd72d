/* lerp.c - linear interpolation between two tensors, by a share for each element or each column. */
#include "kernels/kernels.h"
#include "ops/loops.h"
#include "ops/sample.h"

enum { X, Y, SHARE }; /* inputs */

typedef struct Lerp {
  Node node;
  bool by_column;
  float *dx, *dy, *dshare; /* in backward; each may be NULL; dshare of each element */
} Lerp;

static const float *share_of(const Lerp *n, int64_t row) {
  return tensor_f32(n->node.in[SHARE]) + (n->by_column ? 0 : row * tensor_columns(n->node.in[X]));
}

static void mix_rows(void *arg, int64_t begin, int64_t end) {
  const Lerp *n = arg;
  const int64_t width = tensor_columns(n->node.in[X]);
  for (int64_t i = begin; i < end; i++) {
    const float *x = tensor_f32(n->node.in[X]) + i * width, *y = tensor_f32(n->node.in[Y]) + i * width,
                *share = share_of(n, i);
    float *to = tensor_f32(n->node.out[0]) + i * width;
    for (int64_t j = 0; j < width; j++) to[j] = x[j] + (y[j] - x[j]) * share[j];
  }
}

static void forward(Node *node) {
  parallel_for(tensor_rows(node->in[X]), mix_rows, node);
}

static void backward_row(const void *op, int64_t i, float *const sums[LOOP_SUMS]) {
  const Lerp *n = op;
  const int64_t width = tensor_columns(n->node.in[X]), at = i * width;
  const float *x = tensor_f32(n->node.in[X]) + at, *y = tensor_f32(n->node.in[Y]) + at,
              *share = share_of(n, i), *d = n->node.out[0]->grad + at;
  float *dshare = n->dshare ? n->dshare + at : sums[0];
  for (int64_t j = 0; n->dx && j < width; j++) n->dx[at + j] += d[j] * (1 - share[j]);
  for (int64_t j = 0; n->dy && j < width; j++) n->dy[at + j] += d[j] * share[j];
  for (int64_t j = 0; dshare && j < width; j++) dshare[j] += d[j] * (y[j] - x[j]);
}

static void backward(Node *node) {
  Lerp *n = (Lerp *)node;
  const Tensor *x = node->in[X];
  float *dshare = grad_add(node, node->in[SHARE]), *by_column = n->by_column ? dshare : NULL;
  n->dx = grad_add(node, node->in[X]);
  n->dy = grad_add(node, node->in[Y]);
  n->dshare = n->by_column ? NULL : dshare;
  loop_row_sums(tape_arena(node->tape), &by_column, 1, tensor_rows(x), tensor_columns(x), backward_row, n);
}

Tensor *op_lerp(Tape *tape, Tensor *x, Tensor *y, Tensor *share) {
  CHECK(tensor_same_shape(x, y));
  Lerp *n = node_new(tape, &op_lerp_info, sizeof *n);
  n->by_column = tensor_count(share) == tensor_columns(x);
  CHECK(n->by_column || tensor_count(share) == tensor_count(x));
  node_input(&n->node, x);
  node_input(&n->node, y);
  node_input(&n->node, share);
  return node_run(&n->node, node_output(&n->node, x->dims, x->shape));
}

/* Cases: a share for each column; for each element. */
static void sample(OpSampler *s) {
  const int which = sample_case(s, 2);
  const bool large = sample_large(s);
  const int64_t shape[] = {large ? 8 : 3, large ? 256 : 15, large ? 768 : 21};
  Tensor *x = sample_normal(s, "x", 3, shape), *y = sample_normal(s, "y", 3, shape);
  sample_output(
      s, op_lerp(sample_tape(s), x, y, sample_normal(s, "share", which ? 3 : 1, which ? shape : shape + 2)));
}

const Op op_lerp_info = {
    .name = "lerp",
    .formula = "x + (y - x) share: x and y [...,D], share [D] or of their shape -> [...,D]",
    .forward = forward,
    .backward = backward,
    .sample = sample,
};
