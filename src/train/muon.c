#include "train/muon.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/threads.h"
#include "kernels/kernels.h"
#include "ops/gemm.h"

void muon_open(Muon *u, int64_t most_elements, int64_t most_side) {
  u->update = mem_alloc((size_t)most_elements * sizeof(float));
  u->other = mem_alloc((size_t)most_elements * sizeof(float));
  u->gram = mem_alloc((size_t)(most_side * most_side) * sizeof(float));
  u->polynomial = mem_alloc((size_t)(most_side * most_side) * sizeof(float));
}

void muon_close(Muon *u) {
  mem_free(u->update);
  mem_free(u->other);
  mem_free(u->gram);
  mem_free(u->polynomial);
}

/* ---- orthogonalization ---- */

/* Coefficients of the polynomial a s + b s^3 + c s^5, applied five times to each singular value s; chosen by
 * Jordan to raise small ones fast. */
static const float a = 3.4445f, b = -4.7750f, c = 2.0315f;
enum { ITERATIONS = 5 };

/* p = b g + c g g + a I, for a symmetric g [n, n]. */
static void polynomial(float *p, const float *g, int64_t n) {
  gemm(false, false, n, n, n, g, n, g, n, 0, p, n);
  for (int64_t i = 0; i < n; i++) {
    kernels->scale(p + i * n, c, p + i * n, n);
    kernels->axpy(p + i * n, b, g + i * n, n);
    p[i * n + i] += a;
  }
}

/* The Frobenius norm, summed row by row. */
static double frobenius(const float *x, int64_t rows, int64_t columns) {
  double sum = 0;
  for (int64_t i = 0; i < rows; i++) sum += (double)kernels->sum_squares(x + i * columns, columns);
  return sqrt(sum);
}

/* x -> (a + b x x' + c (x x')^2) x, or with x' x on the right if that is the smaller matrix. */
void muon_orthogonalize(Muon *u, float *x, int64_t rows, int64_t columns) {
  const bool wide = rows <= columns;
  const int64_t n = wide ? rows : columns, elements = rows * columns;
  kernels->scale(x, (float)(1 / (frobenius(x, rows, columns) + 1e-20)), x, elements);
  for (int i = 0; i < ITERATIONS; i++) {
    gemm(!wide, wide, n, n, wide ? columns : rows, x, columns, x, columns, 0, u->gram, n);
    polynomial(u->polynomial, u->gram, n);
    if (wide)
      gemm(false, false, rows, columns, n, u->polynomial, n, x, columns, 0, u->other, columns);
    else
      gemm(false, false, rows, columns, n, x, columns, u->polynomial, n, 0, u->other, columns);
    memcpy(x, u->other, (size_t)elements * sizeof(float));
  }
}

/* ---- the step ---- */

void muon_step(Muon *u, float *w, float *m, const float *gradient, int64_t rows, int64_t columns,
               MuonStep s) {
  const int64_t n = rows * columns;
  const float momentum = (float)s.momentum, clip = (float)s.clip;
  for (int64_t i = 0; i < n; i++) {
    m[i] = momentum * m[i] + clip * gradient[i];
    u->update[i] = momentum * m[i] + clip * gradient[i]; /* Nesterov momentum */
  }
  muon_orthogonalize(u, u->update, rows, columns);
  const double size = 0.2 * sqrt((double)(rows > columns ? rows : columns));
  kernels->scale(w, (float)(1 - s.learning_rate * s.decay), w, n);
  kernels->axpy(w, (float)(-s.learning_rate * size), u->update, n);
}
