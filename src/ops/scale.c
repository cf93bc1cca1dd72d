/* scale.c - multiplication by a constant: embeddings by the square root of the width (Vaswani et al.
 * 2017). */
#include "kernels/kernels.h"
#include "ops/loops.h"
#include "ops/sample.h"

typedef struct Scale {
  Node node;
  float factor;
  float *to; /* in backward */
  const float *from;
} Scale;

static void scale_range(void *arg, int64_t begin, int64_t end) {
  const Scale *n = arg;
  kernels->scale(tensor_f32(n->node.out[0]) + begin, n->factor, tensor_f32(n->node.in[0]) + begin,
                 end - begin);
}

static void forward(Node *n) {
  loop_elements(tensor_count(n->out[0]), scale_range, n);
}

static void add_range(void *arg, int64_t begin, int64_t end) {
  const Scale *n = arg;
  kernels->axpy(n->to + begin, n->factor, n->from + begin, end - begin);
}

static void backward(Node *node) {
  Scale *n = (Scale *)node;
  n->to = grad_add(node, node->in[0]);
  n->from = node->out[0]->grad;
  loop_elements(tensor_count(node->in[0]), add_range, n);
}

Tensor *op_scale(Tape *tape, Tensor *x, float factor) {
  Scale *n = node_new(tape, &op_scale_info, sizeof *n);
  n->factor = factor;
  node_input(&n->node, x);
  return node_run(&n->node, node_output(&n->node, x->dims, x->shape));
}

/* Cases: input used once; used twice. */
static void sample(OpSampler *s) {
  const int which = sample_case(s, 2);
  const bool large = sample_large(s);
  const int64_t shape[] = {large ? 4096 : 7, large ? 512 : 31};
  Tensor *x = sample_normal(s, "x", 2, shape), *y = op_scale(sample_tape(s), x, 1.75f);
  sample_output(s, which ? op_add(sample_tape(s), x, y) : y);
}

const Op op_scale_info = {
    .name = "scale",
    .formula = "y = factor x, elementwise",
    .forward = forward,
    .backward = backward,
    .sample = sample,
};
