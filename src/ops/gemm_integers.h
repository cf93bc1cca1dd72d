/* gemm_integers.h - products with weights packed in blocks, as integers: rows of A are quantized, once for
 * all weights that they are multiplied by (kernels/isa/integers.inc). */
#ifndef OPS_GEMM_INTEGERS_H
#define OPS_GEMM_INTEGERS_H

#include "ops/packed.h"

/* C[m,n] = from + A[m,k] B[k,n]; from [m,n] has row stride ldfrom: C itself, or a bias with 0; NULL: 0. */
typedef struct IntegerProduct {
  const Packed *b;
  const float *from;
  int64_t ldfrom;
  float *c;
  int64_t ldc;
} IntegerProduct;

/* Is the matrix packed in blocks? */
bool packed_in_blocks(const Packed *);
/* All of one k. Serial: on the calling thread. */
void gemm_integers(int64_t m, const float *a, int64_t lda, const IntegerProduct *, int count, bool serial);

#endif
