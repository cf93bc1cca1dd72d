/* dropout.c - dropout (Srivastava et al. 2014). The mask is a function of the tape's seed, the call's stream
 * and the element's index, drawn again in backward. One draw of 64 bits decides four elements, 16 bits each.
 */
#include "base/random.h"
#include "kernels/kernels.h"
#include "ops/loops.h"
#include "ops/sample.h"

enum { LEVELS = 65536, CHUNK = 1024 };

typedef struct Dropout {
  Node node;
  uint64_t key;    /* of the random numbers */
  int32_t dropped; /* of LEVELS */
  float scale;     /* of what is kept */
  float *to;
  const float *from;
  bool add; /* to what is there */
} Dropout;

/* begin is a multiple of CHUNK: loop_elements cuts at whole blocks. */
static void mask_range(void *arg, int64_t begin, int64_t end) {
  const Dropout *n = arg;
  float masked[CHUNK];
  for (int64_t i = begin; i < end; i += CHUNK) {
    const int64_t count = end - i < CHUNK ? end - i : CHUNK;
    float *to = n->add ? masked : n->to + i;
    kernels->dropout(to, n->from + i, n->key, (uint64_t)i, n->dropped, n->scale, count);
    if (n->add) kernels->add(n->to + i, masked, count);
  }
}

static void forward(Node *node) {
  Dropout *n = (Dropout *)node;
  n->to = tensor_f32(node->out[0]);
  n->from = tensor_f32(node->in[0]);
  loop_elements(tensor_count(node->in[0]), mask_range, n);
}

static void backward(Node *node) {
  Dropout *n = (Dropout *)node;
  float beta;
  n->to = grad_beta(node, node->in[0], &beta);
  n->add = beta != 0;
  n->from = node->out[0]->grad;
  loop_elements(tensor_count(node->in[0]), mask_range, n);
}

Tensor *op_dropout(Tape *tape, Tensor *x, float p) {
  CHECK(p >= 0 && p < 1);
  Dropout *n = node_new(tape, &op_dropout_info, sizeof *n);
  n->dropped = (int32_t)(p * LEVELS);
  if (!n->dropped) return x;
  n->scale = (float)LEVELS / (float)(LEVELS - n->dropped);
  n->key = random_mix(random_mix(tape_seed(tape)) ^ tape_stream(tape)); /* as random_bits does */
  node_input(&n->node, x);
  return node_run(&n->node, node_output(&n->node, x->dims, x->shape));
}

/* Cases: two masks of one tensor, which must differ; a probability of 0. */
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
