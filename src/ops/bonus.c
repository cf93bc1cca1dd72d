/* bonus.c - what the current token adds to RWKV's output without passing through the state (Peng et al.
 * 2025). With s = the sum over a head of r k w and q that of dy v: dx = dy, dv = s dy, dr = q k w, dk = q r
 * w, dw = the sum over rows of q r k. */
#include "kernels/kernels.h"
#include "ops/loops.h"
#include "ops/sample.h"

enum { X, R, K, V, WEIGHT }; /* inputs */

typedef struct Bonus {
  Node node;
  int64_t heads;
  float *dr, *dk, *dv; /* in backward; each may be NULL */
} Bonus;

/* One head of a row. */
typedef struct Head {
  const float *r, *k, *v, *w;
  int64_t size, at;
} Head;

static Head head_of(const Bonus *n, int64_t i) {
  const int64_t size = tensor_columns(n->node.in[X]) / n->heads, at = i * size;
  return (Head){tensor_f32(n->node.in[R]) + at,
                tensor_f32(n->node.in[K]) + at,
                tensor_f32(n->node.in[V]) + at,
                tensor_f32(n->node.in[WEIGHT]) + i % n->heads * size,
                size,
                at};
}

static float sum_of(const Head *h) {
  float sum = 0;
  for (int64_t j = 0; j < h->size; j++) sum += h->r[j] * h->k[j] * h->w[j];
  return sum;
}

static void add_heads(void *arg, int64_t begin, int64_t end) {
  const Bonus *n = arg;
  for (int64_t i = begin * n->heads; i < end * n->heads; i++) {
    const Head h = head_of(n, i);
    const float sum = sum_of(&h), *x = tensor_f32(n->node.in[X]) + h.at;
    float *y = tensor_f32(n->node.out[0]) + h.at;
    for (int64_t j = 0; j < h.size; j++) y[j] = x[j] + sum * h.v[j];
  }
}

static void forward(Node *node) {
  parallel_for(tensor_rows(node->in[X]), add_heads, node);
}

static void backward_head(const Bonus *n, float *dw, int64_t i) {
  const Head h = head_of(n, i);
  const float *d = n->node.out[0]->grad + h.at, sum = sum_of(&h), q = kernels->dot(d, h.v, h.size);
  if (n->dv) kernels->axpy(n->dv + h.at, sum, d, h.size);
  for (int64_t j = 0; n->dr && j < h.size; j++) n->dr[h.at + j] += q * h.k[j] * h.w[j];
  for (int64_t j = 0; n->dk && j < h.size; j++) n->dk[h.at + j] += q * h.r[j] * h.w[j];
  for (int64_t j = 0; dw && j < h.size; j++) dw[j] += q * h.r[j] * h.k[j];
}

static void backward_row(const void *op, int64_t row, float *const sums[LOOP_SUMS]) {
  const Bonus *n = op;
  const int64_t size = tensor_columns(n->node.in[X]) / n->heads;
  for (int64_t h = 0; h < n->heads; h++)
    backward_head(n, sums[0] ? sums[0] + h * size : NULL, row * n->heads + h);
}

static void backward(Node *node) {
  Bonus *n = (Bonus *)node;
  const Tensor *x = node->in[X];
  float *dw = grad_add(node, node->in[WEIGHT]);
  n->dr = grad_add(node, node->in[R]);
  n->dk = grad_add(node, node->in[K]);
  n->dv = grad_add(node, node->in[V]);
  loop_row_sums(tape_arena(node->tape), &dw, 1, tensor_rows(x), tensor_columns(x), backward_row, n);
  grad_give(node, node->in[X], node->out[0]->grad);
}

Tensor *op_bonus(Tape *tape, Tensor *x, Tensor *r, Tensor *k, Tensor *v, Tensor *weight, int64_t heads) {
  CHECK(tensor_same_shape(x, r) && tensor_same_shape(x, k) && tensor_same_shape(x, v));
  CHECK(tensor_count(weight) == tensor_columns(x) && tensor_columns(x) % heads == 0);
  Bonus *n = node_new(tape, &op_bonus_info, sizeof *n);
  n->heads = heads;
  node_input(&n->node, x);
  node_input(&n->node, r);
  node_input(&n->node, k);
  node_input(&n->node, v);
  node_input(&n->node, weight);
  return node_run(&n->node, node_output(&n->node, x->dims, x->shape));
}

static void sample(OpSampler *s) {
  const bool large = sample_large(s);
  const int64_t heads = large ? 12 : 3, width = large ? 768 : 21;
  const int64_t shape[] = {large ? 8 : 3, large ? 256 : 5, width};
  Tensor *x = sample_normal(s, "x", 3, shape), *r = sample_normal(s, "r", 3, shape),
         *k = sample_normal(s, "k", 3, shape), *v = sample_normal(s, "v", 3, shape);
  sample_output(s, op_bonus(sample_tape(s), x, r, k, v, sample_normal(s, "weight", 1, &width), heads));
}

const Op op_bonus_info = {
    .name = "bonus",
    .formula =
        "y = x + (sum over the head of r k w) v: x, r, k, v [...,H d], w [H d] -> [...,H d] (Peng et al. "
        "2025)",
    .forward = forward,
    .backward = backward,
    .sample = sample,
};
