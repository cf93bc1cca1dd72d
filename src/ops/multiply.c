/* multiply.c - elementwise product, for gated feed-forward layers with a gate other than SiLU (swiglu.c). */
#include "kernels/kernels.h"
#include "ops/loops.h"
#include "ops/sample.h"

typedef struct Product {
  const float *a, *b;
  float *to;
  bool add; /* accumulate */
} Product;

static void multiply_range(void *arg, int64_t begin, int64_t end) {
  const Product *p = arg;
  if (p->add)
    kernels->multiply_add(p->to + begin, p->a + begin, p->b + begin, end - begin);
  else
    for (int64_t i = begin; i < end; i++) p->to[i] = p->a[i] * p->b[i];
}

static void forward(Node *n) {
  Product p = {tensor_f32(n->in[0]), tensor_f32(n->in[1]), tensor_f32(n->out[0]), false};
  loop_elements(tensor_count(n->out[0]), multiply_range, &p);
}

static void backward(Node *n) {
  for (int i = 0; i < 2; i++) {
    float beta;
    Product p = {n->out[0]->grad, tensor_f32(n->in[1 - i]), grad_beta(n, n->in[i], &beta), false};
    p.add = beta != 0;
    if (p.to) loop_elements(tensor_count(n->out[0]), multiply_range, &p);
  }
}

Tensor *op_multiply(Tape *tape, Tensor *a, Tensor *b) {
  CHECK(tensor_same_shape(a, b));
  Node *n = node_new(tape, &op_multiply_info, sizeof *n);
  node_input(n, a);
  node_input(n, b);
  return node_run(n, node_output(n, a->dims, a->shape));
}

/* Cases: two tensors; a square. */
static void sample(OpSampler *s) {
  const int64_t shape[] = {sample_large(s) ? 2048 : 9, sample_large(s) ? 1376 : 37};
  const int which = sample_case(s, 2);
  Tensor *a = sample_normal(s, "a", 2, shape);
  sample_output(s, op_multiply(sample_tape(s), a, which ? a : sample_normal(s, "b", 2, shape)));
}

const Op op_multiply_info = {
    .name = "multiply",
    .formula = "y = a b, elementwise, same shapes",
    .forward = forward,
    .backward = backward,
    .sample = sample,
    .rematerializable = true,
};
