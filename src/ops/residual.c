/* residual.c - the residual connection (He et al. 2015) with dropout of the branch, in the branch's
 * memory. The gradient passes to both inputs: x takes over the array, the branch gets a masked copy. */
#include <string.h>

#include "ops/loops.h"
#include "ops/mask.h"
#include "ops/sample.h"

typedef struct Residual {
  Node node; /* in: x, change */
  Mask mask;
  float *to; /* in backward */
  bool add;  /* accumulate */
} Residual;

/* begin is a multiple of MASK_CHUNK, since loop_elements cuts at whole blocks. */
static void add_range(void *arg, int64_t begin, int64_t end) {
  const Residual *n = arg;
  float *y = tensor_f32(n->node.out[0]);
  for (int64_t i = begin; i < end; i += MASK_CHUNK) {
    const int64_t count = end - i < MASK_CHUNK ? end - i : MASK_CHUNK;
    if (n->mask.dropped) mask_apply(&n->mask, y + i, y + i, i, count);
    kernels->add(y + i, tensor_f32(n->node.in[0]) + i, count);
  }
}

static void forward(Node *n) {
  loop_elements(tensor_count(n->out[0]), add_range, n);
}

static void copy_range(void *arg, int64_t begin, int64_t end) {
  const Residual *n = arg;
  const float *dy = n->node.out[0]->grad;
  float masked[MASK_CHUNK];
  for (int64_t i = begin; i < end; i += MASK_CHUNK) {
    const int64_t count = end - i < MASK_CHUNK ? end - i : MASK_CHUNK;
    float *to = n->add ? masked : n->to + i;
    if (n->mask.dropped)
      mask_apply(&n->mask, to, dy + i, i, count);
    else
      memcpy(to, dy + i, (size_t)count * sizeof *to);
    if (n->add) kernels->add(n->to + i, masked, count);
  }
}

static void backward(Node *node) {
  Residual *n = (Residual *)node;
  float beta;
  n->to = grad_beta(node, node->in[1], &beta);
  n->add = beta != 0;
  if (n->to) loop_elements(tensor_count(node->in[1]), copy_range, n);
  grad_give(node, node->in[0], node->out[0]->grad);
}

Tensor *op_residual(Tape *tape, Tensor *x, Tensor *change, float dropout) {
  CHECK(tensor_same_shape(x, change) && x != change);
  Residual *n = node_new(tape, &op_residual_info, sizeof *n);
  n->mask = mask_new(tape, dropout);
  node_input(&n->node, x);
  node_input(&n->node, change);
  return node_run(&n->node, node_output_over(&n->node, change));
}

/* Cases: without dropout; with dropout; x used twice. */
static void sample(OpSampler *s) {
  const int which = sample_case(s, 3);
  const bool large = sample_large(s);
  Tape *tape = sample_tape(s);
  const int64_t shape[] = {large ? 4096 : 7, large ? 512 : 31};
  Tensor *x = sample_normal(s, "x", 2, shape), *change = sample_normal(s, "change", 2, shape);
  Tensor *y = op_residual(tape, x, change, which == 1 ? 0.3f : 0);
  sample_output(s, which == 2 ? op_residual(tape, x, y, 0.2f) : y);
}

const Op op_residual_info = {
    .name = "residual",
    .formula =
        "y = x + dropout(change), elementwise, same shapes; y takes the memory of change\n"
        "(He et al. 2015; Srivastava et al. 2014)",
    .forward = forward,
    .backward = backward,
    .sample = sample,
};
