/* The parts of dense products: blocks of C, panels, and the row that must have the block's bits. */
#include "arrays.h"

enum { TALLEST = 16, WIDEST = 32 };

/* ---- blocks ---- */

/* A block with its packed operands; ldc and ldb are wider than they need be. */
typedef struct Block {
  int64_t mr, nr, k, ldb, ldc;
  float *a, *b, *c;
} Block;

static Block block_new(const Kernels *k, int64_t steps, int64_t rows, int64_t ldb) {
  Block x = {.mr = k->gemm_mr(), .nr = k->gemm_nr(), .k = steps};
  assert_in_range(x.mr, 1, TALLEST);
  assert_in_range(x.nr, 1, WIDEST);
  x.ldb = ldb ? ldb : x.nr;
  x.ldc = x.nr + 3;
  x.a = array_random(steps * x.mr, 1);
  for (int64_t p = 0; p < steps; p++)
    for (int64_t i = rows; i < x.mr; i++) x.a[p * x.mr + i] = NAN; /* is never looked at */
  x.b = array_random(steps ? (steps - 1) * x.ldb + x.nr : 0, 1);
  x.c = array_random(x.mr * x.ldc, 1);
  return x;
}

/* A as it would lie unpacked, `lda` from row to row, and nothing after its last value. */
static float *unpacked(const Block *x, int64_t rows, int64_t lda) {
  float *a = array_empty((rows - 1) * lda + x->k);
  for (int64_t i = 0; i < rows; i++)
    for (int64_t p = 0; p < x->k; p++) a[i * lda + p] = x->a[p * x->mr + i];
  return a;
}

/* What a block is added to. */
typedef enum From { NOTHING, ITSELF, BIAS } From;

static void check_block(const Kernels *k, const Block *x, int64_t rows, int64_t cols, From kind) {
  float *c = array_copy(x->c, x->mr * x->ldc), *same = array_copy(x->c, x->mr * x->ldc);
  const float *bias = array_copy(x->c, cols);
  const int64_t step = kind == ITSELF ? x->ldc : 0;
  if (kind != ITSELF) c[0] = same[0] = NAN; /* is not read */
  k->gemm_block(c, x->ldc,
                kind == ITSELF ? c
                : kind == BIAS ? bias
                               : NULL,
                step, x->a, 0, x->b, x->ldb, x->k, rows, cols);
  k->gemm_block(same, x->ldc,
                kind == ITSELF ? same
                : kind == BIAS ? bias
                               : NULL,
                step, unpacked(x, rows, x->k + 3), x->k + 3, x->b, x->ldb, x->k, rows, cols);
  same_bits(same, c, x->mr * x->ldc);
  for (int64_t i = 0; i < x->mr; i++)
    for (int64_t j = 0; j < x->ldc; j++) {
      const int64_t at = i * x->ldc + j;
      const bool in = i < rows && j < cols;
      double want = in && kind == NOTHING ? 0 : (double)x->c[in && kind == BIAS ? j : at];
      for (int64_t p = 0; p < x->k && i < rows && j < cols; p++)
        want += (double)x->a[p * x->mr + i] * (double)x->b[p * x->ldb + j];
      const bool outside = i >= rows || j >= cols;
      near(c[at], want, outside ? 0 : (4 + (double)x->k) * EPSILON * (1 + sqrt((double)x->k)), at);
    }
}

/* n steps; every number of rows and columns. */
static void check_blocks(const Kernels *k, int64_t n) {
  if (n > 3 && n != 17 && n != 64) return;
  for (int64_t rows = 1; rows <= k->gemm_mr(); rows++)
    for (int64_t cols = 1; cols <= k->gemm_nr(); cols += cols % 8 == 3 ? 4 : 1) {
      const Block x = block_new(k, n, rows, cols % 2 ? 0 : 45);
      check_block(k, &x, rows, cols, NOTHING);
      check_block(k, &x, rows, cols, ITSELF);
      check_block(k, &x, rows, cols, BIAS);
      arrays_free();
    }
}

static void blocks(void **state) {
  each_length(check_blocks);
}

