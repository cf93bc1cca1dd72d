/* lstm.c - one layer of long short-term memory (Hochreiter & Schmidhuber 1997; Gers et al. 2000), over all
 * steps. */
#include <string.h>

#include "kernels/kernels.h"
#include "ops/ops.h"
#include "ops/recurrence.h"
#include "ops/sample.h"

enum { X, WEIGHT, H0, C0 }; /* inputs */

typedef struct Lstm {
  Node node;
  Recurrence r;
  float *gates; /* [B,T,4D]: i, f, g, o after activation */
  float *cells; /* [B,T,D] */
  /* in backward: */
  Packed transposed_weight; /* the weight, packed for products with dgates */
  float *dgates;            /* [B,T,4D], before activation */
  float *dh, *dc, *tanh_c;  /* [B,D] of the current step */
} Lstm;

/* gates: the sums of both products, replaced by their activations; c = f c' + i g, h = o tanh c. */
static void step_row(float *gates, const float *before, float *c, float *h, int64_t width) {
  const float *i = gates, *f = gates + width, *g = gates + 2 * width, *o = gates + 3 * width;
  kernels->sigmoid(gates, gates, 2 * width);
  kernels->tangent(gates + 2 * width, g, width);
  kernels->sigmoid(gates + 3 * width, o, width);
  for (int64_t j = 0; j < width; j++) c[j] = f[j] * before[j] + i[j] * g[j];
  kernels->tangent(h, c, width);
  for (int64_t j = 0; j < width; j++) h[j] *= o[j];
}

static void step_rows(const void *op, int64_t t, int64_t begin, int64_t end) {
  const Lstm *n = op;
  const Recurrence *r = &n->r;
  float *h = tensor_f32(n->node.out[0]);
  for (int64_t b = begin; b < end; b++) {
    const int64_t at = b * r->time + t;
    step_row(n->gates + at * 4 * r->width, recurrence_before(r, n->cells, n->node.in[C0], b, t),
             n->cells + at * r->width, h + at * r->width, r->width);
  }
}

static void walk(void *arg, int64_t begin, int64_t end) {
  const Lstm *n = arg;
  const Recurrence *r = &n->r;
  for (int64_t t = 0; t < r->time; t++) {
    recurrence_multiply(r, n->node.in[WEIGHT], tensor_f32(n->node.out[0]), n->node.in[H0], t, begin, end,
                        n->gates, 4 * r->width);
    recurrence_rows(r, step_rows, n, t, begin, end);
  }
}

static void forward(Node *node) {
  Lstm *n = (Lstm *)node;
  recurrence_start(&n->r, node, node->in[WEIGHT]);
  memcpy(n->gates, tensor_f32(node->in[X]), tensor_bytes(node->in[X]));
  recurrence_walk(&n->r, walk, n);
  recurrence_last(&n->r, tensor_f32(node->out[0]), node->out[1]);
  recurrence_last(&n->r, n->cells, node->out[2]);
}

/* From dh and dc of a step: the gates' gradients, and dc of the previous step. */
static void step_row_backward(const float *gates, const float *before, const float *tanh_c, const float *dh,
                              float *dc, float *dgates, int64_t width) {
  const float *i = gates, *f = gates + width, *g = gates + 2 * width, *o = gates + 3 * width;
  for (int64_t j = 0; j < width; j++) {
    const float d = dc[j] + dh[j] * o[j] * (1 - tanh_c[j] * tanh_c[j]);
    dgates[j] = d * g[j] * i[j] * (1 - i[j]);
    dgates[width + j] = d * before[j] * f[j] * (1 - f[j]);
    dgates[2 * width + j] = d * i[j] * (1 - g[j] * g[j]);
    dgates[3 * width + j] = dh[j] * tanh_c[j] * o[j] * (1 - o[j]);
    dc[j] = d * f[j];
  }
}

static void step_rows_backward(const void *op, int64_t t, int64_t begin, int64_t end) {
  const Lstm *n = op;
  const int64_t width = n->r.width;
  for (int64_t b = begin; b < end; b++) {
    const int64_t at = b * n->r.time + t;
    float *dh = n->dh + b * width, *tanh_c = n->tanh_c + b * width;
    kernels->add(dh, n->node.out[0]->grad + at * width, width);
    kernels->tangent(tanh_c, n->cells + at * width, width);
    step_row_backward(n->gates + at * 4 * width, recurrence_before(&n->r, n->cells, n->node.in[C0], b, t),
                      tanh_c, dh, n->dc + b * width, n->dgates + at * 4 * width, width);
  }
}

