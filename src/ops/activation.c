/* activation.c - elementwise nonlinearities. Backward multiplies the output's gradient by the slope in
 * place and passes it on. */
#include <math.h>
#include <string.h>

#include "kernels/kernels.h"
#include "ops/loops.h"
#include "ops/sample.h"

typedef struct ActivationNode {
  Node node;
  Activation kind;
} ActivationNode;

/* Phi(x), the standard normal distribution function. */
static float normal_cdf(float x) {
  return 0.5f * (1 + erff(x * 0.70710678f));
}

static void forward_range(void *arg, int64_t begin, int64_t end) {
  const ActivationNode *n = arg;
  const float *x = tensor_f32(n->node.in[0]);
  float *y = tensor_f32(n->node.out[0]);
  switch (n->kind) {
    case ACTIVATION_GELU_TANH:
      kernels->gelu_tanh(y + begin, x + begin, end - begin);
      break;
    case ACTIVATION_GELU:
      for (int64_t i = begin; i < end; i++) y[i] = x[i] * normal_cdf(x[i]);
      break;
    case ACTIVATION_RELU:
      for (int64_t i = begin; i < end; i++) y[i] = x[i] > 0 ? x[i] : 0;
      break;
    case ACTIVATION_RELU_SQUARED:
      for (int64_t i = begin; i < end; i++) y[i] = x[i] > 0 ? x[i] * x[i] : 0;
      break;
    case ACTIVATION_SILU:
      kernels->sigmoid(y + begin, x + begin, end - begin);
      for (int64_t i = begin; i < end; i++) y[i] *= x[i];
      break;
    case ACTIVATION_TANH:
      kernels->tangent(y + begin, x + begin, end - begin);
      break;
    case ACTIVATION_SIGMOID:
      kernels->sigmoid(y + begin, x + begin, end - begin);
      break;
  }
}

static void forward(Node *n) {
  loop_elements(tensor_count(n->in[0]), forward_range, n);
}

/* d: dy, becomes dx. d/dx x Phi(x) = Phi(x) + x phi(x) */
static void gelu_backward(float *d, const float *x, int64_t n) {
  for (int64_t i = 0; i < n; i++) d[i] *= normal_cdf(x[i]) + x[i] * 0.39894228f * expf(-0.5f * x[i] * x[i]);
}

static void relu_backward(float *d, const float *x, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    const float dy = d[i]; /* read unconditionally, so that the compiler can vectorize */
    d[i] = x[i] > 0 ? dy : 0;
  }
}

static void relu_squared_backward(float *d, const float *x, int64_t n) {
  for (int64_t i = 0; i < n; i++) d[i] *= x[i] > 0 ? 2 * x[i] : 0;
}

enum { CHUNK = 256 };

/* d/dx x s(x) = s (1 + x (1 - s)) */
static void silu_backward(float *d, const float *x, int64_t n) {
  float s[CHUNK];
  for (int64_t begin = 0; begin < n; begin += CHUNK) {
    const int64_t count = n - begin < CHUNK ? n - begin : CHUNK;
    kernels->sigmoid(s, x + begin, count);
    for (int64_t i = 0; i < count; i++) d[begin + i] *= s[i] * (1 + x[begin + i] * (1 - s[i]));
  }
}

/* From y = tanh x. */
static void tanh_backward(float *d, const float *y, int64_t n) {
  for (int64_t i = 0; i < n; i++) d[i] *= 1 - y[i] * y[i];
}

/* From y = s(x). */
static void sigmoid_backward(float *d, const float *y, int64_t n) {
  for (int64_t i = 0; i < n; i++) d[i] *= y[i] * (1 - y[i]);
}

static void backward_range(void *arg, int64_t begin, int64_t end) {
  const ActivationNode *n = arg;
  const float *x = tensor_f32(n->node.in[0]) + begin;
  float *d = n->node.out[0]->grad + begin;
  switch (n->kind) {
    case ACTIVATION_GELU_TANH:
      kernels->gelu_tanh_backward(d, x, end - begin);
      break;
    case ACTIVATION_GELU:
      gelu_backward(d, x, end - begin);
      break;
    case ACTIVATION_RELU:
      relu_backward(d, x, end - begin);
      break;
    case ACTIVATION_RELU_SQUARED:
      relu_squared_backward(d, x, end - begin);
      break;
    case ACTIVATION_SILU:
      silu_backward(d, x, end - begin);
      break;
    case ACTIVATION_TANH:
      tanh_backward(d, tensor_f32(n->node.out[0]) + begin, end - begin);
      break;
    case ACTIVATION_SIGMOID:
      sigmoid_backward(d, tensor_f32(n->node.out[0]) + begin, end - begin);
      break;
  }
}

static void backward(Node *n) {
  const Activation kind = ((ActivationNode *)n)->kind;
  if (kind == ACTIVATION_TANH || kind == ACTIVATION_SIGMOID) tape_restore(n->out[0]);
  loop_elements(tensor_count(n->in[0]), backward_range, n);
  grad_give(n, n->in[0], n->out[0]->grad);
}

Tensor *op_activation(Tape *tape, Tensor *x, Activation kind) {
  ActivationNode *n = node_new(tape, &op_activation_info, sizeof *n);
  n->kind = kind;
  node_input(&n->node, x);
  return node_run(&n->node, node_output(&n->node, x->dims, x->shape));
}

/* Cases: one per function. */
static void sample(OpSampler *s) {
  const int which = sample_case(s, 7);
  const bool large = sample_large(s);
  Tensor *x = sample_normal(s, "x", 2, (int64_t[]){large ? 2048 : 9, large ? 2048 : 37});
  sample_output(s, op_activation(sample_tape(s), x, (Activation)which));
}

const Op op_activation_info = {
    .name = "activation",
    .formula =
        "elementwise, one of\n"
        "gelu_tanh: y = x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))\n"
        "gelu: y = x Phi(x), Phi the normal distribution function (Hendrycks & Gimpel 2016)\n"
        "relu: y = max(x, 0)\n"
        "silu: y = x / (1 + exp(-x))\n"
        "tanh: y = tanh(x)\n"
        "relu_squared: y = max(x, 0)^2 (So et al. 2021)\n"
        "sigmoid: y = 1 / (1 + exp(-x))",
    .forward = forward,
    .backward = backward,
    .sample = sample,
    .rematerializable = true,
};
