/* additive_attention.c - attention with scores from a small network, e[t,s] = w . tanh(q[t] + k[s]) (Bahdanau
 * et al. 2015). The tanh of all pairs, T x S x A values, is never stored: backward recomputes it.
 *
 * With P = softmax(e), y = P v and u = tanh(q[t] + k[s]):
 * dv = P^T dy,  de = P (dy v^T - rowsum(dy y)),  dw = sum de u,  g = de w (1 - u^2),
 * dq[t] = sum over s of g,  dk[s] = sum over t of g. */
#include <string.h>

#include "kernels/kernels.h"
#include "ops/loops.h"
#include "ops/sample.h"

enum { QUERY, KEY, VALUE, WEIGHT, LENGTHS, MEMORY }; /* inputs */

typedef struct AdditiveAttention {
  Node node;
  int64_t sequences, rows, keys, size, width; /* B, T, S, A, D */
  float *shares;                              /* P [B,T,S] */
  float *scratch;                             /* per worker: a tanh, and the gradients of a row's scores */
  float *dq, *dk, *dv, *dw;                   /* dw [B,A]: per sequence */
} AdditiveAttention;

/* One query row: its keys and values, and how many of them it sees. */
typedef struct Row {
  const float *query, *key, *value;
  float *shares;
  int64_t seen;
} Row;

static int64_t element_or(const Tensor *t, int64_t index, int64_t fallback) {
  return t && t->data ? tensor_i32(t)[index] : fallback;
}

static int64_t seen_keys(const AdditiveAttention *n, int64_t memory) {
  const int64_t length = element_or(n->node.in[LENGTHS], memory, n->keys);
  return length < n->keys ? length : n->keys;
}

static Row row_at(const AdditiveAttention *n, int64_t row) {
  const int64_t sequence = row / n->rows, memory = element_or(n->node.in[MEMORY], sequence, sequence);
  return (Row){.query = tensor_f32(n->node.in[QUERY]) + row * n->size,
               .key = tensor_f32(n->node.in[KEY]) + memory * n->keys * n->size,
               .value = tensor_f32(n->node.in[VALUE]) + memory * n->keys * n->width,
               .shares = n->shares + row * n->keys,
               .seen = seen_keys(n, memory)};
}

static int64_t scratch_floats(const AdditiveAttention *n) {
  return n->size + n->keys;
}
static float *worker_scratch(const AdditiveAttention *n) {
  return n->scratch + parallel_worker() * scratch_floats(n);
}

/* u = tanh(q[t] + k[s]) */
static void mix(const AdditiveAttention *n, const Row *row, int64_t s, float *u) {
  memcpy(u, row->query, (size_t)n->size * sizeof *u);
  kernels->add(u, row->key + s * n->size, n->size);
  kernels->tangent(u, u, n->size);
}

/* ---- forward ---- */

static void softmax(float *x, int64_t count) {
  if (count < 1) return;
  const float total = kernels->exp_shifted(x, x, kernels->maximum(x, count), count);
  kernels->scale(x, 1 / total, x, count);
}

static void attend_rows(void *arg, int64_t begin, int64_t end) {
  const AdditiveAttention *n = arg;
  float *u = worker_scratch(n);
  for (int64_t r = begin; r < end; r++) {
    const Row row = row_at(n, r);
    float *y = tensor_f32(n->node.out[0]) + r * n->width;
    for (int64_t s = 0; s < row.seen; s++) {
      mix(n, &row, s, u);
      row.shares[s] = kernels->dot(u, tensor_f32(n->node.in[WEIGHT]), n->size);
    }
    softmax(row.shares, row.seen);
    memset(y, 0, (size_t)n->width * sizeof *y);
    for (int64_t s = 0; s < row.seen; s++)
      kernels->axpy(y, row.shares[s], row.value + s * n->width, n->width);
  }
}

static void forward(Node *node) {
  AdditiveAttention *n = (AdditiveAttention *)node;
  parallel_for(n->sequences * n->rows, attend_rows, n);
}

/* ---- backward ---- */

static void score_gradients(const AdditiveAttention *n, const Row *row, int64_t r, float *de) {
  const float *dy = n->node.out[0]->grad + r * n->width, *y = tensor_f32(n->node.out[0]) + r * n->width;
  const float mean = kernels->dot(dy, y, n->width);
  for (int64_t s = 0; s < row->seen; s++)
    de[s] = row->shares[s] * (kernels->dot(dy, row->value + s * n->width, n->width) - mean);
}

static void backward_score(const AdditiveAttention *n, const Row *row, int64_t r, int64_t s, float de) {
  const float *w = tensor_f32(n->node.in[WEIGHT]);
  const int64_t sequence = r / n->rows;
  float *u = worker_scratch(n);
  mix(n, row, s, u);
  if (n->dw) kernels->axpy(n->dw + sequence * n->size, de, u, n->size);
  for (int64_t j = 0; j < n->size; j++) u[j] = de * w[j] * (1 - u[j] * u[j]);
  if (n->dq) kernels->add(n->dq + r * n->size, u, n->size);
  if (n->dk) kernels->add(n->dk + (sequence * n->keys + s) * n->size, u, n->size);
}

