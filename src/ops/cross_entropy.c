/* cross_entropy.c - output layer and loss fused, computed in blocks of rows, so that N x V logits are
 * never stored. As in Liger Kernel (Hsu et al. 2024) the gradients are computed in the forward pass, while
 * a block's logits are available: with p = softmax(z), dz = (p - (1-s) onehot(target) - s/V) / divisor,
 * times 1 - (z/c)^2 if logits have a cap c. So the loss must be the last node of the tape, with gradient
 * 1. Gradients of parameters are accumulated immediately.
 *
 * With soft targets, the loss of a row is (1-w) times the above + w T^2 times the divergence from a teacher's
 * distribution at temperature T (soft_targets.h). Gradients of the latter shrink with 1/T^2: hence the
 * factor. */
#include <math.h>
#include <string.h>

#include "kernels/kernels.h"
#include "ops/gemm.h"
#include "ops/logits.h"
#include "ops/loops.h"
#include "ops/sample.h"
#include "ops/soft_targets.h"

typedef struct CrossEntropy {
  Node node; /* in: h, weight, bias, targets, and ids and probabilities of soft targets */
  int64_t rows, width, vocabulary, block;
  float smoothing, cap;
  float soft, temperature; /* weight of soft targets; 0: there are none */
  double divisor;
  float *logits;                    /* [block,V], then their gradients */
  float *slopes;                    /* [block,V], of the cap; NULL without a cap */
  float *soft_slopes;               /* [block,V], gradients of the divergence; NULL without soft targets */
  float *hard_losses, *divergences; /* [N] */
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
    const float share = (float)((1 - (double)n->soft) / n->divisor), each = share * smoothing / (float)count,
                scale = share / total;
    for (int64_t j = 0; j < count; j++) z[j] = z[j] * scale - each;
    z[target] -= share * (1 - smoothing);
  }
  return (1 - smoothing) * (log_total - wanted) + smoothing * (log_total - mean);
}

/* The divergence of a row of logits, and its gradient. */
static float score_softly(const CrossEntropy *n, int64_t row, const float *z, float *dz) {
  const int64_t count = tensor_columns(n->node.in[4]);
  const SoftRow soft = {.ids = tensor_i32(n->node.in[4]) + row * count,
                        .probabilities = tensor_f32(n->node.in[5]) + row * count,
                        .count = count,
                        .temperature = n->temperature};
  const double share = (double)(n->soft * n->temperature * n->temperature) / n->divisor;
  return soft_divergence(&soft, z, n->vocabulary, (float)share, dz);
}

