/* Dense products: right for every form, size and stride; and the same bits for a row alone or among others,
 * in any place of C, on any number of threads, packed at once or before. */
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "base/threads.h"
#include "kernels/kernels.h"
#include "ops/gemm.h"
#include "ops/nearest.h"
#include "ops/packed.h"
#include "ops/peak.h"

#include <cmocka.h> /* last: it defines a macro `fail` */

/* ---- products with operands of their own ---- */

typedef struct Case {
  bool transpose_a, transpose_b;
  int64_t m, n, k;
  int64_t gap; /* floats between the rows of each matrix */
} Case;

typedef struct Matrix {
  float *x;
  int64_t rows, columns, ld;
} Matrix;

/* The last row has no gap behind it, so that a sanitizer sees reads and writes past the end. */
static Matrix matrix_new(int64_t rows, int64_t columns, int64_t gap) {
  static _Thread_local uint64_t draws;
  Matrix a = {.rows = rows, .columns = columns, .ld = columns + gap};
  const int64_t count = rows ? (rows - 1) * a.ld + columns : 0;
  a.x = mem_alloc((size_t)count * sizeof *a.x + 1);
  for (int64_t i = 0; i < count; i++) a.x[i] = (float)(random_mix(draws++) >> 40) * 0x1p-23f - 1;
  return a;
}

static float value_of(const Matrix *a, bool transposed, int64_t row, int64_t column) {
  return transposed ? a->x[column * a->ld + row] : a->x[row * a->ld + column];
}

typedef struct Operands {
  Matrix a, b, c;
} Operands;

static Operands operands_new(const Case *s) {
  return (Operands){
      s->transpose_a ? matrix_new(s->k, s->m, s->gap) : matrix_new(s->m, s->k, s->gap),
      s->transpose_b ? matrix_new(s->n, s->k, s->gap) : matrix_new(s->k, s->n, s->gap),
      matrix_new(s->m, s->n, s->gap),
  };
}

static void operands_free(Operands *o) {
  mem_free(o->a.x);
  mem_free(o->b.x);
  mem_free(o->c.x);
}

static Matrix matrix_copy(const Matrix *from) {
  Matrix to = matrix_new(from->rows, from->columns, from->ld - from->columns);
  if (to.rows) memcpy(to.x, from->x, (size_t)((to.rows - 1) * to.ld + to.columns) * sizeof(float));
  return to;
}

static void same_bits(const Case *s, const Matrix *got, const Matrix *want, const char *what) {
  for (int64_t i = 0; i < want->rows; i++)
    if (memcmp(got->x + i * got->ld, want->x + i * want->ld, (size_t)want->columns * sizeof(float)))
      fail_msg("%s: other bits in row %lld of %c%c m %lld, n %lld, k %lld on %s", what, (long long)i,
               s->transpose_a ? 'T' : 'N', s->transpose_b ? 'T' : 'N', (long long)s->m, (long long)s->n,
               (long long)s->k, kernels->isa);
}

typedef void Multiply(bool, bool, int64_t, int64_t, int64_t, const float *, int64_t, const float *, int64_t,
                      float, float *, int64_t);

static Matrix product(Multiply *multiply, const Case *s, const Operands *o, float beta) {
  Matrix c = matrix_copy(&o->c);
  if (beta == 0)
    for (int64_t i = 0; i < c.rows; i++)
      for (int64_t j = 0; j < c.columns; j++) c.x[i * c.ld + j] = NAN; /* is not read */
  multiply(s->transpose_a, s->transpose_b, s->m, s->n, s->k, o->a.x, o->a.ld, o->b.x, o->b.ld, beta, c.x,
           c.ld);
  return c;
}

/* ---- values ---- */

