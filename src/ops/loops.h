/* loops.h - parallel loops shared by the operators. */
#ifndef OPS_LOOPS_H
#define OPS_LOOPS_H

#include "base/arena.h"
#include "base/threads.h"

/* Calls body(arg, begin, end) for ranges of 0..count-1 that begin at multiples of a block: an element is
 * in the same vector lane for any number of threads. */
void loop_elements(int64_t count, ParallelBody *body, void *arg);

/* to[j] += sum over rows r, in order, of x[r,j]: for gradients of biases, and for partial sums. */
void loop_sum_rows(float *to, const float *x, int64_t rows, int64_t columns);

/* In backward, of weights that all rows share: calls body for each row, which adds the row's gradients to
 * sums[k] [columns], NULL where to[k] is. Rows are divided into pieces, by their number only; each piece has
 * sums of its own, in the arena, which are added to `to` in order. count <= LOOP_SUMS. */
enum { LOOP_SUMS = 2 };
typedef void LoopRow(const void *op, int64_t row, float *const sums[LOOP_SUMS]);
void loop_row_sums(Arena *, float *const *to, int count, int64_t rows, int64_t columns, LoopRow *body,
                   const void *op);

#endif
