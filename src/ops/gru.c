/* gru.c - one layer of gated recurrent units (Cho et al. 2014), in PyTorch's form: the reset gate scales the
 * product W_n h + b_n rather than h. */
#include <string.h>

#include "kernels/kernels.h"
#include "ops/loops.h"
#include "ops/ops.h"
#include "ops/recurrence.h"
#include "ops/sample.h"

enum { X, WEIGHT, BIAS, H0 }; /* inputs */

typedef struct Gru {
  Node node;
  Recurrence r;
  float *gates; /* [B,T,4D]: r and z after the sigmoid, the product for n, n itself */
  /* in backward: */
  Packed transposed_weight; /* the weight, packed for products with dproducts */
  float *dx, *dproducts;    /* [B,T,3D]; they differ in the part of n */
  float *dh;                /* [B,D] of the current step */
} Gru;

/* gates: W h + b for r, z, n; h = (1 - z) n + z h'. */
static void step_row(float *gates, const float *x, const float *before, float *h, int64_t width) {
  const float *r = gates, *z = gates + width, *product = gates + 2 * width;
  float *n = gates + 3 * width;
  kernels->add(gates, x, 2 * width);
  kernels->sigmoid(gates, gates, 2 * width);
  for (int64_t j = 0; j < width; j++) n[j] = x[2 * width + j] + r[j] * product[j];
  kernels->tangent(n, n, width);
  for (int64_t j = 0; j < width; j++) h[j] = (1 - z[j]) * n[j] + z[j] * before[j];
}

static void step_rows(const void *op, int64_t t, int64_t begin, int64_t end) {
  const Gru *n = op;
  const Recurrence *r = &n->r;
  float *h = tensor_f32(n->node.out[0]);
  for (int64_t b = begin; b < end; b++) {
    const int64_t at = b * r->time + t;
    step_row(n->gates + at * 4 * r->width, tensor_f32(n->node.in[X]) + at * 3 * r->width,
             recurrence_before(r, h, n->node.in[H0], b, t), h + at * r->width, r->width);
  }
}

static void walk(void *arg, int64_t begin, int64_t end) {
  const Gru *n = arg;
  const Recurrence *r = &n->r;
  for (int64_t t = 0; t < r->time; t++) {
    for (int64_t b = begin; b < end; b++)
      memcpy(n->gates + (b * r->time + t) * 4 * r->width, tensor_f32(n->node.in[BIAS]),
             (size_t)(3 * r->width) * sizeof(float));
    recurrence_multiply(r, n->node.in[WEIGHT], tensor_f32(n->node.out[0]), n->node.in[H0], t, begin, end,
                        n->gates, 4 * r->width);
    recurrence_rows(r, step_rows, n, t, begin, end);
  }
}

static void forward(Node *node) {
  Gru *n = (Gru *)node;
  recurrence_start(&n->r, node, node->in[WEIGHT]);
  recurrence_walk(&n->r, walk, n);
  recurrence_last(&n->r, tensor_f32(node->out[0]), node->out[1]);
}

/* From dh of a step: the gradients of its sums, and the direct part (through z) of the previous step's dh. */
static void step_row_backward(const float *gates, const float *before, float *dh, float *dx, float *dproducts,
                              int64_t width) {
  const float *r = gates, *z = gates + width, *product = gates + 2 * width, *n = gates + 3 * width;
  for (int64_t j = 0; j < width; j++) {
    const float dn = dh[j] * (1 - z[j]) * (1 - n[j] * n[j]);
    dproducts[j] = dx[j] = dn * product[j] * r[j] * (1 - r[j]);
    dproducts[width + j] = dx[width + j] = dh[j] * (before[j] - n[j]) * z[j] * (1 - z[j]);
    dx[2 * width + j] = dn;
    dproducts[2 * width + j] = dn * r[j];
    dh[j] *= z[j];
  }
}

static void step_rows_backward(const void *op, int64_t t, int64_t begin, int64_t end) {
  const Gru *n = op;
  const int64_t width = n->r.width;
  for (int64_t b = begin; b < end; b++) {
    const int64_t at = b * n->r.time + t;
    kernels->add(n->dh + b * width, n->node.out[0]->grad + at * width, width);
    step_row_backward(n->gates + at * 4 * width,
                      recurrence_before(&n->r, tensor_f32(n->node.out[0]), n->node.in[H0], b, t),
                      n->dh + b * width, n->dx + at * 3 * width, n->dproducts + at * 3 * width, width);
  }
}