static void near_reference(const Case *s, const Operands *o, const Matrix *c, float beta) {
  const double allowed = 0x1p-24 * (8 + (double)s->k) * 2; /* far below the effect of a term left out */
  for (int64_t i = 0; i < s->m; i++)
    for (int64_t j = 0; j < s->n; j++) {
      double want = beta != 0 ? (double)o->c.x[i * o->c.ld + j] : 0;
      for (int64_t p = 0; p < s->k; p++)
        want += (double)value_of(&o->a, s->transpose_a, i, p) * (double)value_of(&o->b, s->transpose_b, p, j);
      if (!(fabs((double)c->x[i * c->ld + j] - want) <= allowed))
        fail_msg("%c%c m %lld, n %lld, k %lld on %s: C[%lld,%lld] is %g instead of %g",
                 s->transpose_a ? 'T' : 'N', s->transpose_b ? 'T' : 'N', (long long)s->m, (long long)s->n,
                 (long long)s->k, kernels->isa, (long long)i, (long long)j, (double)c->x[i * c->ld + j],
                 want);
    }
}

/* Nothing between the rows of C is written. */
static void gaps_untouched(const Operands *o, const Matrix *c) {
  for (int64_t i = 0; i + 1 < c->rows; i++)
    assert_memory_equal(c->x + i * c->ld + c->columns, o->c.x + i * c->ld + c->columns,
                        (size_t)(c->ld - c->columns) * sizeof(float));
}

static void check_values(const Case *s) {
  Operands o = operands_new(s);
  for (int beta = 0; beta < 2; beta++) {
    Matrix c = product(gemm, s, &o, (float)beta), serial = product(gemm_serial, s, &o, (float)beta);
    near_reference(s, &o, &c, (float)beta);
    gaps_untouched(&o, &c);
    gaps_untouched(&o, &serial);
    same_bits(s, &serial, &c, "one thread");
    mem_free(c.x);
    mem_free(serial.x);
  }
  operands_free(&o);
}

/* ---- sizes: around the edges of blocks (14 x 32, 6 x 16, 4 x 8) and steps (256, 1,024 of bf16); B narrow
 * and wide, one chunk of rows and several ---- */

static const int64_t sizes[][3] = {
    {1, 1, 1},      {1, 33, 70},     {1, 31, 257},  {1, 1, 600},    {1, 300, 530},   {2, 32, 256},
    {3, 5, 7},      {4, 40, 300},    {5, 64, 16},   {13, 31, 15},   {14, 32, 255},   {15, 33, 257},
    {29, 65, 64},   {64, 128, 96},   {113, 17, 3},  {150, 3, 20},   {449, 33, 9},    {900, 9, 5},
    {17, 300, 1},   {8, 1, 513},     {33, 97, 520}, {37, 300, 257}, {400, 260, 300}, {5, 40, 1100},
    {37, 33, 2050}, {33, 600, 1030},
};

static void each_case(void (*check)(const Case *)) {
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
    for (int form = 0; form < 4; form++) {
      const int64_t gap = (int64_t)(i % 3) * 5;
      check(&(Case){form & 1, form & 2, sizes[i][0], sizes[i][1], sizes[i][2], gap});
    }
}

static void each_set_and_case(void (*check)(const Case *)) {
  const Kernels *before = kernels, *k;
  for (int i = 0; (k = kernels_available(i)); i++) {
    kernels = k;
    each_case(check);
  }
  kernels = before;
}

static void products_are_right(void **state) {
  each_set_and_case(check_values);
}

static void check_empty(const Case *s) {
  Case empty = *s;
  empty.k = 0;
  check_values(&empty);
  empty = *s;
  empty.n = 0;
  check_values(&empty);
  empty = *s;
  empty.m = 0;
  check_values(&empty);
}

static void empty_products(void **state) {
  check_empty(&(Case){false, true, 1, 40, 30, 2});
  check_empty(&(Case){false, false, 7, 40, 30, 2});
  check_empty(&(Case){true, false, 70, 40, 30, 0});
}

/* ---- bits ---- */

static void multiply_brains(bool ta, bool tb, int64_t m, int64_t n, int64_t k, const float *a, int64_t lda,
                            const float *b, int64_t ldb, float beta, float *c, int64_t ldc) {
  gemm_precise(PRECISION_BF16, ta, tb, m, n, k, a, lda, b, ldb, beta, c, ldc);
}

