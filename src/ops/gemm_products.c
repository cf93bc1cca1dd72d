/* gemm_products.c - the products of gemm.h: what each multiplies, in which precision, and what it adds. */
#include "base/integers.h"
#include "kernels/kernels.h"
#include "ops/gemm_product.h"

static Product product_stored(bool transpose_a, int64_t m, int64_t n, int64_t k, const float *a, int64_t lda,
                              Stored b, float *c, int64_t ldc) {
  return (Product){.transpose_a = transpose_a,
                   .m = m,
                   .n = n,
                   .k = k,
                   .a = a,
                   .b = b.type == TENSOR_F32 ? b.at : NULL,
                   .lda = lda,
                   .most_steps = KC,
                   .ldb = b.ld,
                   .stored = b,
                   .c = c,
                   .ldc = ldc,
                   .mr = kernels->gemm_mr(),
                   .nr = kernels->gemm_nr()};
}

static Product product(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, const float *a,
                       int64_t lda, const float *b, int64_t ldb, float *c, int64_t ldc) {
  return product_stored(transpose_a, m, n, k, a, lda, (Stored){b, TENSOR_F32, transpose_b, n, ldb}, c, ldc);
}

static Product in_precision(Product x, Precision precision) {
  x.precision = precision;
  if (precision == PRECISION_BF16) x.mr = kernels->pairs_mr(), x.most_steps = KC_BF16;
  return x;
}

static Product product_packed(int64_t m, const float *a, int64_t lda, const Packed *b, float *c,
                              int64_t ldc) {
  Product x = product(false, false, m, b->n, b->k, a, lda, NULL, 0, c, ldc);
  x.prepacked = b;
  return in_precision(x, b->precision);
}

static Product added_to_itself(Product x, float beta) {
  if (beta == 0) return x;
  x.from = x.c;
  x.ldfrom = x.ldc;
  return x;
}

static Product added_to_bias(Product x, const float *bias) {
  x.from = bias;
  return x;
}

void gemm(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, const float *a, int64_t lda,
          const float *b, int64_t ldb, float beta, float *c, int64_t ldc) {
  gemm_precise(PRECISION_F32, transpose_a, transpose_b, m, n, k, a, lda, b, ldb, beta, c, ldc);
}

/* As multiply_row and sum_rows do it, without a Product: attention of a step has thousands of such rows. */
static void short_row(bool transpose_b, int64_t n, int64_t k, const float *a, const float *b, int64_t ldb,
                      float *c) {
  const int64_t nr = kernels->gemm_nr();
  if (!transpose_b) kernels->sum_rows(c, a, b, ldb, k, n);
  for (int64_t j = 0; j < n && transpose_b; j += nr)
    kernels->gemm_row(c + j, NULL, a, b + j * ldb, ldb, k, int64_min(nr, n - j));
}

void gemm_serial(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, const float *a,
                 int64_t lda, const float *b, int64_t ldb, float beta, float *c, int64_t ldc) {
  if (m == 1 && !transpose_a && beta == 0 && k > 0 && k <= KC) {
    short_row(transpose_b, n, k, a, b, ldb, c);
    return;
  }
  product_run_serial(
      added_to_itself(product(transpose_a, transpose_b, m, n, k, a, lda, b, ldb, c, ldc), beta));
}

void gemm_precise(Precision precision, bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k,
                  const float *a, int64_t lda, const float *b, int64_t ldb, float beta, float *c,
                  int64_t ldc) {
  const Product x = product(transpose_a, transpose_b, m, n, k, a, lda, b, ldb, c, ldc);
  product_run(added_to_itself(in_precision(x, precision), beta));
}

void gemm_stored(Precision precision, int64_t m, int64_t k, const float *a, int64_t lda, Stored b, float beta,
                 float *c, int64_t ldc) {
  const Product x = product_stored(false, m, b.n, k, a, lda, b, c, ldc);
  product_run(added_to_itself(in_precision(x, precision), beta));
}

void gemm_bias(Precision precision, int64_t m, int64_t k, const float *a, int64_t lda, Stored b,
               const float *bias, float *c, int64_t ldc) {
  const Product x = product_stored(false, m, b.n, k, a, lda, b, c, ldc);
  product_run(added_to_bias(in_precision(x, precision), bias));
}

/* A set determines the precision, though it may not have packed the weight yet. */
static Product product_weight(Precision precision, PackedSet *set, bool transposed, int64_t m, const float *a,
                              const GemmWeight *w) {
  const int64_t n = w->weight->shape[transposed ? 0 : 1], k = w->weight->shape[transposed ? 1 : 0];
  const Packed *packed = set ? packed_set_get(set, transposed, w->weight) : NULL;
  CHECK(!set || precision == PRECISION_F32);
  if (packed) return added_to_bias(product_packed(m, a, k, packed, w->c, n), w->bias);
  if (set) precision = precision_of_weights(w->weight->type);
  const Product x = product_stored(false, m, n, k, a, k, stored_weight(w->weight, transposed), w->c, n);
  return added_to_bias(in_precision(x, precision), w->bias);
}

void gemm_weights(Precision precision, PackedSet *set, bool transposed, int64_t m, const float *a,
                  const GemmWeight *weights, int count) {
  Product products[GEMM_MOST_WEIGHTS];
  CHECK(count > 0 && count <= GEMM_MOST_WEIGHTS);
  for (int i = 0; i < count; i++) products[i] = product_weight(precision, set, transposed, m, a, &weights[i]);
  product_run_together(products, count);
}

void gemm_packed(int64_t m, const float *a, int64_t lda, const Packed *b, const float *bias, float *c,
                 int64_t ldc) {
  product_run(added_to_bias(product_packed(m, a, lda, b, c, ldc), bias));
}

void gemm_packed_add(int64_t m, const float *a, int64_t lda, const Packed *b, float beta, float *c,
                     int64_t ldc) {
  product_run(added_to_itself(product_packed(m, a, lda, b, c, ldc), beta));
}

void gemm_packed_serial(int64_t m, const float *a, int64_t lda, const Packed *b, float beta, float *c,
                        int64_t ldc) {
  product_run_serial(added_to_itself(product_packed(m, a, lda, b, c, ldc), beta));
}
