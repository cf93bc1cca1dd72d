#include "ops/packed.h"

#include "kernels/kernels.h"

/* STEPS of k make one partial sum, as in gemm.c. Panels lie in the order they are met:
 * [k / STEPS][n / nr][steps][nr]. */
enum { STEPS = 256, TALLEST = 14 };

static int64_t least(int64_t a, int64_t b) {
  return a < b ? a : b;
}

static int64_t padded(int64_t n) {
  const int64_t nr = kernels->gemm_nr();
  return (n + nr - 1) / nr * nr;
}

int64_t packed_floats(int64_t n, int64_t k) {
  return padded(n) * k;
}

void packed_fill(Packed *p, bool transpose, const float *b, int64_t ldb) {
  const int64_t nr = kernels->gemm_nr();
  float *out = p->panels;
  for (int64_t first = 0; first < p->k; first += STEPS) {
    const int64_t steps = least(STEPS, p->k - first);
    for (int64_t column = 0; column < p->n; column += nr, out += steps * nr) {
      const int64_t columns = least(nr, p->n - column);
      if (transpose)
        kernels->pack_transposed(out, b + column * ldb + first, ldb, columns, steps, nr);
      else
        kernels->pack_rows(out, b + first * ldb + column, ldb, steps, columns, nr);
    }
  }
}

/* Up to gemm_mr rows. */
static void multiply_rows(const Packed *p, int64_t rows, const float *a, int64_t lda, float beta, float *c,
                          int64_t ldc) {
  const int64_t nr = kernels->gemm_nr(), mr = kernels->gemm_mr();
  const float *panel = p->panels;
  float packed_a[STEPS * TALLEST];
  for (int64_t first = 0; first < p->k; first += STEPS) {
    const int64_t steps = least(STEPS, p->k - first);
    kernels->pack_transposed(packed_a, a + first, lda, rows, steps, mr);
    for (int64_t column = 0; column < p->n; column += nr, panel += steps * nr)
      kernels->gemm_block(c + column, ldc, packed_a, 0, panel, nr, steps, rows, least(nr, p->n - column),
                          first ? 1 : beta);
  }
}

void packed_multiply(const Packed *p, int64_t m, const float *a, int64_t lda, float beta, float *c,
                     int64_t ldc) {
  const int64_t mr = kernels->gemm_mr();
  for (int64_t row = 0; row < m; row += mr)
    multiply_rows(p, least(mr, m - row), a + row * lda, lda, beta, c + row * ldc, ldc);
}
