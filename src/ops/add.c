/* add.c - elementwise sum. The gradient passes to both inputs unchanged: one takes over the array, the
 * other gets a copy. */
#include <string.h>

#include "kernels/kernels.h"
#include "ops/loops.h"
#include "ops/sample.h"

static void add_range(void *arg, int64_t begin, int64_t end) {
  const Node *n = arg;
  const float *a = tensor_f32(n->in[0]), *b = tensor_f32(n->in[1]);
  float *y = tensor_f32(n->out[0]);
  for (int64_t i = begin; i < end; i++) y[i] = a[i] + b[i];
}

static void forward(Node *n) {
  loop_elements(tensor_count(n->out[0]), add_range, n);
}

typedef struct GradientCopy {
  float *to;
  const float *from;
  float beta;
} GradientCopy;

static void copy_range(void *arg, int64_t begin, int64_t end) {
  const GradientCopy *p = arg;
  if (p->beta == 0)
    memcpy(p->to + begin, p->from + begin, (size_t)(end - begin) * sizeof(float));
  else
    kernels->add(p->to + begin, p->from + begin, end - begin);
}

static void backward(Node *n) {
  GradientCopy p = {.from = n->out[0]->grad};
  p.to = grad_beta(n, n->in[1], &p.beta);
  if (p.to) loop_elements(tensor_count(n->in[1]), copy_range, &p);
  grad_give(n, n->in[0], n->out[0]->grad);
}

Tensor *op_add(Tape *tape, Tensor *a, Tensor *b) {
  CHECK(tensor_same_shape(a, b));
  Node *n = node_new(tape, &op_add_info, sizeof *n);
  node_input(n, a);
  node_input(n, b);
  return node_run(n, node_output(n, a->dims, a->shape));
}

/* Cases: two inputs; one input twice; a sum that is used twice. */
static void sample(OpSampler *s) {
  const int which = sample_case(s, 3);
  const bool large = sample_large(s);
  const int64_t shape[] = {large ? 4096 : 7, large ? 512 : 31};
  Tensor *a = sample_normal(s, "a", 2, shape);
  Tensor *b = which == 1 ? a : sample_normal(s, "b", 2, shape);
  Tensor *sum = op_add(sample_tape(s), a, b);
  if (which == 2) sum = op_add(sample_tape(s), op_activation(sample_tape(s), sum, ACTIVATION_SILU), sum);
  sample_output(s, sum);
}

const Op op_add_info = {
    .name = "add",
    .formula = "y = a + b, elementwise, same shapes",
    .forward = forward,
    .backward = backward,
    .sample = sample,
};
