/* wkv7.c - RWKV-7's recurrence, a delta rule with a decay, a removal key and a rate for each channel (Peng et
 * al. 2025, "RWKV-7 Goose"). For each head, with a state S [d,d] from keys to values:
 *
 *   S = S diag(w) - (S c) (c a)^T + v k^T,   y = S r,   w = exp(-exp(-1/2) sigmoid(z))
 *
 * Rows of S are independent. With D the gradient of the new S (dy r^T included), p = S c and dp = -D (c a):
 *
 *   dr = S'^T dy   dv = D k   dk = D^T v   dw = the sum over rows of D S, elementwise   d(c a) = -D^T p
 *   dc = S^T dp + a d(c a)   da = c d(c a)   D before = D diag(w) + dp c^T
 *
 * where S' is the new state. Forward keeps the state before every CHUNK-th step; backward computes those
 * between a second time. */
#include <math.h>
#include <string.h>

#include "kernels/kernels.h"
#include "ops/loops.h"
#include "ops/sample.h"

enum { R, Z, K, V, C, A, STATE, INPUTS = STATE }; /* inputs */
enum { CHUNK = 16 };                              /* steps */

typedef struct Wkv7 {
  Node node;
  int64_t sequences, time, heads, size;
  float *kept;            /* [B,H,chunks,d,d]; NULL: backward will not be called */
  float *grads[INPUTS];   /* in backward; each may be NULL */
  float *dstate;          /* the same, [B,H,d,d] */
  float *states, *change; /* per worker: [CHUNK + 1,d,d] and [d,d] */
} Wkv7;

/* What a head reads in a step, and derived from it: the decay w and c a. */
typedef struct Step {
  const float *in[INPUTS];
  float w[WKV7_LARGEST], ca[WKV7_LARGEST];
} Step;

static int64_t chunks_of(const Wkv7 *n) {
  return (n->time + CHUNK - 1) / CHUNK;
}

/* Where step t of a head (b heads + h) lies in inputs and output. */
static int64_t place(const Wkv7 *n, int64_t head, int64_t t) {
  return ((head / n->heads * n->time + t) * n->heads + head % n->heads) * n->size;
}

static const float decay_scale = -0.60653066f; /* -exp(-1/2) */

static void read_step(Step *s, const Wkv7 *n, int64_t head, int64_t t) {
  const int64_t at = place(n, head, t);
  for (int i = 0; i < INPUTS; i++) s->in[i] = tensor_f32(n->node.in[i]) + at;
  kernels->sigmoid(s->w, s->in[Z], n->size);
  for (int64_t j = 0; j < n->size; j++) {
    s->w[j] = expf(decay_scale * s->w[j]);
    s->ca[j] = s->in[C][j] * s->in[A][j];
  }
}

/* The next state, in `to`, which may be `from`. */
static void advance(float *to, const float *from, const Step *s, int64_t size) {
  for (int64_t i = 0; i < size; i++) {
    const float *row = from + i * size, removed = kernels->dot(row, s->in[C], size), v = s->in[V][i];
    float *next = to + i * size;
    for (int64_t j = 0; j < size; j++) next[j] = row[j] * s->w[j] - removed * s->ca[j] + v * s->in[K][j];
  }
}

static void run_head(const Wkv7 *n, int64_t head) {
  const int64_t cells = n->size * n->size;
  float *state = tensor_f32(n->node.out[1]) + head * cells;
  if (n->node.in[STATE])
    memcpy(state, tensor_f32(n->node.in[STATE]) + head * cells, (size_t)cells * sizeof *state);
  else
    memset(state, 0, (size_t)cells * sizeof *state);
  for (int64_t t = 0; t < n->time; t++) {
    Step s;
    if (n->kept && t % CHUNK == 0)
      memcpy(n->kept + (head * chunks_of(n) + t / CHUNK) * cells, state, (size_t)cells * sizeof *state);
    read_step(&s, n, head, t);
    advance(state, state, &s, n->size);
    float *y = tensor_f32(n->node.out[0]) + place(n, head, t);
    for (int64_t i = 0; i < n->size; i++) y[i] = kernels->dot(state + i * n->size, s.in[R], n->size);
  }
}