/* A row has the same bits whatever rows are with it, and alone through gemm_row. */
static void check_rows(const Kernels *k, int64_t n) {
  const int64_t mr = k->gemm_mr(), nr = k->gemm_nr();
  const Block x = block_new(k, n, mr, 0);
  float *all = array_copy(x.c, mr * x.ldc), *few = array_copy(x.c, mr * x.ldc), *row = array_empty(n);
  float *turned = array_empty(nr * (n + 1));
  for (int64_t i = 0; i < nr * n; i++) turned[i % nr * (n + 1) + i / nr] = x.b[i];
  for (int64_t i = 0; i < mr; i++)
    for (int64_t p = 0; p < n; p++) x.a[p * mr + i] = x.a[p * mr]; /* all rows equal the first */
  for (int64_t i = 1; i < mr; i++) memcpy(all + i * x.ldc, all, (size_t)nr * sizeof(float));
  for (int64_t p = 0; p < n; p++) row[p] = x.a[p * mr];
  k->gemm_block(all, x.ldc, all, x.ldc, x.a, 0, x.b, x.ldb, n, mr, nr);
  for (int64_t rows = 1; rows <= mr; rows++) {
    memcpy(few, x.c, (size_t)x.ldc * sizeof(float));
    k->gemm_block(few, x.ldc, few, x.ldc, x.a, 0, x.b, x.ldb, n, rows, nr);
    same_bits(few, all, nr);
    same_bits(all + (rows - 1) * x.ldc, all, nr);
  }
  for (int64_t cols = 1; cols <= nr; cols++) {
    memcpy(few, x.c, (size_t)x.ldc * sizeof(float));
    k->gemm_row(few, few, row, turned, n + 1, n, cols);
    same_bits(few, all, cols);
    same_bits(few + cols, x.c + cols, x.ldc - cols); /* nothing beside is touched */
    few[0] = NAN;
    k->gemm_row(few, NULL, row, turned, n + 1, n, cols);
    for (int64_t j = 0; j < cols; j++) few[j] += x.c[j];
    for (int64_t j = 0; j < cols; j++) near(few[j], (double)all[j], (4 + (double)n) * EPSILON * 4, j);
  }
}

/* sum_rows over n columns: gemm_block's bits for the columns that a panel has, the same for those in later
 * places. */
static void check_sums(const Kernels *k, int64_t n) {
  enum { STEPS = 70, GAP = 3 };
  const int64_t nr = k->gemm_nr(), ldb = n + GAP;
  float *x = array_random(STEPS, 1), *b = array_random(STEPS * ldb, 1), *got = array_empty(n),
        *want = array_empty(nr);
  float *panel = array_empty(STEPS * nr);
  if (!n) return;
  k->sum_rows(got, x, b, ldb, STEPS, n);
  for (int64_t column = 0; column < n; column += nr) {
    const int64_t cols = n - column < nr ? n - column : nr;
    for (int64_t p = 0; p < STEPS; p++)
      for (int64_t j = 0; j < nr; j++) panel[p * nr + j] = j < cols ? b[p * ldb + column + j] : 0;
    k->gemm_block(want, nr, NULL, 0, x, STEPS, panel, nr, STEPS, 1, cols);
    same_bits(got + column, want, cols);
  }
}

static void a_sum_of_rows_has_the_same_bits(void **state) {
  each_length(check_sums);
}

static void a_row_has_the_same_bits_alone(void **state) {
  each_length(check_rows);
}

/* ---- packing ---- */

static void check_panels(const Kernels *k, int64_t n) {
  const int64_t widths[] = {k->gemm_mr(), k->gemm_nr()};
  if (n > 40 && n != 64) return;
  for (int w = 0; w < 2; w++)
    for (int64_t used = 1; used <= widths[w]; used++) {
      const int64_t width = widths[w], ld = (used > n ? used : n) + (used % 3 ? 0 : 20);
      const float *in = array_random(ld * (used > n ? used : n), 1);
      float *turned = array_empty(n * width), *plain = array_empty(n * width);
      k->pack_transposed(turned, in, ld, used, n, width);
      k->pack_rows(plain, in, ld, n, used, width);
      for (int64_t p = 0; p < n; p++)
        for (int64_t i = 0; i < used; i++) {
          assert_true(turned[p * width + i] == in[i * ld + p]);
          assert_true(plain[p * width + i] == in[p * ld + i]);
        }
      arrays_free();
    }
}

/* Reads nothing past the last element of a matrix without gaps. */
static void check_exact_ends(const Kernels *k, int64_t n) {
  const int64_t widths[] = {k->gemm_mr(), k->gemm_nr()};
  for (int w = 0; w < 2; w++) {
    const int64_t width = widths[w];
    float *out = array_empty(n * width);
    const float *turned = array_random(n * width, 1), *plain = array_random(n * width, 1);
    k->pack_transposed(out, turned, n, width, n, width);
    if (n) assert_true(out[n * width - 1] == turned[n * width - 1]);
    k->pack_rows(out, plain, width, n, width, width);
    same_bits(out, plain, n * width);
  }
}

