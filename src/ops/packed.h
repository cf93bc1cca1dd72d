/* packed.h - a matrix packed once for many products with few rows: the weights of a recurrence, met at every
 * step.
 *
 *   C[m,n] = A[m,k] op(B)[k,n] + beta C
 *
 * Runs on the calling thread. An element is summed in the order of gemm.h, so that it has the same bits. */
#ifndef OPS_PACKED_H
#define OPS_PACKED_H

#include <stdbool.h>
#include <stdint.h>

typedef struct Packed {
  int64_t n, k;
  float *panels;
} Packed;

int64_t packed_floats(int64_t n, int64_t k); /* room that `panels` needs */
/* op(B) is [k,n]; transpose: B is stored [n,k]. */
void packed_fill(Packed *, bool transpose, const float *b, int64_t ldb);
void packed_multiply(const Packed *, int64_t m, const float *a, int64_t lda, float beta, float *c,
                     int64_t ldc);

#endif
