/* log_likelihood.c - the log-probability of each sequence's targets, for losses that compare whole texts.
 *
 * Only rows with a target get logits, in blocks (logits.h); a prompt costs nothing here. The gradient of a
 * sequence is known once all of them are summed, so that backward computes the logits a second time: with
 * p = softmax(z), dz = dy (onehot(target) - p), times 1 - (z/c)^2 if logits have a cap c. */
#include <math.h>
#include <string.h>

#include "ops/gemm.h"
#include "ops/logits.h"
#include "ops/loops.h"
#include "ops/sample.h"

typedef struct LogLikelihood {
  Node node; /* in: h, weight, bias, targets */
  int64_t rows, time, width, vocabulary, block;
  float cap;
  float *scores;         /* [N]: of each row; 0 without a target */
  int64_t *scored;       /* [N]: the rows with a target, in order */
  int64_t count;         /* of these */
  float *h, *z, *slopes; /* of a block: gathered rows [block,D], logits [block,V]; slopes NULL: no gradient */
  int64_t first, beyond; /* scored rows of the current block */
} LogLikelihood;

static int32_t target_of(const LogLikelihood *n, int64_t row) {
  const int32_t target = tensor_i32(n->node.in[3])[row];
  CHECK(target < n->vocabulary);
  return target;
}

static int64_t buffer_floats(const LogLikelihood *n) {
  return n->block * (n->width + n->vocabulary * (n->cap > 0 ? 2 : 1));
}

static void take_buffers(LogLikelihood *n, float *memory, bool slopes) {
  n->h = memory;
  n->z = n->h + n->block * n->width;
  n->slopes = slopes && n->cap > 0 ? n->z + n->block * n->vocabulary : NULL;
}

/* The next block's rows of h and their logits; false: there are no more. */
static bool next_block(LogLikelihood *n) {
  const Tensor *weight = n->node.in[1], *bias = n->node.in[2];
  const size_t row = (size_t)n->width * sizeof(float);
  n->first = n->beyond;
  n->beyond = n->first + n->block < n->count ? n->first + n->block : n->count;
  if (n->first == n->count) return false;
  for (int64_t i = n->first; i < n->beyond; i++)
    memcpy(n->h + (i - n->first) * n->width, tensor_f32(n->node.in[0]) + n->scored[i] * n->width, row);
  gemm_weight(tape_precision(n->node.tape), tape_packed_weights(n->node.tape), true, n->beyond - n->first,
              n->h, weight, bias ? tensor_f32(bias) : NULL, n->z);
  return true;
}

/* Returns ln softmax(z)[target] and replaces z by exp(z - top); *total: their sum. */
static float score_row(const LogLikelihood *n, float *z, float *slopes, int32_t target, float *total) {
  if (n->cap > 0) logits_cap(z, slopes, n->vocabulary, n->cap);
  const float wanted = z[target], top = kernels->maximum(z, n->vocabulary);
  *total = kernels->exp_shifted(z, z, top, n->vocabulary);
  return wanted - top - logf(*total);
}

static void score_rows(void *arg, int64_t begin, int64_t end) {
  const LogLikelihood *n = arg;
  for (int64_t r = begin; r < end; r++) {
    const int64_t row = n->scored[n->first + r];
    float total;
    n->scores[row] = score_row(n, n->z + r * n->vocabulary, NULL, target_of(n, row), &total);
  }
}

static void find_scored(LogLikelihood *n) {
  n->count = n->beyond = 0;
  for (int64_t r = 0; r < n->rows; r++)
    if (target_of(n, r) >= 0) n->scored[n->count++] = r;
}

static void forward(Node *node) {
  LogLikelihood *n = (LogLikelihood *)node;
  find_scored(n);
  take_buffers(n, node->workspace, false);
  memset(n->scores, 0, (size_t)n->rows * sizeof *n->scores);
  while (next_block(n)) parallel_for(n->beyond - n->first, score_rows, n);
  for (int64_t b = 0; b < n->rows / n->time; b++) {
    double sum = 0;
    for (int64_t t = 0; t < n->time; t++) sum += (double)n->scores[b * n->time + t];
    tensor_f32(node->out[0])[b] = (float)sum;
  }
}

static void slope_rows(void *arg, int64_t begin, int64_t end) {
  const LogLikelihood *n = arg;
  for (int64_t r = begin; r < end; r++) {
    const int64_t row = n->scored[n->first + r];
    const int32_t target = target_of(n, row);
    float *z = n->z + r * n->vocabulary, *slopes = n->slopes ? n->slopes + r * n->vocabulary : NULL, total;
    const float change = n->node.out[0]->grad[row / n->time];
    score_row(n, z, slopes, target, &total);
    kernels->scale(z, -change / total, z, n->vocabulary);
    z[target] += change;
    for (int64_t j = 0; slopes && j < n->vocabulary; j++) z[j] *= slopes[j];
  }
}

