/* experts.c - a mixture of experts: each row goes through the gated feed-forward networks of the k experts
 * that op_route chose.
 *
 * A slot is a row's j-th choice, row * k + j. Slots are sorted by expert, so that an expert's products are
 * over all its rows at once; a row's k results are then added in the order of its slots. The number of slots
 * does not depend on the choice, and so neither does memory.
 *
 * Per slot, with g = gate x, u = up x, h = silu(g) u, y = sum w down h, and dy of the slot's row:
 * dh = down^T dy,  dw = dh . h,  ddown = w dy h^T,  dg, du: swiglu's of w dh,
 * dgate = dg x^T,  dup = du x^T,  dx = gate^T dg + up^T du. */
#include <string.h>

#include "kernels/kernels.h"
#include "ops/gemm.h"
#include "ops/loops.h"
#include "ops/sample.h"

enum { X, WEIGHTS, CHOSEN, MATRICES }; /* inputs; from MATRICES on, those of each expert: */
enum { GATE, UP, DOWN, MATRICES_EACH };

typedef struct Experts {
  Node node;
  int64_t experts, each, slots, width, inner; /* E, k, N k, D, F */
  int32_t *begin;                             /* [E+1]: position of an expert's first slot */
  int32_t *slot, *position;                   /* [N k]: the slot at a position, the position of a slot */
  float *gates, *ups;                         /* g, u [N k, F], by position */
  float *rows, *hidden;                       /* x and y [N k, D], h [N k, F], by position */
  float *drows, *dhidden, *dups;              /* backward: dy [N k, D], dh and du [N k, F] */
} Experts;

static Tensor *matrix(const Experts *n, int64_t expert, int which) {
  return n->node.in[MATRICES + expert * MATRICES_EACH + which];
}

/* An expert's rows: a range of positions. */
typedef struct Share {
  int64_t expert, first, count;
} Share;

static Share share_of(const Experts *n, int64_t expert) {
  return (Share){expert, n->begin[expert], n->begin[expert + 1] - n->begin[expert]};
}

/* A counting sort, which keeps the order of slots within an expert. */
static void sort_slots(Experts *n) {
  const int32_t *chosen = tensor_i32(n->node.in[CHOSEN]);
  int32_t *next = n->begin + 1; /* of the previous expert; in the end the first of the next one */
  memset(n->begin, 0, (size_t)(n->experts + 2) * sizeof *n->begin);
  for (int64_t s = 0; s < n->slots; s++) {
    CHECK(chosen[s] >= 0 && chosen[s] < n->experts);
    next[chosen[s] + 1]++;
  }
  for (int64_t e = 0; e < n->experts; e++) next[e + 1] += next[e];
  for (int64_t s = 0; s < n->slots; s++) {
    n->position[s] = next[chosen[s]]++;
    n->slot[n->position[s]] = (int32_t)s;
  }
}

/* ---- between rows and positions ---- */

typedef struct Gather {
  const Experts *n;
  float *to;
  const float *from;
} Gather;

static void gather_range(void *arg, int64_t begin, int64_t end) {
  const Gather *g = arg;
  const int64_t width = g->n->width;
  for (int64_t p = begin; p < end; p++)
    memcpy(g->to + p * width, g->from + g->n->slot[p] / g->n->each * width, (size_t)width * sizeof *g->to);
}

/* to [N k, D]: the row of each position. */
static void gather(const Experts *n, float *to, const float *from) {
  parallel_for(n->slots, gather_range, &(Gather){n, to, from});
}

static void combine_rows(void *arg, int64_t begin, int64_t end) {
  const Experts *n = arg;
  const float *weights = tensor_f32(n->node.in[WEIGHTS]);
  for (int64_t r = begin; r < end; r++) {
    float *y = tensor_f32(n->node.out[0]) + r * n->width;
    memset(y, 0, (size_t)n->width * sizeof *y);
    for (int64_t s = r * n->each; s < (r + 1) * n->each; s++)
      kernels->axpy(y, weights[s], n->rows + n->position[s] * n->width, n->width);
  }
}

static void add_gradients(void *arg, int64_t begin, int64_t end) {
  const Experts *n = arg;
  for (int64_t r = begin; r < end; r++)
    for (int64_t s = r * n->each; s < (r + 1) * n->each; s++)
      kernels->add(n->node.in[X]->grad + r * n->width, n->rows + n->position[s] * n->width, n->width);
}

/* ---- forward ---- */

static void activate_range(void *arg, int64_t begin, int64_t end) {
  const Experts *n = arg;
  kernels->swiglu(n->hidden + begin, n->gates + begin, n->ups + begin, end - begin);
}

static void activate(Experts *n) {
  loop_elements(n->slots * n->inner, activate_range, n);
}

