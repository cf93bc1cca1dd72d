/* route.c - the router of a mixture of experts: which k of E experts a row uses, and with which weights
 * (Shazeer et al. 2017).
 *
 * With p the softmax over all E logits, or over the chosen ones (normalized), and w the chosen p:
 * dlogits = p (g - sum g p), where g is dw of the chosen experts and 0 of others. The choice has no
 * gradient. */
#include <string.h>

#include "kernels/kernels.h"
#include "ops/loops.h"
#include "ops/sample.h"

typedef struct Route {
  Node node; /* in: logits; out: weights */
  Tensor *chosen;
  int64_t experts, each; /* E, k */
  float *shares;         /* p [N,E]; NULL if normalized */
} Route;

static const float *logits_of(const Route *n, int64_t row) {
  return tensor_f32(n->node.in[0]) + row * n->experts;
}
static int32_t *chosen_of(const Route *n, int64_t row) {
  return tensor_i32(n->chosen) + row * n->each;
}

/* Keeps the largest logits so far in descending order. */
static void choose(const Route *n, const float *logits, int32_t *chosen) {
  int64_t count = 0;
  for (int64_t e = 0; e < n->experts; e++) {
    int64_t at = count;
    while (at > 0 && logits[e] > logits[chosen[at - 1]]) at--;
    if (at == n->each) continue;
    if (count < n->each) count++;
    memmove(chosen + at + 1, chosen + at, (size_t)(count - 1 - at) * sizeof *chosen);
    chosen[at] = (int32_t)e;
  }
}

static void softmax(float *shares, const float *logits, float largest, int64_t count) {
  const float total = kernels->exp_shifted(shares, logits, largest, count);
  kernels->scale(shares, 1 / total, shares, count);
}

static void weigh(const Route *n, int64_t row, float *weights) {
  const float *logits = logits_of(n, row);
  const int32_t *chosen = chosen_of(n, row);
  float *shares = n->shares ? n->shares + row * n->experts : NULL;
  if (shares) softmax(shares, logits, logits[chosen[0]], n->experts);
  for (int64_t j = 0; j < n->each; j++) weights[j] = shares ? shares[chosen[j]] : logits[chosen[j]];
  if (!shares) softmax(weights, weights, weights[0], n->each);
}

static void route_rows(void *arg, int64_t begin, int64_t end) {
  const Route *n = arg;
  for (int64_t r = begin; r < end; r++) {
    choose(n, logits_of(n, r), chosen_of(n, r));
    weigh(n, r, tensor_f32(n->node.out[0]) + r * n->each);
  }
}

static void forward(Node *node) {
  parallel_for(tensor_rows(node->in[0]), route_rows, node);
}

static void backward_rows(void *arg, int64_t begin, int64_t end) {
  const Route *n = arg;
  for (int64_t r = begin; r < end; r++) {
    const float *w = tensor_f32(n->node.out[0]) + r * n->each, *dw = n->node.out[0]->grad + r * n->each;
    float *dlogits = n->node.in[0]->grad + r * n->experts;
    const float mean = kernels->dot(w, dw, n->each);
    if (n->shares) kernels->axpy(dlogits, -mean, n->shares + r * n->experts, n->experts);
    for (int64_t j = 0; j < n->each; j++)
      dlogits[chosen_of(n, r)[j]] += w[j] * (dw[j] - (n->shares ? 0 : mean));
  }
}

static void backward(Node *node) {
  grad_add(node, node->in[0]);
  parallel_for(tensor_rows(node->in[0]), backward_rows, node);
}

Routes op_route(Tape *tape, Tensor *logits, int64_t each, bool normalized) {
  CHECK(each > 0 && each <= tensor_columns(logits));
  Route *n = node_new(tape, &op_route_info, sizeof *n);
  node_input(&n->node, logits);
  n->experts = tensor_columns(logits);
  n->each = each;
  int64_t shape[TENSOR_MAX_DIMS];
  memcpy(shape, logits->shape, sizeof shape);
  shape[logits->dims - 1] = each;
  n->chosen = tape_tensor(tape, TENSOR_I32, logits->dims, shape);
  if (!normalized) n->shares = node_floats(&n->node, tensor_count(logits));
  Tensor *weights = node_run(&n->node, node_output(&n->node, logits->dims, shape));
  return (Routes){weights, n->chosen};
}

/* Expert (3 e + r) % E of row r gets e, so that the logits differ by more than the differences that measure
 * gradients: a step never changes the choice. */
static Tensor *distinct_logits(OpSampler *s, int64_t rows, int64_t experts) {
  Tape *tape = sample_tape(s);
  const int64_t shape[] = {rows, experts};
  Tensor *near = op_scale(tape, sample_normal(s, "logits", 2, shape), 0.1f);
  Tensor *far = tape_tensor(tape, TENSOR_F32, 2, shape);
  for (int64_t i = 0; far->data && i < rows * experts; i++)
    tensor_f32(far)[i / experts * experts + (3 * (i % experts) + i / experts) % experts] =
        (float)(i % experts);
  return op_add(tape, near, far);
}

/* Cases: the softmax over all experts, and over the chosen ones. */
static void sample(OpSampler *s) {
  const int which = sample_case(s, 2);
  const bool large = sample_large(s);
  Tensor *logits = distinct_logits(s, large ? 2048 : 5, large ? 128 : 7);
  sample_output(s, op_route(sample_tape(s), logits, large ? 8 : 3, which == 1).weights);
}

const Op op_route_info = {
    .name = "route",
    .formula =
        "w = the k largest of softmax(logits), in descending order; normalized: divided by their sum:\n"
        "logits [...,E] -> w [...,k], and the experts' numbers, i32 [...,k] (Shazeer et al. 2017)",
    .forward = forward,
    .backward = backward,
    .sample = sample,
};
