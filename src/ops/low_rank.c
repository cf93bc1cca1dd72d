/* low_rank.c - what a low-rank adapter adds to the output of a linear layer (LoRA: Hu et al. 2021), in the
 * memory of that output. With h = s x A^T, which is kept, and dh = dy B: dB = dy^T h, dA = s dh^T x, dx = s
 * dh A; the gradient of y passes to the layer unchanged. */
#include "kernels/kernels.h"
#include "ops/gemm.h"
#include "ops/loops.h"
#include "ops/sample.h"

typedef struct LowRank {
  Node node; /* in: y, x, A, B */
  float scale;
  int64_t rows, inputs, outputs, rank;
  float *h; /* [rows,rank] */
} LowRank;

/* Values [rows,rank] of the node. */
typedef struct Inner {
  float *values, scale;
} Inner;

static void scale_range(void *arg, int64_t begin, int64_t end) {
  const Inner *inner = arg;
  kernels->scale(inner->values + begin, inner->scale, inner->values + begin, end - begin);
}

static void scale_inner(const LowRank *n, float *values) {
  loop_elements(n->rows * n->rank, scale_range, &(Inner){values, n->scale});
}

static void forward(Node *node) {
  LowRank *n = (LowRank *)node;
  const Precision precision = tape_precision(node->tape);
  const float *a = tensor_f32(node->in[2]), *b = tensor_f32(node->in[3]);
  if (!n->h) n->h = node->workspace;
  gemm_precise(precision, false, true, n->rows, n->rank, n->inputs, tensor_f32(node->in[1]), n->inputs, a,
               n->inputs, 0, n->h, n->rank);
  scale_inner(n, n->h);
  gemm_precise(precision, false, true, n->rows, n->outputs, n->rank, n->h, n->rank, b, n->rank, 1,
               tensor_f32(node->out[0]), n->outputs);
}

/* Gradients through h. */
static void inner_backward(LowRank *n, const float *dy) {
  Node *node = &n->node;
  const Precision precision = tape_precision(node->tape);
  float beta, *dh = arena_alloc(tape_arena(node->tape), sizeof(float) * (size_t)(n->rows * n->rank));
  gemm_precise(precision, false, false, n->rows, n->rank, n->outputs, dy, n->outputs, tensor_f32(node->in[3]),
               n->rank, 0, dh, n->rank);
  scale_inner(n, dh);
  float *da = grad_beta(node, node->in[2], &beta);
  if (da)
    gemm_precise(precision, true, false, n->rank, n->inputs, n->rows, dh, n->rank, tensor_f32(node->in[1]),
                 n->inputs, beta, da, n->inputs);
  float *dx = grad_beta(node, node->in[1], &beta);
  if (dx)
    gemm_precise(precision, false, false, n->rows, n->inputs, n->rank, dh, n->rank, tensor_f32(node->in[2]),
                 n->inputs, beta, dx, n->inputs);
}

static void backward(Node *node) {
  LowRank *n = (LowRank *)node;
  float *dy = node->out[0]->grad, beta;
  float *db = grad_beta(node, node->in[3], &beta);
  if (db)
    gemm_precise(tape_precision(node->tape), true, false, n->outputs, n->rank, n->rows, dy, n->outputs, n->h,
                 n->rank, beta, db, n->rank);
  if (node->in[1]->wants_grad || node->in[2]->wants_grad) inner_backward(n, dy);
  grad_give(node, node->in[0], dy);
}

static double flops(const Node *node) {
  const LowRank *n = (const LowRank *)node;
  return 2.0 * (double)n->rows * (double)n->rank * (double)(n->inputs + n->outputs);
}

Tensor *op_low_rank(Tape *tape, Tensor *y, Tensor *x, Tensor *a, Tensor *b, float scale) {
  LowRank *n = node_new(tape, &op_low_rank_info, sizeof *n);
  n->scale = scale;
  n->rows = tensor_rows(x);
  n->inputs = tensor_columns(x);
  n->outputs = tensor_columns(y);
  n->rank = tensor_rows(a);
  CHECK(tensor_rows(y) == n->rows && tensor_columns(a) == n->inputs);
  CHECK(tensor_rows(b) == n->outputs && tensor_columns(b) == n->rank);
  node_input(&n->node, y);
  node_input(&n->node, x);
  node_input(&n->node, a);
  node_input(&n->node, b);
  if (node_records(&n->node))
    n->h = node_floats(&n->node, n->rows * n->rank);
  else
    node_workspace(&n->node, n->rows * n->rank);
  node_backward_floats(&n->node, n->rows * n->rank);
  return node_run(&n->node, node_output_over(&n->node, y));
}

/* Cases: plain; x is read by the layer, too. */
static void sample(OpSampler *s) {
  const int which = sample_case(s, 2);
  const bool large = sample_large(s);
  const int64_t in = large ? 576 : 37, out = large ? 1536 : 19, rank = large ? 16 : 5,
                rows = large ? 1024 : 11;
  Tensor *x = sample_normal(s, "x", 2, (int64_t[]){rows, in});
  Tensor *a = sample_normal(s, "a", 2, (int64_t[]){rank, in}),
         *b = sample_normal(s, "b", 2, (int64_t[]){out, rank});
  Tensor *y =
      which ? op_linear(sample_tape(s), x, sample_normal(s, "weight", 2, (int64_t[]){out, in}), NULL, false)
            : sample_normal(s, "y", 2, (int64_t[]){rows, out});
  sample_output(s, op_low_rank(sample_tape(s), y, x, a, b, 0.75f));
}

const Op op_low_rank_info = {
    .name = "low_rank",
    .formula =
        "y + s (x A^T) B^T: y [...,O], x [...,I], A [r,I], B [O,r] -> [...,O], in the memory of y (Hu et al. "
        "2021)",
    .forward = forward,
    .backward = backward,
    .flops = flops,
    .sample = sample,
};