static void walk_back(void *arg, int64_t begin, int64_t end) {
  const Gru *n = arg;
  const Recurrence *r = &n->r;
  const int64_t width = r->width;
  for (int64_t t = r->time - 1; t >= 0; t--) {
    recurrence_rows(r, step_rows_backward, n, t, begin, end);
    recurrence_product(r, end - begin, n->dproducts + (begin * r->time + t) * 3 * width, r->time * 3 * width,
                       &n->transposed_weight, 1, n->dh + begin * width, width);
  }
}

static void backward(Node *node) {
  Gru *n = (Gru *)node;
  const int64_t width = n->r.width;
  n->transposed_weight = (Packed){.n = width, .k = 3 * width};
  n->transposed_weight.panels = recurrence_alloc(node, packed_floats(width, 3 * width));
  packed_fill(&n->transposed_weight, stored_weight(node->in[WEIGHT], false));
  n->dx = recurrence_alloc(node, tensor_count(node->in[X]));
  n->dproducts = recurrence_alloc(node, tensor_count(node->in[X]));
  n->dh = recurrence_alloc(node, n->r.sequences * width);
  recurrence_walk(&n->r, walk_back, n);
  recurrence_weight_gradient(&n->r, node, node->in[WEIGHT], tensor_f32(node->out[0]), node->in[H0],
                             n->dproducts);
  float *db = grad_add(node, node->in[BIAS]);
  if (db) loop_sum_rows(db, n->dproducts, n->r.sequences * n->r.time, 3 * width);
  grad_give(node, node->in[X], n->dx);
  grad_give(node, node->in[H0], n->dh);
}

static double flops(const Node *node) {
  const Recurrence *r = &((const Gru *)node)->r;
  return 2.0 * (double)(r->sequences * r->time) * (double)r->weight.n * (double)r->width;
}

Tensor *op_gru(Tape *tape, Tensor *x, Tensor *weight, Tensor *bias, Tensor *h0, Tensor **h_last) {
  Gru *n = node_new(tape, &op_gru_info, sizeof *n);
  node_input(&n->node, x);
  node_input(&n->node, weight);
  node_input(&n->node, bias);
  node_input(&n->node, h0);
  n->r = recurrence_new(&n->node, x, 3);
  const int64_t sequences = n->r.sequences, width = n->r.width;
  CHECK(weight->shape[0] == 3 * width && weight->shape[1] == width && tensor_count(bias) == 3 * width);
  CHECK(!h0 || tensor_count(h0) == sequences * width);
  n->gates = node_floats(&n->node, sequences * n->r.time * 4 * width);
  Tensor *out = node_output(&n->node, 3, (int64_t[]){sequences, n->r.time, width});
  Tensor *h = node_output(&n->node, 2, (int64_t[]){sequences, width});
  node_run(&n->node, out);
  node_give_constant(h, h_last);
  return out;
}

/* Cases: from zeros; from a given state; one step, as in generation. */
static void sample(OpSampler *s) {
  const int which = sample_case(s, 3);
  const bool large = sample_large(s);
  const int64_t sequences = large ? 32 : 5, time = large ? 64 : which == 2 ? 1 : 4, width = large ? 512 : 7;
  Tensor *x = sample_normal(s, "x", 3, (int64_t[]){sequences, time, 3 * width});
  Tensor *weight = sample_normal(s, "weight", 2, (int64_t[]){3 * width, width});
  Tensor *bias = sample_normal(s, "bias", 1, (int64_t[]){3 * width});
  Tensor *h0 = !large && which > 0 ? sample_normal(s, "h0", 2, (int64_t[]){sequences, width}) : NULL;
  sample_output(s, op_gru(sample_tape(s), x, weight, bias, h0, NULL));
}

const Op op_gru_info = {
    .name = "gru",
    .formula =
        "r = sigmoid(x_r + W_r h + b_r), z = sigmoid(x_z + W_z h + b_z), n = tanh(x_n + r (W_n h + b_n)),\n"
        "h[t] = (1 - z) n + z h with h = h[t-1]: x [B,T,3D] (input product and bias, in the order r z n),\n"
        "W [3D,D], b [3D], h0 [B,D] optional (0) -> h [B,T,D], and the last h, a constant\n"
        "(Cho et al. 2014, PyTorch's form)",
    .forward = forward,
    .backward = backward,
    .flops = flops,
    .sample = sample,
};