/* out = in W^T, for the expert's rows. */
static void multiply(const Experts *n, Share s, int which, const float *in, float *out) {
  const Tensor *weight = matrix(n, s.expert, which);
  const Tape *tape = n->node.tape;
  if (s.count)
    gemm_weight(tape_precision(tape), tape_packed_weights((Tape *)tape), true, s.count,
                in + s.first * weight->shape[1], weight, NULL, out + s.first * weight->shape[0]);
}

static void forward(Node *node) {
  Experts *n = (Experts *)node;
  n->rows = node->workspace;
  n->hidden = n->rows + n->slots * n->width;
  sort_slots(n);
  gather(n, n->rows, tensor_f32(node->in[X]));
  for (int64_t e = 0; e < n->experts; e++) {
    multiply(n, share_of(n, e), GATE, n->rows, n->gates);
    multiply(n, share_of(n, e), UP, n->rows, n->ups);
  }
  activate(n);
  for (int64_t e = 0; e < n->experts; e++) multiply(n, share_of(n, e), DOWN, n->hidden, n->rows);
  parallel_for(n->slots / n->each, combine_rows, n);
}

/* ---- backward ---- */

/* out = beta out + in W, for the expert's rows. */
static void multiply_back(const Experts *n, Share s, int which, const float *in, float beta, float *out) {
  const Tensor *weight = matrix(n, s.expert, which);
  const int64_t k = weight->shape[0], columns = weight->shape[1];
  if (s.count)
    gemm_stored(tape_precision(n->node.tape), s.count, k, in + s.first * k, k, stored_weight(weight, false),
                beta, out + s.first * columns, columns);
}

/* dW += dout^T in, over the expert's rows; of an expert without rows it is 0. */
static void matrix_backward(Experts *n, Share s, int which, const float *dout, const float *in) {
  Tensor *weight = matrix(n, s.expert, which);
  const int64_t out = weight->shape[0], columns = weight->shape[1];
  float beta, *dw = s.count ? grad_beta(&n->node, weight, &beta) : grad_add(&n->node, weight);
  if (dw && s.count)
    gemm_precise(tape_precision(n->node.tape), true, false, out, columns, s.count, dout + s.first * out, out,
                 in + s.first * columns, columns, beta, dw, columns);
}

/* dw, and then h and dh times w: ddown = (w h) dy^T, and dg and du are those of w dh. */
static void weigh_positions(void *arg, int64_t begin, int64_t end) {
  const Experts *n = arg;
  for (int64_t p = begin; p < end; p++) {
    const float weight = tensor_f32(n->node.in[WEIGHTS])[n->slot[p]];
    float *h = n->hidden + p * n->inner, *dh = n->dhidden + p * n->inner;
    float *dweights = n->node.in[WEIGHTS]->wants_grad ? n->node.in[WEIGHTS]->grad : NULL;
    if (dweights) dweights[n->slot[p]] += kernels->dot(dh, h, n->inner);
    kernels->scale(h, weight, h, n->inner);
    kernels->scale(dh, weight, dh, n->inner);
  }
}

static void activate_backward(void *arg, int64_t begin, int64_t end) {
  const Experts *n = arg;
  kernels->swiglu_backward(n->dhidden + begin, n->dups + begin, n->gates + begin, n->ups + begin,
                           end - begin);
}

/* The rows x of the expert become dx. */
static void inner_backward(Experts *n, Share s) {
  matrix_backward(n, s, GATE, n->dhidden, n->rows);
  matrix_backward(n, s, UP, n->dups, n->rows);
  if (!n->node.in[X]->wants_grad) return;
  multiply_back(n, s, GATE, n->dhidden, 0, n->rows);
  multiply_back(n, s, UP, n->dups, 1, n->rows);
}

static int64_t backward_floats(const Experts *n) {
  return n->slots * (2 * n->width + 3 * n->inner);
}

static void take_backward_floats(Experts *n) {
  float *at = arena_alloc(tape_arena(n->node.tape), (size_t)backward_floats(n) * sizeof *at);
  n->rows = at;
  n->drows = n->rows + n->slots * n->width;
  n->hidden = n->drows + n->slots * n->width;
  n->dhidden = n->hidden + n->slots * n->inner;
  n->dups = n->dhidden + n->slots * n->inner;
}

