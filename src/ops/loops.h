/* loops.h - the parallel loops that operators share. */
#ifndef OPS_LOOPS_H
#define OPS_LOOPS_H

#include "base/threads.h"

/* body(arg, begin, end) over ranges of 0..count-1 that begin at multiples of a block large enough to be worth
 * a worker: an element lands in the same lane of a vector whatever the number of threads. */
void loop_elements(int64_t count, ParallelBody *body, void *arg);

/* to[j] += sum over rows r, in order, of x[r,j]: gradients of biases, and of anything summed in pieces first.
 */
void loop_sum_rows(float *to, const float *x, int64_t rows, int64_t columns);

/* Sums over rows too dear to redo by columns are cut into this many pieces, a number that no setting changes.
 */
int64_t loop_pieces(int64_t rows);
/* The first row of a piece; piece may be loop_pieces(rows), for the end of the last. */
int64_t loop_piece_begin(int64_t rows, int64_t piece);

#endif
