/* bench.h - timing of operators at the sizes of a real model, for `inkstone bench ops`. */
#ifndef OPS_BENCH_H
#define OPS_BENCH_H

#include "ops/ops.h"

/* Seconds (median of `repeats`) and floating-point operations (0: negligible) of forward plus backward.
 * False if there is no operator of that name. */
bool op_bench(const char *name, int repeats, double *seconds, double *flops);

#endif
