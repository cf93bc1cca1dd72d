/* loops.h - parallel loops shared by the operators. */
#ifndef OPS_LOOPS_H
#define OPS_LOOPS_H

#include "base/threads.h"

/* Calls body(arg, begin, end) for ranges of 0..count-1 that begin at multiples of a block: an element is
 * in the same vector lane for any number of threads. */
void loop_elements(int64_t count, ParallelBody *body, void *arg);

/* to[j] += sum over rows r, in order, of x[r,j]: for gradients of biases, and for partial sums. */
void loop_sum_rows(float *to, const float *x, int64_t rows, int64_t columns);

/* Number of pieces for partial sums over rows; it depends on `rows` only. */
int64_t loop_pieces(int64_t rows);
/* The first row of a piece; for piece = loop_pieces(rows), the number of rows. */
int64_t loop_piece_begin(int64_t rows, int64_t piece);

#endif
