#include "ops/recurrence.h"

#include <string.h>

#include "base/threads.h"
#include "ops/gemm.h"

Recurrence recurrence_new(Node *n, const Tensor *x, int64_t gates) {
  CHECK(x->dims == 3 && x->shape[2] % gates == 0);
  const int64_t width = x->shape[2] / gates;
  Recurrence r = {.sequences = x->shape[0], .time = x->shape[1], .width = width};
  r.weight = (Packed){.n = gates * width, .k = width};
  if (r.time > 1) node_workspace(n, packed_floats(gates * width, width));
  r.zeros = node_floats(n, width);
  return r;
}

/* Floats of a weight that fits in the L2 cache with the states. */
enum { RESIDENT = 1 << 16 };

void recurrence_start(Recurrence *r, const Node *n, const Tensor *weight) {
  r->together = r->time == 1 || r->weight.n * r->weight.k > RESIDENT;
  memset(r->zeros, 0, (size_t)r->width * sizeof(float));
  r->weight.panels = n->workspace;
  if (r->weight.panels) packed_fill(&r->weight, stored_weight(weight, true));
}

const float *recurrence_before(const Recurrence *r, const float *all, const Tensor *first, int64_t b,
                               int64_t t) {
  if (t > 0) return all + (b * r->time + t - 1) * r->width;
  return first ? tensor_f32(first) + b * r->width : r->zeros;
}

void recurrence_walk(const Recurrence *r, ParallelBody *walk, void *op) {
  if (r->together)
    walk(op, 0, r->sequences);
  else
    parallel_for(r->sequences, walk, op);
}

typedef struct Step {
  RecurrenceStep *body;
  const void *op;
  int64_t t;
} Step;

static void run_step(void *arg, int64_t begin, int64_t end) {
  const Step *s = arg;
  s->body(s->op, s->t, begin, end);
}

void recurrence_rows(const Recurrence *r, RecurrenceStep *body, const void *op, int64_t t, int64_t begin,
                     int64_t end) {
  Step step = {body, op, t};
  if (r->together)
    parallel_for(end, run_step, &step); /* begin is 0 */
  else
    body(op, t, begin, end);
}

void recurrence_product(const Recurrence *r, int64_t m, const float *a, int64_t lda, const Packed *b,
                        float beta, float *c, int64_t ldc) {
  if (r->together)
    gemm_packed_add(m, a, lda, b, beta, c, ldc);
  else
    gemm_packed_serial(m, a, lda, b, beta, c, ldc);
}

static int64_t row_stride(const Recurrence *r, const Tensor *first, int64_t t) {
  if (t > 0) return r->time * r->width;
  return first ? r->width : 0;
}

void recurrence_multiply(const Recurrence *r, const Tensor *weight, const float *all, const Tensor *first,
                         int64_t t, int64_t begin, int64_t end, float *to, int64_t step) {
  const float *h = recurrence_before(r, all, first, begin, t);
  const int64_t apart = row_stride(r, first, t), out_apart = r->time * step;
  float *c = to + (begin * r->time + t) * step;
  if (r->weight.panels)
    recurrence_product(r, end - begin, h, apart, &r->weight, 1, c, out_apart);
  else
    gemm_stored(PRECISION_F32, end - begin, r->width, h, apart, stored_weight(weight, true), 1, c, out_apart);
}

void recurrence_last(const Recurrence *r, const float *all, const Tensor *last) {
  for (int64_t b = 0; b < r->sequences; b++)
    memcpy(tensor_f32(last) + b * r->width, all + (b * r->time + r->time - 1) * r->width,
           (size_t)r->width * sizeof(float));
}

float *recurrence_alloc(Node *n, int64_t count) {
  return arena_alloc_zeroed(tape_arena(n->tape), (size_t)count * sizeof(float));
}

void recurrence_weight_gradient(const Recurrence *r, Node *n, Tensor *weight, const float *all,
                                const Tensor *first, const float *dproducts) {
  float beta, *dw = grad_beta(n, weight, &beta);
  if (!dw) return;
  float *before = recurrence_alloc(n, r->sequences * r->time * r->width);
  for (int64_t i = 0; i < r->sequences * r->time; i++)
    memcpy(before + i * r->width, recurrence_before(r, all, first, i / r->time, i % r->time),
           (size_t)r->width * sizeof(float));
  gemm(true, false, r->weight.n, r->width, r->sequences * r->time, dproducts, r->weight.n, before, r->width,
       beta, dw, r->width);
}
