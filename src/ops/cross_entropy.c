/* cross_entropy.c - output layer and loss fused, computed in blocks of rows, so that N x V logits are
 * never stored. As in Liger Kernel (Hsu et al. 2024) the gradients are computed in the forward pass, while
 * a block's logits are available: with p = softmax(z), dz = (p - (1-s) onehot(target) - s/V) / divisor,
 * times 1 - (z/c)^2 if logits have a cap c. So the loss must be the last node of the tape, with gradient
 * 1. Gradients of parameters are accumulated immediately. */
#include <math.h>
#include <string.h>

#include "kernels/kernels.h"
#include "ops/gemm.h"
#include "ops/logits.h"
#include "ops/loops.h"
#include "ops/sample.h"

typedef struct CrossEntropy {
  Node node; /* in: h, weight, bias, targets */
  int64_t rows, width, vocabulary, block;
  float smoothing, cap;
  double divisor;
  float *logits;     /* [block,V], then their gradients */
  float *slopes;     /* [block,V], of the cap; NULL without a cap */
  float *losses;     /* [N] */
  float *scratch[3]; /* gradients of h, weight and bias; NULL if not wanted, or of a parameter */
  float *dw, *db;    /* where forward accumulates: scratch or a parameter's gradient; NULL if not wanted */
  float dw_beta;     /* 0: overwrite */
  int64_t first, beyond; /* rows of the current block */
} CrossEntropy;

static int32_t target_of(const CrossEntropy *n, int64_t row) {
  const int32_t target = tensor_i32(n->node.in[3])[row];
  CHECK(target < n->vocabulary);
  return target;
}

static void compute_logits(CrossEntropy *n) {
  const Tensor *h = n->node.in[0], *weight = n->node.in[1], *bias = n->node.in[2];
  gemm_weight(tape_precision(n->node.tape), tape_packed_weights(n->node.tape), true, n->beyond - n->first,
              tensor_f32(h) + n->first * n->width, weight, bias ? tensor_f32(bias) : NULL, n->logits);
}

/* Returns the loss of a row of logits z and replaces z by their gradient. */
static float score_row(const CrossEntropy *n, float *z, int32_t target) {
  const int64_t count = n->vocabulary;
  const float smoothing = n->smoothing, wanted = z[target], top = kernels->maximum(z, count);
  const float mean = smoothing > 0 ? kernels->sum(z, count) / (float)count : 0;
  const float total = kernels->exp_shifted(z, z, top, count), log_total = top + logf(total);
  if (node_records(&n->node)) {
    const float share = (float)(1 / n->divisor), each = share * smoothing / (float)count,
                scale = share / total;
    for (int64_t j = 0; j < count; j++) z[j] = z[j] * scale - each;
    z[target] -= share * (1 - smoothing);
  }
  return (1 - smoothing) * (log_total - wanted) + smoothing * (log_total - mean);
}

static void score_rows(void *arg, int64_t begin, int64_t end) {
  const CrossEntropy *n = arg;
  for (int64_t r = begin; r < end; r++) {
    float *z = n->logits + r * n->vocabulary, *slopes = n->slopes ? n->slopes + r * n->vocabulary : NULL;
    const int32_t target = target_of(n, n->first + r);
    n->losses[n->first + r] = 0;
    if (target < 0) {
      memset(z, 0, (size_t)n->vocabulary * sizeof *z);
      continue;
    }
    if (slopes) logits_cap(z, slopes, n->vocabulary, n->cap);
    n->losses[n->first + r] = score_row(n, z, target);
    for (int64_t j = 0; slopes && j < n->vocabulary; j++) z[j] *= slopes[j];
  }
}

static void add_gradients(CrossEntropy *n) {
  const int64_t rows = n->beyond - n->first, width = n->width, vocabulary = n->vocabulary;
  const float *h = tensor_f32(n->node.in[0]) + n->first * width;
  const float beta = n->first ? 1 : n->dw_beta;
  const Precision precision = tape_precision(n->node.tape);
  if (n->scratch[0])
    gemm_stored(precision, rows, vocabulary, n->logits, vocabulary, stored_weight(n->node.in[1], false), 0,
                n->scratch[0] + n->first * width, width);
  if (n->dw)
    gemm_precise(precision, true, false, vocabulary, width, rows, n->logits, vocabulary, h, width, beta,
                 n->dw, width);
  if (n->db) loop_sum_rows(n->db, n->logits, rows, vocabulary);
}

static double count_scored(const CrossEntropy *n) {
  int64_t scored = 0;
  for (int64_t r = 0; r < n->rows; r++) scored += target_of(n, r) >= 0;
  return (double)scored;
}

/* Weight and bias, if they are parameters. */
static bool adds_in_forward(const CrossEntropy *n, int input) {
  const Tensor *x = n->node.in[input];
  return input > 0 && x && x->wants_grad && x->parameter && node_records(&n->node);
}