/* Rows first .. first+count-1 of op(A), alone. */
static void check_some_rows(Multiply *multiply, const Case *s, const Operands *o, const Matrix *all,
                            int64_t first, int64_t count) {
  Case some = *s;
  Operands part = *o;
  some.m = count;
  part.a.x += s->transpose_a ? first : first * o->a.ld;
  part.c = (Matrix){o->c.x + first * o->c.ld, count, o->c.columns, o->c.ld};
  Matrix c = product(multiply, &some, &part, 1);
  same_bits(&some, &c, &(Matrix){all->x + first * all->ld, count, all->columns, all->ld}, "some rows");
  mem_free(c.x);
}

static void check_rows_alone_by(Multiply *multiply, Multiply *multiply_some, const Case *s) {
  Operands o = operands_new(s);
  Matrix all = product(multiply, s, &o, 1);
  for (int64_t i = 0; i < s->m; i += 1 + s->m / 20) check_some_rows(multiply_some, s, &o, &all, i, 1);
  for (int64_t count = 2; count < s->m && count < 20; count += 3)
    check_some_rows(multiply_some, s, &o, &all, s->m - count, count);
  mem_free(all.x);
  operands_free(&o);
}

static void check_rows_alone(const Case *s) {
  check_rows_alone_by(gemm, gemm, s);
  check_rows_alone_by(gemm, gemm_serial, s);
  check_rows_alone_by(multiply_brains, multiply_brains, s);
}

static void a_row_has_the_same_bits_alone(void **state) {
  each_set_and_case(check_rows_alone);
}

/* The columns of op(B), alone: an element does not depend on its place in C. */
static void compare_some_columns(const Case *s, Multiply *multiply) {
  Operands o = operands_new(s);
  Matrix all = product(multiply, s, &o, 0);
  const int64_t first = s->n / 3;
  Case some = *s;
  Operands part = o;
  some.n = s->n - first;
  part.b.x += s->transpose_b ? first * o.b.ld : first;
  part.c = (Matrix){o.c.x + first, s->m, some.n, o.c.ld};
  Matrix c = product(multiply, &some, &part, 0);
  same_bits(&some, &c, &(Matrix){all.x + first, s->m, some.n, all.ld}, "some columns");
  mem_free(c.x);
  mem_free(all.x);
  operands_free(&o);
}

static void check_some_columns(const Case *s) {
  compare_some_columns(s, gemm);
  compare_some_columns(s, multiply_brains);
}

static void a_column_has_the_same_bits_alone(void **state) {
  each_set_and_case(check_some_columns);
}

/* More columns than are packed at once for several chunks of rows. */
static void columns_beyond_a_group(void **state) {
  for (int transposed = 0; transposed < 2; transposed++)
    check_some_columns(&(Case){.transpose_b = transposed, .m = 450, .n = 2500, .k = 520});
}

/* op(B) stored either way gives the same bits, and so does op(A): decoding and training agree. */
static void compare_forms(const Case *s, Multiply *multiply) {
  Operands o = operands_new(s), turned = o;
  Matrix want = product(multiply, s, &o, 0);
  turned.a = matrix_new(s->k, s->m, 1);
  turned.b = matrix_new(s->n, s->k, 2);
  for (int64_t p = 0; p < s->k; p++) {
    for (int64_t i = 0; i < s->m; i++) turned.a.x[p * turned.a.ld + i] = value_of(&o.a, false, i, p);
    for (int64_t j = 0; j < s->n; j++) turned.b.x[j * turned.b.ld + p] = value_of(&o.b, false, p, j);
  }
  for (int form = 1; form < 4; form++) {
    const Case other = {form & 1, form & 2, s->m, s->n, s->k, s->gap};
    const Operands mixed = {form & 1 ? turned.a : o.a, form & 2 ? turned.b : o.b, o.c};
    Matrix c = product(multiply, &other, &mixed, 0);
    same_bits(&other, &c, &want, "the other form");
    mem_free(c.x);
  }
  mem_free(want.x);
  mem_free(turned.a.x);
  mem_free(turned.b.x);
  operands_free(&o);
}

static void check_forms(const Case *s) {
  if (s->transpose_a || s->transpose_b) return;
  compare_forms(s, gemm);
  compare_forms(s, multiply_brains);
}

static void every_form_has_the_same_bits(void **state) {
  each_set_and_case(check_forms);
}