static void backward(Node *node) {
  Experts *n = (Experts *)node;
  take_backward_floats(n);
  grad_add(node, node->in[WEIGHTS]);
  gather(n, n->rows, tensor_f32(node->in[X]));
  gather(n, n->drows, node->out[0]->grad);
  for (int64_t e = 0; e < n->experts; e++) multiply_back(n, share_of(n, e), DOWN, n->drows, 0, n->dhidden);
  activate(n);
  parallel_for(n->slots, weigh_positions, n);
  for (int64_t e = 0; e < n->experts; e++) matrix_backward(n, share_of(n, e), DOWN, n->drows, n->hidden);
  loop_elements(n->slots * n->inner, activate_backward, n);
  for (int64_t e = 0; e < n->experts; e++) inner_backward(n, share_of(n, e));
  if (grad_add(node, node->in[X])) parallel_for(n->slots / n->each, add_gradients, n);
}

/* ---- the operator ---- */

static double flops(const Node *node) {
  const Experts *n = (const Experts *)node;
  return 6.0 * (double)n->slots * (double)n->width * (double)n->inner;
}

static void add_expert(Experts *n, Expert e) {
  CHECK(e.gate->dims == 2 && e.up->dims == 2 && e.down->dims == 2);
  CHECK(e.gate->shape[0] == n->inner && e.gate->shape[1] == n->width);
  CHECK(e.up->shape[0] == n->inner && e.up->shape[1] == n->width);
  CHECK(e.down->shape[0] == n->width && e.down->shape[1] == n->inner);
  node_input(&n->node, e.gate);
  node_input(&n->node, e.up);
  node_input(&n->node, e.down);
}

Tensor *op_experts(Tape *tape, Tensor *x, Routes routes, const Expert *experts, int64_t count) {
  CHECK(tensor_same_shape(routes.weights, routes.chosen) && tensor_rows(routes.weights) == tensor_rows(x) &&
        routes.chosen->type == TENSOR_I32 && count > 0);
  Experts *n = node_new(tape, &op_experts_info, sizeof *n);
  n->experts = count;
  n->each = tensor_columns(routes.weights);
  n->slots = tensor_count(routes.weights);
  n->width = tensor_columns(x);
  n->inner = experts->gate->shape[0];
  CHECK(n->slots < INT32_MAX);
  node_input(&n->node, x);
  node_input(&n->node, routes.weights);
  node_input(&n->node, routes.chosen);
  for (int64_t e = 0; e < count; e++) add_expert(n, experts[e]);
  n->begin = node_scratch(&n->node, (size_t)(count + 2) * sizeof *n->begin);
  n->slot = node_scratch(&n->node, (size_t)n->slots * sizeof *n->slot);
  n->position = node_scratch(&n->node, (size_t)n->slots * sizeof *n->position);
  n->gates = node_floats(&n->node, n->slots * n->inner);
  n->ups = node_floats(&n->node, n->slots * n->inner);
  node_workspace(&n->node, n->slots * (n->width + n->inner));
  node_backward_floats(&n->node, backward_floats(n));
  return node_run(&n->node, node_output(&n->node, x->dims, x->shape));
}

/* Cases: any experts; the last one has no rows; one expert per row. */
static void sample(OpSampler *s) {
  static const char *const names[][MATRICES_EACH] = {
      {"gate0", "up0", "down0"}, {"gate1", "up1", "down1"}, {"gate2", "up2", "down2"}};
  enum { EXPERTS = 3 };
  const int which = sample_case(s, 3);
  const bool large = sample_large(s);
  const int64_t sequences = large ? 8 : 2, time = large ? 256 : 5, width = large ? 512 : 13,
                inner = large ? 1376 : 11, each = which == 2 ? 1 : 2;
  Tensor *x = sample_normal(s, "x", 3, (int64_t[]){sequences, time, width});
  Tensor *weights = sample_normal(s, "weights", 3, (int64_t[]){sequences, time, each});
  Tensor *chosen =
      sample_ids(s, "chosen", 3, (int64_t[]){sequences, time, each}, 0, which == 1 ? EXPERTS - 1 : EXPERTS);
  Expert experts[EXPERTS];
  for (int e = 0; e < EXPERTS; e++)
    experts[e] = (Expert){sample_normal(s, names[e][GATE], 2, (int64_t[]){inner, width}),
                          sample_normal(s, names[e][UP], 2, (int64_t[]){inner, width}),
                          sample_normal(s, names[e][DOWN], 2, (int64_t[]){width, inner})};
  sample_output(s, op_experts(sample_tape(s), x, (Routes){weights, chosen}, experts, EXPERTS));
}

const Op op_experts_info = {
    .name = "experts",
    .formula =
        "y = sum over a row's k experts e of w_e down_e (silu(gate_e x) * up_e x): x [...,D], w and chosen\n"
        "(i32) [...,k], of each expert gate and up [F,D], down [D,F] -> y [...,D] (Shazeer et al. 2017; "
        "Jiang\n"
        "et al. 2024)",
    .forward = forward,
    .backward = backward,
    .flops = flops,
    .sample = sample,
};