static void find_gradients(CrossEntropy *n) {
  n->dw = n->scratch[1];
  n->db = n->scratch[2];
  n->dw_beta = 0;
  CHECK(n->rows > 0 || !node_records(&n->node)); /* else stale gradients would remain */
  if (adds_in_forward(n, 1)) n->dw = grad_beta(&n->node, n->node.in[1], &n->dw_beta);
  if (adds_in_forward(n, 2))
    n->db = grad_add(&n->node, n->node.in[2]);
  else if (n->db)
    memset(n->db, 0, (size_t)n->vocabulary * sizeof(float));
}

static void forward(Node *node) {
  CrossEntropy *n = (CrossEntropy *)node;
  n->logits = node->workspace;
  n->slopes = n->cap > 0 ? n->logits + n->block * n->vocabulary : NULL;
  if (n->divisor <= 0) n->divisor = count_scored(n);
  find_gradients(n);
  for (n->first = 0; n->first < n->rows; n->first = n->beyond) {
    n->beyond = n->first + n->block < n->rows ? n->first + n->block : n->rows;
    compute_logits(n);
    parallel_for(n->beyond - n->first, score_rows, n);
    add_gradients(n);
  }
  double sum = 0;
  for (int64_t r = 0; r < n->rows; r++) sum += (double)n->losses[r];
  *tensor_f32(node->out[0]) = n->divisor > 0 ? (float)(sum / n->divisor) : 0;
}

static void backward(Node *node) {
  const CrossEntropy *n = (const CrossEntropy *)node;
  CHECK(*node->out[0]->grad == 1);
  for (int i = 0; i < 3; i++)
    if (n->scratch[i]) grad_give(node, node->in[i], n->scratch[i]);
}

static double flops(const Node *node) {
  const CrossEntropy *n = (const CrossEntropy *)node;
  return 2.0 * (double)n->rows * (double)n->width * (double)n->vocabulary;
}

static float *gradient_scratch(CrossEntropy *n, int input) {
  const Tensor *x = n->node.in[input];
  const bool wanted = node_records(&n->node) && x && x->wants_grad && !adds_in_forward(n, input);
  return wanted ? node_floats(&n->node, tensor_count(x)) : NULL;
}

Tensor *op_cross_entropy(Tape *tape, Tensor *h, Tensor *weight, Tensor *bias, Tensor *targets,
                         float smoothing, float cap, double divisor) {
  CrossEntropy *n = node_new(tape, &op_cross_entropy_info, sizeof *n);
  n->rows = tensor_rows(h);
  n->width = tensor_columns(h);
  n->vocabulary = tensor_rows(weight);
  CHECK(tensor_columns(weight) == n->width && tensor_count(targets) == n->rows);
  CHECK(!bias || tensor_count(bias) == n->vocabulary);
  n->smoothing = smoothing;
  n->cap = cap;
  n->divisor = divisor;
  n->block = logits_block(n->rows, n->vocabulary);
  node_input(&n->node, h);
  node_input(&n->node, weight);
  node_input(&n->node, bias);
  node_input(&n->node, targets);
  node_workspace(&n->node, n->block * n->vocabulary * (cap > 0 ? 2 : 1));
  n->losses = node_floats(&n->node, n->rows);
  for (int i = 0; i < 3; i++) n->scratch[i] = gradient_scratch(n, i);
  return node_run(&n->node, node_output(&n->node, 0, NULL));
}

/* Cases: plain; bias and smoothing; a given divisor; several blocks; no row scored; capped logits. Targets
 * below 0 are not scored. */
static void sample(OpSampler *s) {
  const int which = sample_case(s, 6);
  const bool large = sample_large(s);
  const int64_t rows = large        ? 2048
                       : which == 3 ? 1500
                                    : 13,
                width = large ? 384 : 11, vocabulary = large ? 8192 : 23;
  Tensor *h = sample_normal(s, "h", 2, (int64_t[]){rows, width});
  Tensor *weight = sample_normal(s, "weight", 2, (int64_t[]){vocabulary, width});
  Tensor *bias = which == 1 || which == 3 ? sample_normal(s, "bias", 1, &vocabulary) : NULL;
  Tensor *targets = sample_ids(s, "targets", 1, &rows, -2, which == 4 ? 0 : (int32_t)vocabulary);
  sample_output(
      s, op_cross_entropy(sample_tape(s), h, weight, bias, targets, which == 1 || which == 5 ? 0.1f : 0,
                          which == 5 ? 2.5f : 0, which == 2 ? 29 : 0));
}

const Op op_cross_entropy_info = {
    .name = "cross_entropy",
    .formula =
        "z = h W^T + b, with a cap c: c tanh(z/c), loss of a row = (1-s) (-ln softmax(z)[target]) + s "
        "mean(-ln softmax(z)), s the "
        "label\n"
        "smoothing; y = their sum over rows whose target is not negative, divided by the number of such "
        "rows\n"
        "or by a given divisor: h [N,D], W [V,D], b [V] optional, targets i32 [N] -> y [] (Szegedy et al. "
        "2016)",
    .forward = forward,
    .backward = backward,
    .flops = flops,
    .sample = sample,
};