static void panels(void **state) {
  each_length(check_panels);
  each_length(check_exact_ends);
}

/* ---- weights of 16 bits ---- */

typedef struct Half {
  TypeKernels by;
  int exponent, fraction; /* bits */
} Half;

static Half half_of(const Kernels *k, int which) {
  return which ? (Half){k->types[TENSOR_F16], 5, 10} : (Half){k->types[TENSOR_BF16], 8, 7};
}

/* By its definition; those of the largest exponent are no numbers and do not come here. */
static double half_value(const Half *h, uint16_t bits) {
  const int exponent = bits >> h->fraction & ((1 << h->exponent) - 1), bias = (1 << (h->exponent - 1)) - 1;
  const double fraction = (double)(bits & ((1 << h->fraction) - 1)) * ldexp(1, -h->fraction);
  const double value = exponent ? ldexp(1 + fraction, exponent - bias) : ldexp(fraction, 1 - bias);
  return bits >> 15 ? -value : value;
}

static bool is_number(const Half *h, uint16_t bits) {
  const int all = (1 << h->exponent) - 1;
  return (bits >> h->fraction & all) != all;
}

static void every_half_is_its_value_and_comes_back(void **state) {
  const Kernels *k;
  for (int i = 0; (k = kernels_available(i)); i++)
    for (int which = 0; which < 2; which++) {
      const Half h = half_of(k, which);
      for (int32_t bits = 0; bits < 1 << 16; bits++) {
        if (!is_number(&h, (uint16_t)bits)) continue;
        uint16_t in[19], back[19];
        float value[19];
        for (int j = 0; j < 19; j++) in[j] = (uint16_t)bits;
        h.by.widen(value, in, 19);
        h.by.narrow(back, value, 19);
        if ((double)value[0] != half_value(&h, in[0]) || (double)value[18] != half_value(&h, in[0]))
          fail_msg("%s: %04x is widened to %g", k->isa, (unsigned)bits, (double)value[0]);
        assert_memory_equal(back, in, sizeof in);
      }
    }
}

static void halves_that_are_no_numbers_stay_so(void **state) {
  const Kernels *k;
  for (int i = 0; (k = kernels_available(i)); i++)
    for (int which = 0; which < 2; which++) {
      const Half h = half_of(k, which);
      const uint16_t infinity = (uint16_t)(((1 << h.exponent) - 1) << h.fraction),
                     in[] = {infinity, infinity | 0x8000, infinity | 1, 0xffff};
      float value[4];
      h.by.widen(value, in, 4);
      assert_true(value[0] == INFINITY && value[1] == -INFINITY && isnan(value[2]) && isnan(value[3]));
    }
}

/* What 16 bits do not hold must not come back as it was, or it would be taken for held. */
static void other_values_do_not_come_back(void **state) {
  static const float values[] = {0x1.004p0f, -0x1.004p0f, 65536,      1e30f,
                                 INFINITY,   0x1p-25f,    0x1.8p-24f, 1e-40f};
  const Kernels *k;
  for (int i = 0; (k = kernels_available(i)); i++)
    for (size_t v = 0; v < sizeof values / sizeof *values; v++) {
      uint16_t narrow[3];
      float x[3] = {values[v], values[v], values[v]}, wide[3];
      k->types[TENSOR_F16].narrow(narrow, x, 3);
      k->types[TENSOR_F16].widen(wide, narrow, 3);
      if (values[v] != -0x1.004p0f && values[v] != 0x1.004p0f)
        assert_true(wide[0] != x[0] && wide[2] != x[2]);
      x[0] = x[1] = x[2] = 0x1.01p0f;
      k->types[TENSOR_BF16].narrow(narrow, x, 3);
      k->types[TENSOR_BF16].widen(wide, narrow, 3);
      assert_true(wide[0] != x[0] && wide[2] != x[2]);
    }
}

