/* preference.c - the losses of preference tuning on log-probabilities of whole texts: DPO, and KTO. */
#include <math.h>
#include <string.h>

#include "ops/sample.h"

typedef struct Preference {
  Node node; /* in: y */
  int64_t count;
  PreferenceShape shape;
  float *slopes; /* [N]: of the loss by y */
} Preference;

static double logistic(double x) {
  return 1 / (1 + exp(-x));
}

/* ln(1 + exp(x)), also for large x. */
static double softplus(double x) {
  return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
}

static double reward(const Preference *n, int64_t i) {
  return (double)n->shape.scales[i] * ((double)tensor_f32(n->node.in[0])[i] - (double)n->shape.reference[i]);
}

/* Sequences 2i and 2i+1 are what was chosen and rejected. */
static double pair_loss(const Preference *n, int64_t i) {
  const double s = n->shape.smoothing, d = reward(n, 2 * i) - reward(n, 2 * i + 1);
  const double slope = (logistic(d) - 1 + s) / n->shape.divisor;
  n->slopes[2 * i] = (float)(slope * (double)n->shape.scales[2 * i]);
  n->slopes[2 * i + 1] = (float)(-slope * (double)n->shape.scales[2 * i + 1]);
  return (1 - s) * softplus(-d) + s * softplus(d);
}

static double verdict_loss(const Preference *n, int64_t i) {
  const double side = n->shape.verdicts[i] ? 1 : -1, weight = n->shape.weights[n->shape.verdicts[i] != 0],
               value = logistic(side * (reward(n, i) - n->shape.origin));
  n->slopes[i] =
      (float)(-weight * side * value * (1 - value) * (double)n->shape.scales[i] / n->shape.divisor);
  return weight * (1 - value);
}

static void forward(Node *node) {
  const Preference *n = (const Preference *)node;
  double sum = 0;
  if (n->shape.verdicts)
    for (int64_t i = 0; i < n->count; i++) sum += verdict_loss(n, i);
  else
    for (int64_t i = 0; i < n->count / 2; i++) sum += pair_loss(n, i);
  *tensor_f32(node->out[0]) = (float)(sum / n->shape.divisor);
}

static void backward(Node *node) {
  const Preference *n = (const Preference *)node;
  float *to = grad_add(node, node->in[0]);
  for (int64_t i = 0; to && i < n->count; i++) to[i] += *node->out[0]->grad * n->slopes[i];
}

/* Copies an array into the node's memory. */
static const void *kept(Preference *n, const void *data, size_t each) {
  const size_t bytes = (size_t)n->count * each;
  void *copy = data ? node_scratch(&n->node, bytes) : NULL;
  return copy ? memcpy(copy, data, bytes) : NULL;
}

Tensor *op_preference(Tape *tape, Tensor *y, PreferenceShape shape) {
  Preference *n = node_new(tape, &op_preference_info, sizeof *n);
  n->count = tensor_count(y);
  n->shape = shape;
  CHECK(shape.verdicts || n->count % 2 == 0);
  CHECK(shape.divisor > 0);
  node_input(&n->node, y);
  n->shape.scales = kept(n, shape.scales, sizeof *shape.scales);
  n->shape.reference = kept(n, shape.reference, sizeof *shape.reference);
  n->shape.verdicts = kept(n, shape.verdicts, sizeof *shape.verdicts);
  n->slopes = node_floats(&n->node, n->count);
  return node_run(&n->node, node_output(&n->node, 0, NULL));
}

/* Cases: pairs; smoothed, with a scale for each sequence; verdicts. */
static void sample(OpSampler *s) {
  static const float reference[] = {0.5f, -0.25f, 1, -1.5f, 0, 0.75f, -0.5f, 2},
                     same[] = {0.3f, 0.3f, 0.3f, 0.3f, 0.3f, 0.3f, 0.3f, 0.3f},
                     each[] = {0.1f, 0.2f, 0.5f, 0.25f, 1, 0.3f, 0.7f, 0.05f};
  static const int32_t verdicts[] = {1, 0, 0, 1, 1, 0, 1, 0};
  const int which = sample_case(s, 3);
  const PreferenceShape shape = {.scales = which == 1 ? each : same,
                                 .reference = reference,
                                 .smoothing = which == 1 ? 0.1 : 0,
                                 .verdicts = which == 2 ? verdicts : NULL,
                                 .origin = 0.2,
                                 .weights = {0.75, 1.5},
                                 .divisor = which == 2 ? 8 : 4};
  Tensor *y = sample_normal(s, "y", 1, (int64_t[]){8});
  sample_output(s, op_preference(sample_tape(s), y, shape));
}

const Op op_preference_info = {
    .name = "preference",
    .formula =
        "reward r[i] = scale[i] (y[i] - reference[i]); pairs, with d = r[2i] - r[2i+1] and smoothing "
        "s: loss =\n"
        "sum of -(1-s) ln sigmoid(d) - s ln sigmoid(-d), divided by a given divisor (Rafailov et al. "
        "2023); verdicts\n"
        "v: the sum of w[v] (1 - sigmoid(r - origin)) for good ones, of w[v] (1 - sigmoid(origin - "
        "r)) for bad ones\n"
        "(Ethayarajh et al. 2024): y [N] -> loss []",
    .forward = forward,
    .backward = backward,
    .sample = sample,
};
