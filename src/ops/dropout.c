/* dropout.c - dropout (Srivastava et al. 2014). Backward masks the output's gradient in place and passes
 * it on. */
#include "ops/loops.h"
#include "ops/mask.h"
#include "ops/sample.h"

typedef struct Dropout {
  Node node;
  Mask mask;
  float *to;
  const float *from;
} Dropout;

static void mask_range(void *arg, int64_t begin, int64_t end) {
  const Dropout *n = arg;
  mask_apply(&n->mask, n->to + begin, n->from + begin, begin, end - begin);
}

static void forward(Node *node) {
  Dropout *n = (Dropout *)node;
  n->to = tensor_f32(node->out[0]);
  n->from = tensor_f32(node->in[0]);
  loop_elements(tensor_count(node->in[0]), mask_range, n);
}

static void backward(Node *node) {
  Dropout *n = (Dropout *)node;
  n->to = node->out[0]->grad;
  n->from = n->to;
  loop_elements(tensor_count(node->in[0]), mask_range, n);
  grad_give(node, node->in[0], n->to);
}

Tensor *op_dropout(Tape *tape, Tensor *x, float p) {
  const Mask mask = mask_new(tape, p);
  if (!mask.dropped) return x;
  Dropout *n = node_new(tape, &op_dropout_info, sizeof *n);
  n->mask = mask;
  node_input(&n->node, x);
  return node_run(&n->node, node_output(&n->node, x->dims, x->shape));
}

/* Cases: two masks of one tensor, which must differ; probability 0. */
static void sample(OpSampler *s) {
  const int which = sample_case(s, 2);
  const bool large = sample_large(s);
  Tape *tape = sample_tape(s);
  Tensor *x = sample_normal(s, "x", 2, (int64_t[]){large ? 4096 : 13, large ? 512 : 7});
  if (large || which == 1)
    sample_output(s, op_add(tape, x, op_dropout(tape, x, which ? 0 : 0.1f)));
  else
    sample_output(s, op_add(tape, op_dropout(tape, x, 0.3f), op_dropout(tape, x, 0.3f)));
}

const Op op_dropout_info = {
    .name = "dropout",
    .formula =
        "y = 0 with probability p, else x / (1 - p), elementwise; p in steps of 1/65536 (Srivastava et al. "
        "2014)",
    .forward = forward,
    .backward = backward,
    .sample = sample,
};