static void run_heads(void *arg, int64_t begin, int64_t end) {
  for (int64_t head = begin; head < end; head++) run_head(arg, head);
}

static void forward(Node *node) {
  const Wkv7 *n = (Wkv7 *)node;
  parallel_for(n->sequences * n->heads, run_heads, node);
}

/* ---- backward ---- */

static void add_product(float *to, const float *a, const float *b, int64_t n) {
  if (to) kernels->multiply_add(to, a, b, n);
}

/* change: D, from that of the state after the step to that before it. */
static void step_back(const Wkv7 *n, const Step *s, int64_t at, const float *before, const float *after,
                      float *change) {
  const int64_t size = n->size;
  const float *dy = n->node.out[0]->grad + at;
  float dw[WKV7_LARGEST] = {0}, dca[WKV7_LARGEST] = {0}, dc[WKV7_LARGEST] = {0}, *const *g = n->grads;
  for (int64_t i = 0; i < size; i++) {
    float *d = change + i * size;
    const float *row = before + i * size;
    kernels->axpy(d, dy[i], s->in[R], size);
    if (g[R]) kernels->axpy(g[R] + at, dy[i], after + i * size, size);
    if (g[V]) g[V][at + i] += kernels->dot(d, s->in[K], size);
    if (g[K]) kernels->axpy(g[K] + at, s->in[V][i], d, size);
    const float removed = kernels->dot(row, s->in[C], size), dremoved = -kernels->dot(d, s->ca, size);
    kernels->multiply_add(dw, d, row, size);
    kernels->axpy(dca, -removed, d, size);
    kernels->axpy(dc, dremoved, row, size);
    for (int64_t j = 0; j < size; j++) d[j] = d[j] * s->w[j] + dremoved * s->in[C][j];
  }
  kernels->multiply_add(dc, dca, s->in[A], size);
  if (g[C]) kernels->add(g[C] + at, dc, size);
  add_product(g[A] ? g[A] + at : NULL, dca, s->in[C], size);
  for (int64_t j = 0; g[Z] && j < size; j++) {
    const float sigmoid = 1 / (1 + expf(-s->in[Z][j]));
    g[Z][at + j] += dw[j] * s->w[j] * decay_scale * sigmoid * (1 - sigmoid);
  }
}

static void chunk_back(const Wkv7 *n, int64_t head, int64_t chunk, float *states, float *change) {
  const int64_t cells = n->size * n->size, first = chunk * CHUNK,
                count = n->time - first < CHUNK ? n->time - first : CHUNK;
  Step s;
  memcpy(states, n->kept + (head * chunks_of(n) + chunk) * cells, (size_t)cells * sizeof *states);
  for (int64_t t = 0; t < count; t++) {
    read_step(&s, n, head, first + t);
    advance(states + (t + 1) * cells, states + t * cells, &s, n->size);
  }
  for (int64_t t = count - 1; t >= 0; t--) {
    read_step(&s, n, head, first + t);
    step_back(n, &s, place(n, head, first + t), states + t * cells, states + (t + 1) * cells, change);
  }
}

static void heads_back(void *arg, int64_t begin, int64_t end) {
  const Wkv7 *n = arg;
  const int64_t cells = n->size * n->size;
  float *states = n->states + parallel_worker() * (CHUNK + 1) * cells,
        *change = n->change + parallel_worker() * cells;
  for (int64_t head = begin; head < end; head++) {
    memset(change, 0, (size_t)cells * sizeof *change);
    for (int64_t chunk = chunks_of(n) - 1; chunk >= 0; chunk--) chunk_back(n, head, chunk, states, change);
    if (n->dstate) kernels->add(n->dstate + head * cells, change, cells);
  }
}

