/* recurrence.h - what the recurrent operators share: a batch of sequences walked step by step, the state of
 * the step before, and its products with a weight that stays the same.
 * B sequences, T steps, D values of state. */
#ifndef OPS_RECURRENCE_H
#define OPS_RECURRENCE_H

#include "base/threads.h"
#include "ops/packed.h"
#include "ops/tape.h"

typedef struct Recurrence {
  int64_t sequences, time, width; /* B, T, D */
  Packed weight;                  /* panels NULL for a single step, which is not worth packing */
  float *zeros;                   /* [D]: the state before the first step where none is given */
  bool together;                  /* all threads work on each step; else each on sequences of its own */
} Recurrence;

/* Before node_run: sizes, and room for the packed weight [gates * D, D]. */
Recurrence recurrence_new(Node *, const Tensor *x, int64_t gates);
/* In forward: packs the weight, which only forward multiplies with, clears the zeros, decides on `together`.
 */
void recurrence_start(Recurrence *, const Node *, const Tensor *weight);

/* State before step t of sequence b. `all` [B,T,D]: the states after each step; `first` [B,D] may be NULL. */
const float *recurrence_before(const Recurrence *, const float *all, const Tensor *first, int64_t b,
                               int64_t t);

/* Calls walk(op, begin, end) for sequences that it takes through all steps. Those are independent, so that a
 * thread may take some and wait for nobody; but a weight larger than its second cache would then pass by each
 * thread at each step: all threads then share each step of all sequences. */
void recurrence_walk(const Recurrence *, ParallelBody *walk, void *op);
/* In a walk, what is done to rows begin .. end-1 at step t; by all threads where they are together. */
typedef void RecurrenceStep(const void *op, int64_t t, int64_t begin, int64_t end);
void recurrence_rows(const Recurrence *, RecurrenceStep *body, const void *op, int64_t t, int64_t begin,
                     int64_t end);
/* In a walk: c [m, b->n] = a b + beta c. */
void recurrence_product(const Recurrence *, int64_t m, const float *a, int64_t lda, const Packed *b,
                        float beta, float *c, int64_t ldc);

/* to[b] += W h for the rows begin .. end-1 of step t, h the state before it; to [B,T,step]. */
void recurrence_multiply(const Recurrence *, const Tensor *weight, const float *all, const Tensor *first,
                         int64_t t, int64_t begin, int64_t end, float *to, int64_t step);

/* The last step of `all`, into `last` [B,D]. */
void recurrence_last(const Recurrence *, const float *all, const Tensor *last);

/* In backward: gradient of the weight from that of its products, dproducts [B,T,gates * D]. */
void recurrence_weight_gradient(const Recurrence *, Node *, Tensor *weight, const float *all,
                                const Tensor *first, const float *dproducts);
/* In backward: room in the tape's arena, zeroed. */
float *recurrence_alloc(Node *, int64_t count);

#endif