static void walk_back(void *arg, int64_t begin, int64_t end) {
  const Lstm *n = arg;
  const Recurrence *r = &n->r;
  const int64_t width = r->width;
  for (int64_t t = r->time - 1; t >= 0; t--) {
    recurrence_rows(r, step_rows_backward, n, t, begin, end);
    recurrence_product(r, end - begin, n->dgates + (begin * r->time + t) * 4 * width, r->time * 4 * width,
                       &n->transposed_weight, 0, n->dh + begin * width, width);
  }
}

static void backward(Node *node) {
  Lstm *n = (Lstm *)node;
  const int64_t width = n->r.width, states = n->r.sequences * width;
  n->transposed_weight = (Packed){.n = width, .k = 4 * width};
  n->transposed_weight.panels = recurrence_alloc(node, packed_floats(width, 4 * width));
  packed_fill(&n->transposed_weight, stored_weight(node->in[WEIGHT], false));
  n->dgates = recurrence_alloc(node, tensor_count(node->in[X]));
  n->dh = recurrence_alloc(node, states);
  n->dc = recurrence_alloc(node, states);
  n->tanh_c = recurrence_alloc(node, states);
  recurrence_walk(&n->r, walk_back, n);
  recurrence_weight_gradient(&n->r, node, node->in[WEIGHT], tensor_f32(node->out[0]), node->in[H0],
                             n->dgates);
  grad_give(node, node->in[X], n->dgates);
  grad_give(node, node->in[H0], n->dh);
  grad_give(node, node->in[C0], n->dc);
}

static double flops(const Node *node) {
  const Recurrence *r = &((const Lstm *)node)->r;
  return 2.0 * (double)(r->sequences * r->time) * (double)r->weight.n * (double)r->width;
}

Tensor *op_lstm(Tape *tape, Tensor *x, Tensor *weight, Tensor *h0, Tensor *c0, Tensor **h_last,
                Tensor **c_last) {
  Lstm *n = node_new(tape, &op_lstm_info, sizeof *n);
  node_input(&n->node, x);
  node_input(&n->node, weight);
  node_input(&n->node, h0);
  node_input(&n->node, c0);
  n->r = recurrence_new(&n->node, x, 4);
  const int64_t sequences = n->r.sequences, width = n->r.width;
  CHECK(weight->shape[0] == 4 * width && weight->shape[1] == width);
  CHECK((!h0 || tensor_count(h0) == sequences * width) && (!c0 || tensor_count(c0) == sequences * width));
  n->gates = node_floats(&n->node, tensor_count(x));
  n->cells = node_floats(&n->node, sequences * n->r.time * width);
  Tensor *out = node_output(&n->node, 3, (int64_t[]){sequences, n->r.time, width});
  Tensor *h = node_output(&n->node, 2, (int64_t[]){sequences, width});
  Tensor *c = node_output(&n->node, 2, (int64_t[]){sequences, width});
  node_run(&n->node, out);
  node_give_constant(h, h_last);
  node_give_constant(c, c_last);
  return out;
}

/* Cases: from zeros; from a given state; one step, as in generation. */
static void sample(OpSampler *s) {
  const int which = sample_case(s, 3);
  const bool large = sample_large(s), given = !large && which > 0;
  const int64_t sequences = large ? 32 : 5, time = large ? 64 : which == 2 ? 1 : 4, width = large ? 512 : 7;
  Tensor *x = sample_normal(s, "x", 3, (int64_t[]){sequences, time, 4 * width});
  Tensor *weight = sample_normal(s, "weight", 2, (int64_t[]){4 * width, width});
  Tensor *h0 = given ? sample_normal(s, "h0", 2, (int64_t[]){sequences, width}) : NULL;
  Tensor *c0 = given ? sample_normal(s, "c0", 2, (int64_t[]){sequences, width}) : NULL;
  sample_output(s, op_lstm(sample_tape(s), x, weight, h0, c0, NULL, NULL));
}

const Op op_lstm_info = {
    .name = "lstm",
    .formula =
        "[i f g o] = x[t] + W h[t-1]; c[t] = sigmoid(f) c[t-1] + sigmoid(i) tanh(g); h[t] = sigmoid(o) "
        "tanh(c[t]):\n"
        "x [B,T,4D] (input product and biases), W [4D,D], h0 and c0 [B,D] optional (0) -> h [B,T,D], and "
        "the\n"
        "last h and c, constants (Hochreiter & Schmidhuber 1997; gates in PyTorch's order)",
    .forward = forward,
    .backward = backward,
    .flops = flops,
    .sample = sample,
};
