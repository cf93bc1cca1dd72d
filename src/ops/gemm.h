/* gemm.h - dense products on f32 matrices, row-major with leading dimensions.
 *
 *   C[m,n] = op(A)[m,k] op(B)[k,n] + beta C       beta 0: C is not read
 *
 * transpose_a: A is stored [k,m]; transpose_b: B is stored [n,k]. `gemm` uses the worker pool,
 * `gemm_serial` runs on the calling thread (for parallel_for bodies). The order in which an element of C
 * is summed over k does not depend on m, n, its position or the number of threads: a row gives the same
 * result alone and in a batch, with 1 thread and with 8. */
#ifndef OPS_GEMM_H
#define OPS_GEMM_H

#include "ops/packed.h"

void gemm(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, const float *a, int64_t lda,
          const float *b, int64_t ldb, float beta, float *c, int64_t ldc);
void gemm_serial(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, const float *a,
                 int64_t lda, const float *b, int64_t ldb, float beta, float *c, int64_t ldc);

/* As gemm, with the operands rounded to the precision while packing. */
void gemm_precise(Precision, bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k,
                  const float *a, int64_t lda, const float *b, int64_t ldb, float beta, float *c,
                  int64_t ldc);

/* As gemm_precise, with B of any type. */
void gemm_stored(Precision, int64_t m, int64_t k, const float *a, int64_t lda, Stored b, float beta, float *c,
                 int64_t ldc);
/* For tests: C[m,n] = A[m,k] op(B)[k,n] + bias[n] in every row; bias NULL: none. */
void gemm_bias(Precision, int64_t m, int64_t k, const float *a, int64_t lda, Stored b, const float *bias,
               float *c, int64_t ldc);

/* As gemm_bias, with up to three weights, for which A is quantized once and threads wait once; packed by the
 * set, which may be NULL and requires f32. */
enum { GEMM_MOST_WEIGHTS = 3 };
typedef struct GemmWeight {
  const Tensor *weight;
  const float *bias;
  float *c;
} GemmWeight;
void gemm_weights(Precision, PackedSet *, bool transposed, int64_t m, const float *a, const GemmWeight *,
                  int count);
static inline void gemm_weight(Precision precision, PackedSet *set, bool transposed, int64_t m,
                               const float *a, const Tensor *weight, const float *bias, float *c) {
  gemm_weights(precision, set, transposed, m, a, &(GemmWeight){weight, bias, c}, 1);
}

/* For tests: with B packed in advance (packed.h); the results are the same. */
void gemm_packed(int64_t m, const float *a, int64_t lda, const Packed *b, const float *bias, float *c,
                 int64_t ldc);
/* The same, added to beta C. */
void gemm_packed_add(int64_t m, const float *a, int64_t lda, const Packed *b, float beta, float *c,
                     int64_t ldc);
void gemm_packed_serial(int64_t m, const float *a, int64_t lda, const Packed *b, float beta, float *c,
                        int64_t ldc);
#endif