/* Ties go to the even one; f16 counts from 2^-24, and ends at 65504. */
static void the_nearest_is_taken(void **state) {
  (void)state;
  static const struct {
    TensorType type;
    float x, nearest;
  } cases[] = {
      {TENSOR_BF16, 0x1.01p0f, 0x1p0f},          {TENSOR_BF16, 0x1.03p0f, 0x1.04p0f},
      {TENSOR_BF16, -0x1.0101p0f, -0x1.02p0f},   {TENSOR_BF16, 0x1.00ffp0f, 0x1p0f},
      {TENSOR_F16, 0x1.002p0f, 0x1p0f},          {TENSOR_F16, 0x1.006p0f, 0x1.008p0f},
      {TENSOR_F16, -0x1.0021p0f, -0x1.004p0f},   {TENSOR_F16, 1e6f, 65504},
      {TENSOR_F16, 0x1.8p-24f, 0x1p-23f},        {TENSOR_F16, 0x1.4p-23f, 0x1p-23f},
      {TENSOR_F16, 0x1.400002p-23f, 0x1.8p-23f}, /* rounded once, not at 2^-149 first */
      {TENSOR_F16, -0x1.3ffffep-23f, -0x1p-23f}, {TENSOR_F16, 0x1.ffep-15f, 0x1p-14f},
  };
  const Kernels *k;
  for (int i = 0; (k = kernels_available(i)); i++)
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
      uint16_t bits[3];
      float back[3];
      k->types[cases[c].type].narrow(bits, (float[]){cases[c].x, 1, cases[c].x}, 3);
      k->types[cases[c].type].widen(back, bits, 3);
      if (back[0] != cases[c].nearest || back[2] != back[0])
        fail_msg("%s: %a becomes %a", k->isa, (double)cases[c].x, (double)back[0]);
    }
}

/* ---- pairs of bf16 ---- */