/* Over sequences: one worker sums the gradients of a sequence's keys over all queries that saw them. */
static void backward_sequences(void *arg, int64_t begin, int64_t end) {
  const AdditiveAttention *n = arg;
  float *de = worker_scratch(n) + n->size;
  for (int64_t r = begin * n->rows; r < end * n->rows; r++) {
    const Row row = row_at(n, r);
    const float *dy = n->node.out[0]->grad + r * n->width;
    float *dv = n->dv ? n->dv + r / n->rows * n->keys * n->width : NULL;
    for (int64_t s = 0; s < row.seen && dv; s++)
      kernels->axpy(dv + s * n->width, row.shares[s], dy, n->width);
    score_gradients(n, &row, r, de);
    for (int64_t s = 0; s < row.seen; s++) backward_score(n, &row, r, s, de[s]);
  }
}

static void backward(Node *node) {
  AdditiveAttention *n = (AdditiveAttention *)node;
  float *dw = grad_add(node, node->in[WEIGHT]);
  n->dq = grad_add(node, node->in[QUERY]);
  n->dk = grad_add(node, node->in[KEY]);
  n->dv = grad_add(node, node->in[VALUE]);
  n->dw =
      dw ? arena_alloc_zeroed(tape_arena(node->tape), (size_t)(n->sequences * n->size) * sizeof *dw) : NULL;
  parallel_for(n->sequences, backward_sequences, n);
  if (dw) loop_sum_rows(dw, n->dw, n->sequences, n->size);
}

/* ---- the operator ---- */

/* Per pair: the sum, its product with w, and the value; the tanh is not counted. */
static double flops(const Node *node) {
  const AdditiveAttention *n = (const AdditiveAttention *)node;
  double pairs = 0;
  for (int64_t b = 0; b < n->sequences; b++)
    pairs += (double)(n->rows * seen_keys(n, element_or(node->in[MEMORY], b, b)));
  return pairs * (double)(3 * n->size + 2 * n->width);
}

Tensor *op_additive_attention(Tape *tape, Tensor *q, Tensor *k, Tensor *v, Tensor *weight,
                              AttentionSight sight) {
  CHECK(q->dims == 3 && k->dims == 3 && v->dims == 3 && q->shape[2] == k->shape[2]);
  CHECK(k->shape[0] == v->shape[0] && k->shape[1] == v->shape[1] && tensor_count(weight) == q->shape[2]);
  CHECK((sight.memory || q->shape[0] == k->shape[0]) && !sight.start);
  AdditiveAttention *n = node_new(tape, &op_additive_attention_info, sizeof *n);
  n->sequences = q->shape[0];
  n->rows = q->shape[1];
  n->keys = k->shape[1];
  n->size = q->shape[2];
  n->width = v->shape[2];
  node_input(&n->node, q);
  node_input(&n->node, k);
  node_input(&n->node, v);
  node_input(&n->node, weight);
  node_input(&n->node, sight.lengths);
  node_input(&n->node, sight.memory);
  CHECK(!sight.memory ||
        !node_records(&n->node)); /* shared keys would need concurrent sums into one gradient */
  n->shares = node_floats(&n->node, n->sequences * n->rows * n->keys);
  n->scratch = node_floats(&n->node, threads_count() * scratch_floats(n));
  return node_run(&n->node, node_output(&n->node, 3, (int64_t[]){n->sequences, n->rows, n->width}));
}

/* Cases: all keys; padding, in some sequences all keys; one row, as in decoding. */
static void sample(OpSampler *s) {
  const int which = sample_case(s, 3);
  const bool large = sample_large(s);
  const int64_t sequences = large ? 64 : 3,
                time = which == 2 ? 1
                       : large    ? 32
                                  : 5,
                keys = large ? 32 : 6, size = large ? 256 : 9, width = large ? 256 : 7;
  Tensor *q = sample_normal(s, "q", 3, (int64_t[]){sequences, time, size});
  Tensor *k = sample_normal(s, "k", 3, (int64_t[]){sequences, keys, size});
  Tensor *v = sample_normal(s, "v", 3, (int64_t[]){sequences, keys, width});
  Tensor *weight = sample_normal(s, "weight", 1, &size);
  Tensor *lengths = which == 1 ? sample_ids(s, "lengths", 1, &sequences, 0, 5) : NULL;
  sample_output(s,
                op_additive_attention(sample_tape(s), q, k, v, weight, (AttentionSight){.lengths = lengths}));
}

const Op op_additive_attention_info = {
    .name = "additive_attention",
    .formula =
        "y[t] = sum over s of P[t,s] v[s], P = softmax of e[t,s] = w . tanh(q[t] + k[s]) over s: q [B,T,A],\n"
        "k [B,S,A], v [B,S,D], w [A] -> y [B,T,D]. Only keys before lengths[b] (i32 [B], optional) are seen\n"
        "(Bahdanau et al. 2015)",
    .forward = forward,
    .backward = backward,
    .flops = flops,
    .sample = sample,
};