static void score_rows(void *arg, int64_t begin, int64_t end) {
  const CrossEntropy *n = arg;
  for (int64_t r = begin; r < end; r++) {
    const int64_t at = r * n->vocabulary, row = n->first + r;
    float *z = n->logits + at, *slopes = n->slopes ? n->slopes + at : NULL,
          *soft = n->soft_slopes ? n->soft_slopes + at : NULL;
    const int32_t target = target_of(n, row);
    n->hard_losses[row] = n->divergences[row] = 0;
    if (target < 0) {
      memset(z, 0, (size_t)n->vocabulary * sizeof *z);
      continue;
    }
    if (slopes) logits_cap(z, slopes, n->vocabulary, n->cap);
    if (soft) n->divergences[row] = score_softly(n, row, z, soft);
    n->hard_losses[row] = score_row(n, z, target);
    if (soft && node_records(&n->node)) kernels->add(z, soft, n->vocabulary);
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

static double mean_of(const CrossEntropy *n, const float *losses) {
  double sum = 0;
  for (int64_t r = 0; r < n->rows; r++) sum += (double)losses[r];
  return n->divisor > 0 ? sum / n->divisor : 0;
}

static void give_means(CrossEntropy *n) {
  const double hard = mean_of(n, n->hard_losses), divergence = mean_of(n, n->divergences),
               square = (double)(n->temperature * n->temperature);
  *tensor_f32(n->node.out[0]) = (float)((1 - (double)n->soft) * hard + (double)n->soft * square * divergence);
  if (n->soft == 0) return;
  tensor_f32(n->node.out[1])[0] = (float)hard;
  tensor_f32(n->node.out[1])[1] = (float)divergence;
}

static int64_t workspace_floats(const CrossEntropy *n) {
  return n->block * n->vocabulary * (1 + (n->cap > 0) + (n->soft > 0));
}

static void take_workspace(CrossEntropy *n) {
  float *next = n->node.workspace;
  const int64_t size = n->block * n->vocabulary;
  n->logits = next;
  if (n->cap > 0) n->slopes = next += size;
  if (n->soft > 0) n->soft_slopes = next + size;
}

static void forward(Node *node) {
  CrossEntropy *n = (CrossEntropy *)node;
  take_workspace(n);
  if (n->divisor <= 0) n->divisor = count_scored(n);
  find_gradients(n);
  for (n->first = 0; n->first < n->rows; n->first = n->beyond) {
    n->beyond = n->first + n->block < n->rows ? n->first + n->block : n->rows;
    compute_logits(n);
    parallel_for(n->beyond - n->first, score_rows, n);
    add_gradients(n);
  }
  give_means(n);
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

/* The ids of a row differ. */
static void take_soft(CrossEntropy *n, const SoftTargets *soft) {
  CHECK(tensor_rows(soft->ids) == n->rows && tensor_count(soft->ids) == tensor_count(soft->probabilities));
  CHECK(tensor_columns(soft->ids) <= SOFT_TARGETS_MOST && tensor_columns(soft->ids) <= n->vocabulary);
  CHECK(soft->weight > 0 && soft->weight <= 1 && soft->temperature > 0);
  n->soft = soft->weight;
  n->temperature = soft->temperature;
  node_input(&n->node, soft->ids);
  node_input(&n->node, soft->probabilities);
}

Tensor *op_cross_entropy(Tape *tape, Tensor *h, Tensor *weight, Tensor *bias, Tensor *targets,
                         float smoothing, float cap, double divisor) {
  return op_cross_entropy_softly(tape, h, weight, bias, targets, NULL, smoothing, cap, divisor);
}

Tensor *op_cross_entropy_softly(Tape *tape, Tensor *h, Tensor *weight, Tensor *bias, Tensor *targets,
                                SoftTargets *soft, float smoothing, float cap, double divisor) {
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
  if (soft) take_soft(n, soft);
  node_workspace(&n->node, workspace_floats(n));
  n->hard_losses = node_floats(&n->node, n->rows);
  n->divergences = node_floats(&n->node, n->rows);
  for (int i = 0; i < 3; i++) n->scratch[i] = gradient_scratch(n, i);
  Tensor *loss = node_output(&n->node, 0, NULL), *parts = NULL;
  if (soft) parts = node_output(&n->node, 1, (int64_t[]){2});
  node_run(&n->node, loss);
  if (soft) node_give_constant(parts, &soft->parts);
  return loss;
}

/* The tokens of row r are r, r + 5, r + 10, ..., each half as likely as the one before; unless they are all,
 * those of odd rows have a fifth less. */
static SoftTargets sample_soft(OpSampler *s, int64_t rows, int64_t vocabulary, int64_t count, int which) {
  const int64_t shape[] = {rows, count};
  Tape *tape = sample_tape(s);
  SoftTargets soft = {.ids = tape_tensor(tape, TENSOR_I32, 2, shape),
                      .probabilities = tape_tensor(tape, TENSOR_F32, 2, shape),
                      .weight = which == 7 ? 0.7f : 0.5f,
                      .temperature = which == 6 ? 1 : 2};
  for (int64_t i = 0; soft.ids->data && i < rows * count; i++) {
    const int64_t row = i / count, k = i % count;
    tensor_i32(soft.ids)[i] = (int32_t)((row + 5 * k) % vocabulary);
    tensor_f32(soft.probabilities)[i] = ldexpf(row % 2 && count < vocabulary ? 0.8f : 1, (int)-(k + 1));
  }
  return soft;
}

/* Cases: plain; bias and smoothing; a given divisor; several blocks; no row scored; capped logits; soft
 * targets; these with bias, smoothing and a temperature, in several blocks; of all tokens, with capped logits
 * and a given divisor. Targets below 0 are not scored. */
static void sample(OpSampler *s) {
  const int which = sample_case(s, 9);
  const bool large = sample_large(s), smooth = which == 1 || which == 5 || which == 7,
             capped = which == 5 || which == 8;
  const int64_t rows = large                      ? 2048
                       : which == 3 || which == 7 ? 1500
                                                  : 13,
                width = large ? 384 : 11, vocabulary = large ? 8192 : 23;
  Tensor *h = sample_normal(s, "h", 2, (int64_t[]){rows, width});
  Tensor *weight = sample_normal(s, "weight", 2, (int64_t[]){vocabulary, width});
  Tensor *bias = which == 1 || which == 3 || which == 7 ? sample_normal(s, "bias", 1, &vocabulary) : NULL;
  Tensor *targets = sample_ids(s, "targets", 1, &rows, -2, which == 4 ? 0 : (int32_t)vocabulary);
  SoftTargets soft = {0};
  if (which > 5) soft = sample_soft(s, rows, vocabulary, which == 8 && !large ? vocabulary : 4, which);
  sample_output(
      s, op_cross_entropy_softly(sample_tape(s), h, weight, bias, targets, which > 5 ? &soft : NULL,
                                 smooth ? 0.1f : 0, capped ? 2.5f : 0, which == 2 || which == 8 ? 29 : 0));
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
        "2016).\n"
        "Soft targets: a row's loss is (1-w) times that + w T^2 sum over k of q_k ln(q_k / p_k), p = "
        "softmax(z/T),\n"
        "q the probabilities of a teacher, of some tokens and of all others as one: ids i32 [N,K], q [N,K]\n"
        "(Hinton et al. 2015)",
    .forward = forward,
    .backward = backward,
    .flops = flops,
    .sample = sample,
};