static void backward(Node *node) {
  Wkv7 *n = (Wkv7 *)node;
  const int64_t cells = threads_count() * n->size * n->size;
  for (int i = 0; i < INPUTS; i++) n->grads[i] = grad_add(node, node->in[i]);
  n->dstate = grad_add(node, node->in[STATE]);
  n->states = arena_alloc(tape_arena(node->tape), (size_t)(cells * (CHUNK + 1)) * sizeof(float));
  n->change = arena_alloc(tape_arena(node->tape), (size_t)cells * sizeof(float));
  parallel_for(n->sequences * n->heads, heads_back, n);
}

static double flops(const Node *node) {
  const Wkv7 *n = (const Wkv7 *)node;
  return 9.0 * (double)(n->sequences * n->time * n->heads) * (double)(n->size * n->size);
}

Tensor *op_wkv7(Tape *tape, Wkv7Inputs in, int64_t heads, Tensor *state, Tensor **last) {
  Tensor *const inputs[INPUTS] = {[R] = in.r, [Z] = in.z, [K] = in.k, [V] = in.v, [C] = in.c, [A] = in.a};
  Wkv7 *n = node_new(tape, &op_wkv7_info, sizeof *n);
  CHECK(in.r->dims == 3 && in.r->shape[2] % heads == 0);
  n->sequences = in.r->shape[0];
  n->time = in.r->shape[1];
  n->heads = heads;
  n->size = in.r->shape[2] / heads;
  const int64_t cells = n->sequences * heads * n->size * n->size;
  CHECK(n->size <= WKV7_LARGEST && (!state || tensor_count(state) == cells));
  for (int i = 0; i < INPUTS; i++) {
    CHECK(tensor_same_shape(inputs[i], in.r));
    node_input(&n->node, inputs[i]);
  }
  node_input(&n->node, state);
  if (node_records(&n->node)) n->kept = node_floats(&n->node, cells * chunks_of(n));
  Tensor *y = node_output(&n->node, 3, in.r->shape);
  Tensor *end = node_output(&n->node, 2, (int64_t[]){n->sequences, heads * n->size * n->size});
  node_run(&n->node, y);
  node_give_constant(end, last);
  return y;
}

/* Cases: from zeros, over two chunks; from a given state; one step, as in generation. */
static void sample(OpSampler *s) {
  const int which = sample_case(s, 3);
  const bool large = sample_large(s);
  const int64_t sequences = large ? 8 : 2, time = large ? 128 : (const int64_t[]){19, 5, 1}[which],
                heads = large ? 12 : 2, size = large ? 64 : 5;
  const int64_t shape[] = {sequences, time, heads * size};
  const Wkv7Inputs in = {.r = sample_normal(s, "r", 3, shape),
                         .z = sample_normal(s, "z", 3, shape),
                         .k = sample_normal(s, "k", 3, shape),
                         .v = sample_normal(s, "v", 3, shape),
                         .c = op_scale(sample_tape(s), sample_normal(s, "c", 3, shape), 0.4f),
                         .a = op_scale(sample_tape(s), sample_normal(s, "a", 3, shape), 0.4f)};
  const int64_t cells[] = {sequences, heads * size * size};
  sample_output(s,
                op_wkv7(sample_tape(s), in, heads, which ? sample_normal(s, "state", 2, cells) : NULL, NULL));
}

const Op op_wkv7_info = {
    .name = "wkv7",
    .formula =
        "for each head S[t] = S[t-1] diag(w) - (S[t-1] c) (c a)^T + v k^T, y = S[t] r, with w =\n"
        "exp(-exp(-1/2) sigmoid(z)): r, z, k, v, c, a [B,T,H d], S[-1] [B,H d d] optional (0) -> y [B,T,H "
        "d],\n"
        "and the last S, a constant (Peng et al. 2025)",
    .forward = forward,
    .backward = backward,
    .flops = flops,
    .sample = sample,
};
