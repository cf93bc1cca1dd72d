/* gemm_product.h - a dense product as gemm_products.c describes it and gemm.c computes it. */
#ifndef OPS_GEMM_PRODUCT_H
#define OPS_GEMM_PRODUCT_H

#include "ops/gemm.h"
#include "ops/panels.h"

enum {
  KC = PACKED_STEPS,     /* steps of k per partial sum, */
  KC_BF16 = PAIRED_STEPS /* with bf16 */
};

typedef struct Product {
  Precision precision;
  int64_t most_steps; /* of k per partial sum */
  bool transpose_a;
  int64_t m, n, k;
  const float *a, *b; /* b: NULL unless unpacked f32 */
  int64_t lda, ldb;
  Stored stored;           /* B */
  const Packed *prepacked; /* B packed in advance, or NULL */
  const float
      *block_b;       /* B, or its current block, packed by all threads: [columns][block_rows][nr]; or NULL */
  int64_t block_rows; /* panel rows of all its steps, */
  int64_t block_first, block_column; /* which begin with this one, at this column */
  float *c;
  int64_t ldc;
  const float *from; /* addend: C itself, a bias (ldfrom 0), or NULL */
  int64_t ldfrom;
  int64_t mr, nr;                      /* block size of the kernel */
  float *packed;                       /* current block of A, or of B: [panels][panel_rows][mr or nr] */
  int64_t row_panels, pieces, columns; /* row panels, pieces of these, column panels */
  int64_t first, steps;                /* current block of k */
} Product;

/* On all threads. */
void product_run(Product);
/* On the calling thread. */
void product_run_serial(Product);
/* Up to GEMM_MOST_WEIGHTS products of the same A, for which threads wait once where they can. */
void product_run_together(const Product *, int count);

#endif