/* Takes the memory of the gathered rows, which is why it comes last. */
static void add_to_input(LogLikelihood *n, float *dh) {
  gemm_stored(tape_precision(n->node.tape), n->beyond - n->first, n->vocabulary, n->z, n->vocabulary,
              stored_weight(n->node.in[1], false), 0, n->h, n->width);
  for (int64_t i = n->first; i < n->beyond; i++)
    kernels->add(dh + n->scored[i] * n->width, n->h + (i - n->first) * n->width, n->width);
}

static void backward(Node *node) {
  LogLikelihood *n = (LogLikelihood *)node;
  float beta, *dh = grad_add(node, node->in[0]), *dw = grad_beta(node, node->in[1], &beta),
              *db = grad_add(node, node->in[2]);
  take_buffers(n, arena_alloc(tape_arena(node->tape), (size_t)buffer_floats(n) * sizeof(float)), true);
  if (dw && beta == 0 && !n->count) memset(dw, 0, tensor_bytes(node->in[1]));
  for (n->beyond = 0; next_block(n); beta = 1) {
    const int64_t rows = n->beyond - n->first;
    parallel_for(rows, slope_rows, n);
    if (dw)
      gemm_precise(tape_precision(node->tape), true, false, n->vocabulary, n->width, rows, n->z,
                   n->vocabulary, n->h, n->width, beta, dw, n->width);
    if (db) loop_sum_rows(db, n->z, rows, n->vocabulary);
    if (dh) add_to_input(n, dh);
  }
}

static double flops(const Node *node) {
  const LogLikelihood *n = (const LogLikelihood *)node;
  return 2.0 * (double)n->rows * (double)n->width * (double)n->vocabulary;
}

Tensor *op_log_likelihood(Tape *tape, Tensor *h, Tensor *weight, Tensor *bias, Tensor *targets, float cap) {
  LogLikelihood *n = node_new(tape, &op_log_likelihood_info, sizeof *n);
  n->rows = tensor_rows(h);
  n->time = tensor_columns(targets);
  n->width = tensor_columns(h);
  n->vocabulary = tensor_rows(weight);
  CHECK(tensor_columns(weight) == n->width && tensor_count(targets) == n->rows);
  CHECK(!bias || tensor_count(bias) == n->vocabulary);
  n->cap = cap;
  n->block = logits_block(n->rows, n->vocabulary);
  node_input(&n->node, h);
  node_input(&n->node, weight);
  node_input(&n->node, bias);
  node_input(&n->node, targets);
  node_workspace(&n->node, buffer_floats(n));
  node_backward_floats(&n->node, buffer_floats(n));
  n->scores = node_floats(&n->node, n->rows);
  n->scored = node_scratch(&n->node, (size_t)n->rows * sizeof *n->scored);
  return node_run(&n->node, node_output(&n->node, 1, (int64_t[]){n->rows / n->time}));
}

/* Cases: plain; bias; several blocks; no row scored; capped logits. Targets below 0 are not scored. */
static void sample(OpSampler *s) {
  const int which = sample_case(s, 5);
  const bool large = sample_large(s);
  const int64_t sequences = large        ? 8
                            : which == 2 ? 6
                                         : 3,
                time = large        ? 256
                       : which == 2 ? 250
                                    : 5,
                width = large ? 384 : 11, vocabulary = large ? 8192 : 23;
  Tensor *h = sample_normal(s, "h", 3, (int64_t[]){sequences, time, width});
  Tensor *weight = sample_normal(s, "weight", 2, (int64_t[]){vocabulary, width});
  Tensor *bias = which == 1 || which == 2 ? sample_normal(s, "bias", 1, &vocabulary) : NULL;
  Tensor *targets =
      sample_ids(s, "targets", 2, (int64_t[]){sequences, time}, -9, which == 3 ? 0 : (int32_t)vocabulary);
  sample_output(s, op_log_likelihood(sample_tape(s), h, weight, bias, targets, which == 4 ? 2.5f : 0));
}

const Op op_log_likelihood_info = {
    .name = "log_likelihood",
    .formula =
        "z = h W^T + b, with a cap c: c tanh(z/c), y[s] = sum over the tokens t of sequence s whose target\n"
        "is not negative of ln softmax(z[s,t])[target[s,t]]: h [B,T,D], W [V,D], b [V] optional, targets\n"
        "i32 [B,T] -> y [B]",
    .forward = forward,
    .backward = backward,
    .flops = flops,
    .sample = sample,
};