static void check_threads(const Case *s) {
  static const int counts[] = {2, 3, 8};
  Operands o = operands_new(s);
  threads_set(1);
  Matrix want = product(gemm, s, &o, 1);
  for (size_t t = 0; t < sizeof counts / sizeof *counts; t++) {
    threads_set(counts[t]);
    Matrix c = product(gemm, s, &o, 1);
    same_bits(s, &c, &want, "more threads");
    mem_free(c.x);
  }
  mem_free(want.x);
  operands_free(&o);
  threads_set(0);
}

static void any_number_of_threads_gives_the_same_bits(void **state) {
  each_case(check_threads);
}

static Matrix rounded(const Matrix *from) {
  Matrix to = matrix_copy(from);
  for (int64_t i = 0; i < to.rows; i++)
    for (int64_t j = 0; j < to.columns; j++) to.x[i * to.ld + j] = nearest_bf16(from->x[i * from->ld + j]);
  return to;
}

/* A product of bf16 is the product of what was rounded before: the same bits, where two multiply-adds do it
 * and f32 too has a single partial sum; what the processor's own instruction does is held to what is right.
 * On any number of threads. */
static void check_brains(const Case *s) {
  Operands o = operands_new(s), near = {rounded(&o.a), rounded(&o.b), matrix_copy(&o.c)};
  for (int beta = 0; beta < 2; beta++) {
    threads_set(1);
    Matrix want = kernels->has_bf16() || s->k > PACKED_STEPS ? product(multiply_brains, s, &o, (float)beta)
                                                             : product(gemm, s, &near, (float)beta);
    near_reference(s, &near, &want, (float)beta);
    for (int threads = 1; threads <= 3; threads++) {
      threads_set(threads);
      Matrix c = product(multiply_brains, s, &o, (float)beta);
      same_bits(s, &c, &want, "bf16");
      mem_free(c.x);
    }
    mem_free(want.x);
  }
  threads_set(0);
  operands_free(&o);
  operands_free(&near);
}

static void products_of_bf16(void **state) {
  each_set_and_case(check_brains);
}

/* The first row of C in every row of the result: as a bias, and as what C was. */
static Matrix biased_product(const Case *s, const Operands *o) {
  Matrix c = matrix_copy(&o->c), old = matrix_copy(&o->c);
  for (int64_t i = 0; i < old.rows; i++)
    memcpy(old.x + i * old.ld, o->c.x, (size_t)old.columns * sizeof(float));
  const Stored b = {o->b.x, TENSOR_F32, s->transpose_b, s->n, o->b.ld};
  gemm_bias(PRECISION_F32, s->m, s->k, o->a.x, o->a.ld, b, o->c.x, c.x, c.ld);
  gemm(false, s->transpose_b, s->m, s->n, s->k, o->a.x, o->a.ld, o->b.x, o->b.ld, 1, old.x, old.ld);
  same_bits(s, &c, &old, "a bias");
  mem_free(old.x);
  return c;
}

static Stored stored_b(const Case *s, const Operands *o) {
  return (Stored){o->b.x, TENSOR_F32, s->transpose_b, s->n, o->b.ld};
}

/* B of values that 16 bits hold, packed so: the bits of the product with floats. */
static void check_type(const Case *s, TensorType type) {
  if (s->transpose_a) return;
  Operands o = operands_new(s);
  for (int64_t i = 0; i < o.b.rows; i++)
    for (int64_t j = 0; j < o.b.columns; j++) {
      float *x = &o.b.x[i * o.b.ld + j];
      *x = (float)(int)(*x * 64) / 64;
    }
  Matrix want = product(gemm, s, &o, 1), all = matrix_copy(&o.c), serial = matrix_copy(&o.c);
  Packed packed = {.n = s->n, .k = s->k, .type = type};
  packed.panels = mem_alloc(packed_bytes(type, PRECISION_F32, s->n, s->k));
  assert_true(packed_fill(&packed, stored_b(s, &o)));
  gemm_packed_add(s->m, o.a.x, o.a.ld, &packed, 1, all.x, all.ld);
  gemm_packed_serial(s->m, o.a.x, o.a.ld, &packed, 1, serial.x, serial.ld);
  same_bits(s, &all, &want, "of 16 bits");
  same_bits(s, &serial, &want, "of 16 bits, on one thread");
  gaps_untouched(&o, &all);
  if (s->k && s->n) {
    o.b.x[(o.b.rows - 1) * o.b.ld + o.b.columns - 1] = 1.0001f; /* the last value */
    assert_false(packed_fill(&packed, stored_b(s, &o)));
  }
  mem_free(packed.panels);
  mem_free(want.x);
  mem_free(all.x);
  mem_free(serial.x);
  operands_free(&o);
}

