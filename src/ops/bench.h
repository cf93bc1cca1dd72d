/* bench.h - timing of operators on the sizes of a real model, for `inkstone bench ops`. */
#ifndef OPS_BENCH_H
#define OPS_BENCH_H

#include "ops/ops.h"

/* Seconds of forward and backward together (median of `repeats`), and floating-point operations of both (0:
 * negligible). False where there is no operator of that name. */
bool op_bench(const char *name, int repeats, double *seconds, double *flops);

#endif
