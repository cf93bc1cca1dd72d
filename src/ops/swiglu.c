/* swiglu.c - the gate of a feed-forward layer (Shazeer 2020). The gradient of `gate` overwrites the
 * output's. */
#include "kernels/kernels.h"
#include "ops/loops.h"
#include "ops/sample.h"

static void forward_range(void *arg, int64_t begin, int64_t end) {
  const Node *n = arg;
  kernels->swiglu(tensor_f32(n->out[0]) + begin, tensor_f32(n->in[0]) + begin, tensor_f32(n->in[1]) + begin,
                  end - begin);
}

static void forward(Node *n) {
  loop_elements(tensor_count(n->out[0]), forward_range, n);
}

typedef struct Slopes {
  const Node *node;
  float *dup; /* NULL: not wanted */
  bool add;   /* accumulate */
} Slopes;

enum { CHUNK = 1024 };

static void backward_range(void *arg, int64_t begin, int64_t end) {
  const Slopes *s = arg;
  const float *gate = tensor_f32(s->node->in[0]), *up = tensor_f32(s->node->in[1]);
  float scratch[CHUNK];
  for (int64_t i = begin; i < end; i += CHUNK) {
    const int64_t count = end - i < CHUNK ? end - i : CHUNK;
    float *dup = s->dup && !s->add ? s->dup + i : scratch;
    kernels->swiglu_backward(s->node->out[0]->grad + i, dup, gate + i, up + i, count);
    if (s->dup && s->add) kernels->add(s->dup + i, scratch, count);
  }
}

static void backward(Node *n) {
  float beta;
  Slopes s = {.node = n, .dup = grad_beta(n, n->in[1], &beta)};
  s.add = beta != 0;
  loop_elements(tensor_count(n->out[0]), backward_range, &s);
  grad_give(n, n->in[0], n->out[0]->grad);
}

Tensor *op_swiglu(Tape *tape, Tensor *gate, Tensor *up) {
  CHECK(tensor_same_shape(gate, up));
  Node *n = node_new(tape, &op_swiglu_info, sizeof *n);
  node_input(n, gate);
  node_input(n, up);
  return node_run(n, node_output(n, gate->dims, gate->shape));
}

static void sample(OpSampler *s) {
  const int64_t shape[] = {sample_large(s) ? 2048 : 9, sample_large(s) ? 1376 : 37};
  Tensor *gate = sample_normal(s, "gate", 2, shape);
  Tensor *up = sample_normal(s, "up", 2, shape);
  sample_output(s, op_swiglu(sample_tape(s), gate, up));
}

const Op op_swiglu_info = {
    .name = "swiglu",
    .formula =
        "y = silu(gate) * up with silu(x) = x / (1 + exp(-x)), elementwise, same shapes (Shazeer 2020)",
    .forward = forward,
    .backward = backward,
    .sample = sample,
    .rematerializable = true,
};