static void check_bf16(const Case *s) {
  check_type(s, TENSOR_BF16);
}
static void check_f16(const Case *s) {
  check_type(s, TENSOR_F16);
}

/* B in pairs of bf16: the bits of gemm_precise, for all rows and for some alone. */
static void check_pairs(const Case *s) {
  if (s->transpose_a) return;
  Operands o = operands_new(s);
  Matrix want = product(multiply_brains, s, &o, 1), c = matrix_copy(&o.c);
  Packed packed = {.n = s->n, .k = s->k, .type = TENSOR_BF16, .precision = PRECISION_BF16};
  packed.panels = mem_alloc(packed_bytes(packed.type, packed.precision, s->n, s->k));
  assert_true(packed_fill(&packed, stored_b(s, &o)));
  gemm_packed_add(s->m, o.a.x, o.a.ld, &packed, 1, c.x, c.ld);
  same_bits(s, &c, &want, "pairs packed before");
  gaps_untouched(&o, &c);
  for (int64_t i = 0; i < s->m; i += 1 + s->m / 20) {
    float *row = c.x + i * c.ld;
    memcpy(row, o.c.x + i * c.ld, (size_t)s->n * sizeof *row);
    (i & 1 ? gemm_packed_serial : gemm_packed_add)(1, o.a.x + i * o.a.ld, o.a.ld, &packed, 1, row, c.ld);
  }
  same_bits(s, &c, &want, "a row times pairs");
  gaps_untouched(&o, &c);
  mem_free(packed.panels);
  mem_free(want.x);
  mem_free(c.x);
  operands_free(&o);
}

static void check_packed(const Case *s) {
  if (s->transpose_a) return;
  Operands o = operands_new(s);
  Matrix want = product(gemm, s, &o, 1), c = matrix_copy(&o.c);
  Packed packed = {.n = s->n, .k = s->k};
  packed.panels = mem_alloc(packed_bytes(TENSOR_F32, PRECISION_F32, s->n, s->k));
  packed_fill(&packed, stored_b(s, &o));
  gemm_packed_serial(s->m, o.a.x, o.a.ld, &packed, 1, c.x, c.ld);
  same_bits(s, &c, &want, "packed before");
  gaps_untouched(&o, &c);
  Matrix all = matrix_copy(&o.c);
  gemm_packed(s->m, o.a.x, o.a.ld, &packed, o.c.x, all.x, all.ld);
  Matrix biased = biased_product(s, &o);
  same_bits(s, &all, &biased, "packed before, on all threads");
  gaps_untouched(&o, &all);
  mem_free(biased.x);
  mem_free(all.x);
  mem_free(packed.panels);
  mem_free(want.x);
  mem_free(c.x);
  operands_free(&o);
}

/* Threads of the program itself, not of the pool, each with a product of its own. */
typedef struct Caller {
  pthread_t thread;
  Case form;
  Operands operands;
  Matrix want;
} Caller;

static void *multiply_often(void *arg) {
  Caller *caller = arg;
  for (int i = 0; i < 50; i++) {
    Matrix c = product(gemm, &caller->form, &caller->operands, 1);
    same_bits(&caller->form, &c, &caller->want, "many callers");
    mem_free(c.x);
  }
  return NULL;
}