static float nearest_bf16(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  bits = (bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000u;
  memcpy(&x, &bits, sizeof x);
  return x;
}

/* A product by pairs of a [rows, steps] and b [steps, cols], each stored along k or across. */
typedef struct Pairs {
  int64_t rows, cols, steps;
  bool a_along, b_along;
  float *a, *b;
} Pairs;

static float a_of(const Pairs *x, int64_t row, int64_t step) {
  return x->a[x->a_along ? row * x->steps + step : step * x->rows + row];
}
static float b_of(const Pairs *x, int64_t step, int64_t col) {
  return x->b[x->b_along ? col * x->steps + step : step * x->cols + col];
}

static void multiply_pairs(const Kernels *k, const Pairs *x, float *c, int64_t ldc, const float *from) {
  enum { MOST = 64 * WIDEST };
  static uint32_t panel_a[MOST] __attribute__((aligned(64))), panel_b[MOST] __attribute__((aligned(64)));
  assert_in_range(k->pairs_mr(), 1, WIDEST);
  assert_in_range(k->pair_steps(x->steps), (x->steps + 1) / 2, 64);
  memset(panel_a, 0xff,
         sizeof panel_a); /* no numbers: rows that are none must not matter, steps must be filled up */
  memset(panel_b, 0xff, sizeof panel_b);
  k->pairs_a(panel_a, x->a, x->a_along ? x->steps : x->rows, x->a_along, x->rows, x->steps);
  k->pairs_b(panel_b, x->b, x->b_along ? x->steps : x->cols, x->b_along, x->cols, x->steps);
  k->gemm_pairs(c, ldc, from, ldc, panel_a, panel_b, k->pair_steps(x->steps), x->rows, x->cols);
}

static void check_pairs(const Kernels *k, Pairs x, bool adds) {
  enum { GAP = 3 };
  const int64_t ldc = x.cols + GAP;
  x.a = array_random(x.rows * x.steps, 1);
  x.b = array_random(x.steps * x.cols, 1);
  const float *before = array_random(x.rows * ldc, 1);
  float *c = array_copy(before, x.rows * ldc);
  multiply_pairs(k, &x, c, ldc, adds ? c : NULL);
  for (int64_t at = 0; at < x.rows * ldc; at++) {
    const int64_t i = at / ldc, j = at % ldc;
    double want = j >= x.cols || adds ? (double)before[at] : 0;
    for (int64_t p = 0; p < x.steps && j < x.cols; p++)
      want += (double)nearest_bf16(a_of(&x, i, p)) * (double)nearest_bf16(b_of(&x, p, j));
    near(c[at], want, j >= x.cols ? 0 : (4 + (double)x.steps) * EPSILON * (1 + sqrt((double)x.steps)), at);
  }
  arrays_free();
}

static void blocks_of_pairs(void **state) {
  static const int64_t steps[] = {1, 2, 3, 16, 17, 31, 32, 33, 64, 65, 127, 128};
  const Kernels *k;
  for (int i = 0; (k = kernels_available(i)); i++)
    for (int64_t rows = 1; rows <= k->pairs_mr(); rows++)
      for (int64_t cols = 1; cols <= k->gemm_nr(); cols += cols % 8 == 1 ? 6 : 1)
        for (size_t s = 0; s < sizeof steps / sizeof *steps; s++)
          for (int form = rows * cols % 3; form < 8; form += 3) {
            now.k = k;
            now.n = steps[s];
            check_pairs(k, (Pairs){rows, cols, steps[s], form & 1, form & 2, NULL, NULL}, form & 4);
          }
}

/* Each at each of three steps, as a number of A and of B, the rest of its row or column being 0, times 1. */
static void numbers_are_rounded_to_the_nearest(void **state) {
  static const struct {
    float from, to;
  } known[] = {{1, 1},
               {0x1.01p0f, 0x1.00p0f}, /* as near to 1.02: the even one */
               {0x1.03p0f, 0x1.04p0f},
               {0x1.0101p0f, 0x1.02p0f},
               {-0x1.0300001p0f, -0x1.04p0f},
               {0x1.ffp127f, INFINITY},
               {-INFINITY, -INFINITY},
               {0, 0},
               {0x1p-140f, 0}};
  enum { KNOWN = sizeof known / sizeof *known, STEPS = 3 };
  const Kernels *k;
  for (int i = 0; (k = kernels_available(i)); i++)
    for (int form = 0; form < 8; form++)
      for (int at = 0; at < STEPS * (KNOWN + 1); at++) {
        float one[STEPS] = {1, 1, 1}, number[STEPS] = {0}, c;
        const int which = at / STEPS;
        if (which < KNOWN)
          number[at % STEPS] = known[which].from;
        else
          memcpy(&number[at % STEPS], &(uint32_t){0x7f800001},
                 sizeof *number); /* no number, though its upper half is infinity */
        const Pairs x = {1, 1, STEPS, form & 1, form & 2, form & 4 ? one : number, form & 4 ? number : one};
        multiply_pairs(k, &x, &c, 1, NULL);
        assert_true(which < KNOWN ? c == known[which].to : isnan(c));
      }
}

/* ---- the machine's limit ---- */

static void a_burst_computes_what_it_counts(void **state) {
  const Kernels *k;
  for (int i = 0; (k = kernels_available(i)); i++) {
    float sink[3] = {0.5f, 0.25f, -1};
    now.k = k;
    const double operations = k->fma_burst(10, sink), lanes = operations / (2 * 12 * 10);
    assert_true(lanes >= 1 && lanes == floor(lanes));
    double want = 0;
    for (int chain = 1; chain <= 12; chain++) {
      double x = 0.001 * chain;
      for (int step = 0; step < 10; step++) x = x * 0.5 + 0.25;
      want += x * lanes;
    }
    near(sink[2], want, 64 * EPSILON * want, 0);
  }
}

/* Ten iterations more grow the sum by what ten iterations multiply. */
static void a_burst_of_pairs_computes_what_it_counts(void **state) {
  const Kernels *k;
  for (int i = 0; (k = kernels_available(i)); i++) {
    float ten[3] = {0.5f, 0.25f, -1}, twenty[3] = {0.5f, 0.25f, -1};
    now.k = k;
    const double operations = k->pairs_burst(10, ten), more = k->pairs_burst(20, twenty),
                 want = operations / 2 * 0.125;
    assert_true(operations >= 4 * 12 * 10 && more == 2 * operations);
    near(twenty[2] - ten[2], want, 64 * EPSILON * want, 0);
  }
}

static void a_burst_reads_every_float(void **state) {
  enum { LENGTH = 384 };
  float x[LENGTH];
  const Kernels *k;
  for (int i = 0; i < LENGTH; i++) x[i] = (float)(1 + i % 7);
  for (int i = 0; (k = kernels_available(i)); i++)
    assert_true(k->read_burst(x, 128) == 507 && k->read_burst(x, LENGTH) == 1533);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(blocks),
      cmocka_unit_test(a_row_has_the_same_bits_alone),
      cmocka_unit_test(a_sum_of_rows_has_the_same_bits),
      cmocka_unit_test(panels),
      cmocka_unit_test(every_half_is_its_value_and_comes_back),
      cmocka_unit_test(halves_that_are_no_numbers_stay_so),
      cmocka_unit_test(other_values_do_not_come_back),
      cmocka_unit_test(the_nearest_is_taken),
      cmocka_unit_test(blocks_of_pairs),
      cmocka_unit_test(numbers_are_rounded_to_the_nearest),
      cmocka_unit_test(a_burst_computes_what_it_counts),
      cmocka_unit_test(a_burst_of_pairs_computes_what_it_counts),
      cmocka_unit_test(a_burst_reads_every_float),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
