/* recurrence.h - code shared by the recurrent operators: iterating over the steps of a batch of sequences,
 * previous states, and their products with a constant weight. B sequences, T steps, D values of state. */
#ifndef OPS_RECURRENCE_H
#define OPS_RECURRENCE_H

#include "base/threads.h"
#include "ops/packed.h"
#include "ops/tape.h"

typedef struct Recurrence {
  int64_t sequences, time, width; /* B, T, D */
  Packed weight;                  /* panels NULL for a single step, which does not repay packing */
  float *zeros;                   /* [D]: the initial state if none is given */
  bool together;                  /* all threads work on each step; else each thread on its own sequences */
} Recurrence;

/* Before node_run: sets sizes and requests workspace for the packed weight [gates * D, D]. */
Recurrence recurrence_new(Node *, const Tensor *x, int64_t gates);
/* In forward: packs the weight for forward's products, clears zeros, sets `together`. */
void recurrence_start(Recurrence *, const Node *, const Tensor *weight);

/* State before step t of sequence b. `all` [B,T,D]: the states after each step; `first` [B,D] may be NULL. */
const float *recurrence_before(const Recurrence *, const float *all, const Tensor *first, int64_t b,
                               int64_t t);

/* Calls walk(op, begin, end), which runs sequences begin .. end-1 through all steps. Sequences are
 * independent, so each thread can take some without synchronization; but if the weight exceeds the L2
 * cache, every thread would read all of it at each step: then all threads share each step (`together`). */
void recurrence_walk(const Recurrence *, ParallelBody *walk, void *op);
/* In a walk: runs body for rows begin .. end-1 of step t, on all threads if `together`. */
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

/* In backward: the weight's gradient from those of its products, dproducts [B,T,gates * D]. */
void recurrence_weight_gradient(const Recurrence *, Node *, Tensor *weight, const float *all,
                                const Tensor *first, const float *dproducts);
/* In backward: zeroed memory in the tape's arena. */
float *recurrence_alloc(Node *, int64_t count);

#endif