static void products_at_the_same_time(void **state) {
  (void)state;
  enum { CALLERS = 4 };
  Caller callers[CALLERS];
  threads_set(3);
  for (int i = 0; i < CALLERS; i++) {
    Caller *caller = &callers[i];
    caller->form = (Case){.transpose_b = i % 2, .m = 40 + 30 * i, .n = 64 + 9 * i, .k = 50 + 100 * i};
    caller->operands = operands_new(&caller->form);
    caller->want = product(gemm_serial, &caller->form, &caller->operands, 1);
  }
  for (int i = 0; i < CALLERS; i++)
    assert_int_equal(pthread_create(&callers[i].thread, NULL, multiply_often, &callers[i]), 0);
  for (int i = 0; i < CALLERS; i++) {
    pthread_join(callers[i].thread, NULL);
    mem_free(callers[i].want.x);
    operands_free(&callers[i].operands);
  }
  threads_set(0);
}

static void halves_give_the_same_bits(void **state) {
  each_set_and_case(check_bf16);
  each_set_and_case(check_f16);
}

static void packed_before_gives_the_same_bits(void **state) {
  each_set_and_case(check_packed);
  each_set_and_case(check_pairs);
}

/* Divergence is seen: one NaN of A reaches all of its row and nothing else. */
static void not_a_number_stays_in_its_row(void **state) {
  const Case s = {false, true, 20, 40, 300, 0};
  Operands o = operands_new(&s);
  o.a.x[7 * o.a.ld + 299] = NAN;
  Matrix c = product(gemm, &s, &o, 0);
  for (int64_t i = 0; i < s.m; i++)
    for (int64_t j = 0; j < s.n; j++) assert_int_equal(isnan(c.x[i * c.ld + j]), i == 7);
  mem_free(c.x);
  operands_free(&o);
}

/* No speed is tested: only that the ceilings are some. */
static void ceilings_are_measured(void **state) {
  const double one = machine_peak_flops(1, PRECISION_F32), bandwidth = machine_memory_bandwidth();
  assert_true(one > 1e6 && one < 1e15);
  assert_true(bandwidth > 1e6 && bandwidth < 1e15);
  for (int level = 1; level <= 3; level++) assert_true(machine_cache(level) >= 1024);
  assert_true(machine_read_bandwidth(1000) > 1e6);
}

static bool yes(void) {
  return true;
}
static bool no(void) {
  return false;
}
static double beyond_belief(int64_t iterations, float *sink) {
  return 1e30;
}
static double ever_less(int64_t iterations, float *sink) {
  static double now = 1e300;
  return now /= 1e3;
}
static double beyond_all(int64_t iterations, float *sink) {
  return 1e40;
}

static void the_ceiling_is_that_of_what_is_multiplied(void **state) {
  const Kernels *before = kernels;
  Kernels other = *before;
  kernels = &other;
  other.pairs_burst = beyond_belief;
  other.has_bf16 = yes;
  assert_true(machine_peak_flops(1, PRECISION_BF16) > 1e20 && machine_peak_flops(1, PRECISION_F32) < 1e15);
  assert_true(precision_named("auto") == PRECISION_BF16);
  other.fma_burst = beyond_all; /* products of bf16, and no gain of them */
  assert_true(precision_named("auto") == PRECISION_F32);
  other.fma_burst = before->fma_burst;
  other.has_bf16 = no; /* whatever is measured */
  other.fma_burst = ever_less;
  assert_true(precision_named("auto") == PRECISION_F32);
  other.fma_burst = before->fma_burst;
  assert_true(machine_peak_flops(1, PRECISION_BF16) < 1e15);
  kernels = before;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(products_are_right),
      cmocka_unit_test(empty_products),
      cmocka_unit_test(a_row_has_the_same_bits_alone),
      cmocka_unit_test(a_column_has_the_same_bits_alone),
      cmocka_unit_test(columns_beyond_a_group),
      cmocka_unit_test(every_form_has_the_same_bits),
      cmocka_unit_test(any_number_of_threads_gives_the_same_bits),
      cmocka_unit_test(products_of_bf16),
      cmocka_unit_test(products_at_the_same_time),
      cmocka_unit_test(halves_give_the_same_bits),
      cmocka_unit_test(packed_before_gives_the_same_bits),
      cmocka_unit_test(not_a_number_stays_in_its_row),
      cmocka_unit_test(ceilings_are_measured),
      cmocka_unit_test(the_ceiling_is_that_of_what_is_multiplied),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
