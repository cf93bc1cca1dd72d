/* Training with products of bf16: that each product of an operator, forward and backward, is one of rounded
 * operands, and nothing else is rounded. How a product comes to its bits is test_gemm.c's matter, so sums in
 * double precision do here. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/random.h"
#include "ops/nearest.h"
#include "ops/ops.h"

#include <cmocka.h> /* last: it defines a macro `fail` */

static Tape *rounding(void) {
  Tape *tape = tape_new(false);
  tape_set_precision(tape, PRECISION_BF16);
  tape_reset(tape, true, 5);
  return tape;
}

static Tensor *normal(Tape *tape, uint64_t stream, int dims, const int64_t *shape) {
  Tensor *t = tape_tensor(tape, TENSOR_F32, dims, shape);
  for (int64_t i = 0; i < tensor_count(t); i++)
    tensor_f32(t)[i] = (float)random_normal(3, stream, (uint64_t)i);
  t->wants_grad = true;
  return t;
}

/* A matrix, or its transpose, as it lies. */
typedef struct View {
  const float *x;
  int64_t row, column; /* floats from one to the next */
} View;
static View turned(View v) {
  return (View){v.x, v.column, v.row};
}
static double rounded_at(View v, int64_t row, int64_t column) {
  return (double)nearest_bf16(v.x[row * v.row + column * v.column]);
}

/* C [m,n] is, but for the rounding of sums, A [m,k] B [n,k]^T of rounded numbers, plus a bias, times
 * `factor`. In the mean over C: a number that lies between two of bf16 may go either way. Operands left as
 * they are make 2e-3 of it. */
static void expect_product(const char *what, const float *c, int64_t m, int64_t n, int64_t k, View a, View b,
                           const float *bias, double factor) {
  double apart = 0, size = 0;
  for (int64_t i = 0; i < m; i++)
    for (int64_t j = 0; j < n; j++) {
      double want = bias ? (double)bias[j] : 0;
      for (int64_t p = 0; p < k; p++) want += rounded_at(a, i, p) * rounded_at(b, j, p);
      const double d = (double)c[i * n + j] - want * factor;
      apart += d * d;
      size += want * want * factor * factor;
    }
  if (!(apart <= 5e-4 * 5e-4 * size)) fail_msg("%s: %g of it apart", what, sqrt(apart / size));
}

/* ---- linear ---- */

/* A loss whose gradient, silu(gate), is in no element a number of bf16. */
static Tensor *gated_sum(Tape *tape, Tensor *y) {
  Tensor *gated = op_swiglu(tape, normal(tape, 4, y->dims, y->shape), y);
  const int64_t count = tensor_count(y);
  Tensor *ones = tape_tensor(tape, TENSOR_F32, 2, (int64_t[]){1, count});
  for (int64_t i = 0; i < count; i++) tensor_f32(ones)[i] = 1;
  return op_linear(tape, tape_reshape(tape, gated, 2, (int64_t[]){1, count}), ones, NULL, false);
}

static void check_linear(bool transposed) {
  enum { ROWS = 19, IN = 37, OUT = 45 };
  Tape *tape = rounding();
  Tensor *x = normal(tape, 1, 2, (int64_t[]){ROWS, IN}), *bias = normal(tape, 3, 1, (int64_t[]){OUT});
  Tensor *weight = normal(tape, 2, 2, transposed ? (int64_t[]){IN, OUT} : (int64_t[]){OUT, IN});
  Tensor *y = op_linear(tape, x, weight, bias, transposed);
  tape_backward(tape, gated_sum(tape, y));
  const View inputs = {tensor_f32(x), IN, 1}, gradients = {y->grad, OUT, 1};
  const View weights = transposed ? (View){tensor_f32(weight), 1, OUT} : (View){tensor_f32(weight), IN, 1};
  expect_product("y", tensor_f32(y), ROWS, OUT, IN, inputs, weights, tensor_f32(bias), 1);
  expect_product("dx", x->grad, ROWS, IN, OUT, gradients, turned(weights), NULL, 1);
  if (transposed)
    expect_product("dW", weight->grad, IN, OUT, ROWS, turned(inputs), turned(gradients), NULL, 1);
  else
    expect_product("dW", weight->grad, OUT, IN, ROWS, turned(gradients), turned(inputs), NULL, 1);
  for (int64_t j = 0; j < OUT; j++) {
    double sum = 0;
    for (int64_t i = 0; i < ROWS; i++) sum += (double)y->grad[i * OUT + j];
    assert_true(fabs((double)bias->grad[j] - sum) < 1e-5);
  }
  tape_free(tape);
}

static void a_layer_multiplies_rounded_numbers(void **state) {
  (void)state;
  check_linear(false);
  check_linear(true);
}

/* ---- cross-entropy ---- */

enum { N = 23, D = 19, V = 41 };

/* (softmax(z) - onehot(target)) / N of each row, z of rounded operands; returns the mean loss. */
static double reference_loss(View h, View w, const float *bias, const int32_t *targets, float *dz) {
  double loss = 0;
  for (int64_t i = 0; i < N; i++) {
    double z[V], total = 0;
    for (int64_t j = 0; j < V; j++) {
      z[j] = (double)bias[j];
      for (int64_t p = 0; p < D; p++) z[j] += rounded_at(h, i, p) * rounded_at(w, j, p);
      total += exp(z[j]);
    }
    for (int64_t j = 0; j < V; j++) dz[i * V + j] = (float)((exp(z[j]) / total - (j == targets[i])) / N);
    loss += (log(total) - z[targets[i]]) / N;
  }
  return loss;
}

static void the_loss_multiplies_rounded_numbers(void **state) {
  (void)state;
  Tape *tape = rounding();
  Tensor *h = normal(tape, 1, 2, (int64_t[]){N, D}), *weight = normal(tape, 2, 2, (int64_t[]){V, D});
  Tensor *bias = normal(tape, 3, 1, (int64_t[]){V});
  int32_t ids[N];
  for (int i = 0; i < N; i++) ids[i] = 7 * i % V;
  Tensor *targets = tape_constant(tape, TENSOR_I32, 1, (int64_t[]){N}, ids);
  Tensor *loss = op_cross_entropy(tape, h, weight, bias, targets, 0, 0, 0);
  tape_backward(tape, loss);
  float dz[N * V];
  const View hidden = {tensor_f32(h), D, 1}, weights = {tensor_f32(weight), D, 1}, gradients = {dz, V, 1};
  const double want = reference_loss(hidden, weights, tensor_f32(bias), ids, dz);
  assert_true(fabs((double)*tensor_f32(loss) - want) < 1e-5);
  expect_product("dh", h->grad, N, D, V, gradients, turned(weights), NULL, 1);
  expect_product("dW", weight->grad, V, D, N, turned(gradients), turned(hidden), NULL, 1);
  for (int64_t j = 0; j < V; j++) {
    double sum = 0;
    for (int64_t i = 0; i < N; i++) sum += (double)dz[i * V + j];
    assert_true(fabs((double)bias->grad[j] - sum) < 1e-6);
  }
  tape_free(tape);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_layer_multiplies_rounded_numbers),
      cmocka_unit_test(the_loss_multiplies_rounded_numbers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
