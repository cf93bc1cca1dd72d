/* The types of weights (kernels/types.def): against GGML's own code, and a row times panels against a block.
 */
#include "arrays.h"
#include "kernels/quantize.h"

static const struct {
  const char *name;
  int64_t elements, bytes; /* of a block */
} type_of[] = {
#define TYPE(NAME, name, elements, bytes, ...) {#name, elements, bytes},
#include "kernels/types.def"
#undef TYPE
};

/* ---- values ---- */

/* tests/golden/types/<name>.txt, which scripts/golden_types.py describes. */
static FILE *golden(const char *name) {
  char path[4096];
  snprintf(path, sizeof path, TESTS_DIR "/golden/types/%s.txt", name);
  FILE *file = fopen(path, "r");
  if (!file) fail_msg("%s is missing: run scripts/golden_types.py", path);
  return file;
}

static void read_bytes(FILE *file, unsigned char *bytes, int64_t count) {
  for (int64_t i = 0; i < count; i++) assert_int_equal(fscanf(file, "%2hhx", &bytes[i]), 1);
}

/* False: the file has no more. */
static bool read_values(FILE *file, float *x, int64_t count) {
  for (int64_t i = 0; i < count; i++)
    if (fscanf(file, "%f", &x[i]) != 1) return false;
  return true;
}

/* Two blocks. d q is rounded once as there; d q + m is rounded twice there, and may be once here. */
static void check_golden(const Kernels *k, TensorType type) {
  enum { MOST_BYTES = 512, MOST_VALUES = 512 };
  unsigned char blocks[MOST_BYTES], made[MOST_BYTES];
  float want[MOST_VALUES], got[MOST_VALUES];
  const int64_t n = 2 * type_of[type].elements, bytes = 2 * type_of[type].bytes;
  FILE *file = golden(type_of[type].name);
  read_bytes(file, blocks, bytes);
  assert_true(read_values(file, want, n));
  k->types[type].widen(got, blocks, n);
  float most = 0;
  for (int64_t i = 0; i < n; i++) most = fmaxf(most, fabsf(want[i]));
  for (int64_t i = 0; i < n; i++) assert_float_equal(got[i], want[i], most * 0x1p-22f);
  if (read_values(file, want, n)) {
    read_bytes(file, blocks, bytes);
    k->types[type].narrow(made, want, n);
    assert_memory_equal(made, blocks, (size_t)bytes);
  }
  fclose(file);
}

/* Sums of four uniform numbers, the same in scripts/golden_quantize.py. */
static void draw_values(float *x, int64_t n) {
  uint32_t state = 1;
  for (int64_t i = 0; i < n; i++) {
    x[i] = -2;
    for (int k = 0; k < 4; k++) x[i] += (float)((state = state * 1664525 + 1013904223) >> 8) * 0x1p-24f;
  }
}

static double error_of(const TypeKernels *t, const float *x, int64_t n, int64_t bytes) {
  void *blocks = malloc((size_t)bytes);
  float *back = array_empty(n);
  double sum = 0;
  t->narrow(blocks, x, n);
  t->widen(back, blocks, n);
  for (int64_t i = 0; i < n; i++) sum += pow((double)(back[i] - x[i]), 2);
  free(blocks);
  return sqrt(sum / (double)n);
}

/* Types whose scales are searched for: the root of the mean squared error is at most GGML's. */
static void search_finds_no_less_than_ggml(void **state) {
  (void)state;
  enum { N = 4096 };
  float *x = array_empty(N);
  draw_values(x, N);
  for (int type = 0; type < TENSOR_WEIGHT_TYPES; type++) {
    double theirs;
    FILE *file = golden("errors");
    char name[16] = "";
    while (fscanf(file, "%15s %lf", name, &theirs) == 2 && strcmp(name, type_of[type].name)) *name = '\0';
    fclose(file);
    if (!*name) continue;
    const double ours =
        error_of(&kernels->types[type], x, N, N / type_of[type].elements * type_of[type].bytes);
    if (!(ours <= theirs && ours > theirs / 2)) fail_msg("%s: %.9g, GGML's is %.9g", name, ours, theirs);
  }
  arrays_free();
}

/* Values that had 16 levels lose less than half of what the scale max |x| / 127 costs; none loses more, and
 * what was q8_0 nothing. */
static void search_meets_the_grid_of_fewer_levels(void **state) {
  (void)state;
  enum { N = 4096, BYTES = N / 32 * 34 };
  static unsigned char blocks[3][BYTES];
  const TypeKernels *t = &kernels->types[TENSOR_Q8_0];
  float *x = array_empty(N), *back = array_empty(N);
  double errors[2][2] = {{0}};
  draw_values(x, N);
  for (int coarse = 0; coarse < 2; coarse++) {
    if (coarse) kernels->types[TENSOR_Q4_1].narrow(blocks[0], x, N);
    if (coarse) kernels->types[TENSOR_Q4_1].widen(x, blocks[0], N);
    t->narrow(blocks[0], x, N);
    quantize_q8_0(blocks[1], x, N);
    for (int which = 0; which < 2; which++) {
      t->widen(back, blocks[which], N);
      for (int i = 0; i < N; i++) errors[coarse][which] += pow((double)(back[i] - x[i]), 2);
    }
  }
  assert_true(errors[0][1] <= errors[0][0] && errors[1][1] < errors[1][0] / 4);
  for (int i = 0; i < N; i++) /* 80 levels: no multiple of them is below 127 */
    x[i] = (float)(i % 32 ? i * 7 % 161 - 80 : 80) / 64;
  quantize_q8_0(blocks[2], x, N);
  t->widen(back, blocks[2], N);
  assert_memory_equal(x, back, N * sizeof *x);
  t->widen(back, blocks[1], N);
  quantize_q8_0(blocks[2], back, N);
  t->widen(x, blocks[2], N);
  assert_memory_equal(x, back, N * sizeof *x);
  arrays_free();
}

/* Zeros, one value, one sign only, an outlier, values near the ends of what scales hold. */
static void blocks_hold_what_is_unusual(void **state) {
  (void)state;
  enum { N = 256, CASES = 6 };
  float *x = array_empty(N), *back = array_empty(N);
  for (int type = 0; type < TENSOR_WEIGHT_TYPES; type++)
    for (int c = 0; c < CASES; c++) {
      const float each[CASES] = {0, -0.75f, 0.5f, 1e-3f, 3e4f, 1e-30f};
      unsigned char blocks[4 * N];
      float most = 0;
      for (int i = 0; i < N; i++) x[i] = each[c] * (c == 2 ? 1 + (float)(i % 7) / 8 : 1);
      if (c == 3) x[77] = -1;
      for (int i = 0; i < N; i++) most = fmaxf(most, fabsf(x[i]));
      kernels->types[type].narrow(blocks, x, N);
      kernels->types[type].widen(back, blocks, N);
      for (int i = 0; i < N; i++)
        if (!(fabsf(back[i] - x[i]) <= most * 0.34f + 1e-29f))
          fail_msg("%s: %g becomes %g", type_of[type].name, (double)x[i], (double)back[i]);
    }
  arrays_free();
}

static void blocks_are_those_of_ggml(void **state) {
  (void)state;
  const Kernels *k;
  for (int i = 0; (k = kernels_available(i)); i++)
    for (int type = 0; type < TENSOR_WEIGHT_TYPES; type++)
      if (type_of[type].elements > 1) check_golden(k, (TensorType)type);
}

/* ---- rows ---- */

/* n steps: a row times panels side by side has the bits of gemm_block with each, widened. */
enum { PANELS = 2 * ROW_PANELS + 2 };

static void check_row(const Kernels *k, TensorType type, int64_t n, const void *panels, const float *wide) {
  const int64_t nr = k->gemm_nr();
  const int64_t together = ROW_PANELS * nr,
                widths[] = {1, nr - 1, nr, together - 1, together + 3, PANELS * nr - 5};
  const float *x = array_random(n, 1), *bias = array_random(PANELS * nr, 1);
  for (size_t w = 0; w < sizeof widths / sizeof *widths; w++)
    for (int biased = 0; biased < 2; biased++) {
      const int64_t cols = widths[w];
      float *got = array_empty(cols), *want = array_empty(cols);
      k->types[type].row(got, biased ? bias : NULL, x, panels, n, n, cols);
      for (int64_t j = 0; j < cols; j += nr)
        k->gemm_block(want + j, 0, biased ? bias + j : NULL, 0, x, n + 1, wide + j * n, nr, n, 1,
                      cols - j < nr ? cols - j : nr);
      same_bits(got, want, cols);
    }
}

/* ---- integers ---- */

enum { MOST_RUNS = 16 };
typedef struct Row {
  int8_t q[MOST_RUNS * 32];
  IntegerRun runs[MOST_RUNS];
  Outliers outliers[MOST_RUNS * 32 / LEVELS_STEPS];
} Row;

static double outlier_at(const Outliers *outliers, int64_t i) {
  const Outliers *o = &outliers[i / LEVELS_STEPS];
  for (int e = 0; e < o->count; e++)
    if (o->step[e] == i % LEVELS_STEPS) return (double)o->x[e];
  return 0;
}

static double value_of(const Row *row, int64_t i) {
  return (double)row->runs[i / 32].scale * row->q[i] + outlier_at(row->outliers, i);
}

static void quantize(const Kernels *k, Row *row, const float *x, int64_t n) {
  memset(row, 0x55, sizeof *row);
  k->quantize(row->q, row->runs, row->outliers, x, n);
}

static int outliers_in(const Row *row, int run) {
  int count = 0;
  for (int i = 0; i < 32; i++) count += outlier_at(row->outliers, 32 * run + i) != 0;
  return count;
}

/* Of a run, without its outliers, which are exact. */
static void check_run(const Row *row, const float *x, int run) {
  double most = 0;
  int32_t sum[2] = {0, 0};
  const IntegerRun *of = &row->runs[run];
  for (int i = 32 * run; i < 32 * run + 32; i++)
    if (outlier_at(row->outliers, i) == 0) most = fmax(most, fabs((double)x[i]));
  near(of->scale, most / 127, EPSILON * most, run);
  for (int i = 32 * run; i < 32 * run + 32; i++) {
    const double step = most / 127, nearest = rint((double)x[i] / step);
    sum[i / 16 % 2] += row->q[i];
    if (outlier_at(row->outliers, i) != 0) {
      assert_true(row->q[i] == 0 && outlier_at(row->outliers, i) == (double)x[i]);
      continue;
    }
    near((float)row->q[i], nearest, fabs((double)x[i] / step - nearest) > 0.499 ? 1 : 0, i);
    near((float)value_of(row, i), x[i], step * 0.501, i);
  }
  assert_true(of->half[0] == sum[0] && of->half[1] == sum[1] && of->sum == sum[0] + sum[1]);
}

/* What dominates its run is left out of the integers; ties go to the even integer. */
static void integers_are_the_nearest(void **state) {
  (void)state;
  Row row;
  const Kernels *k;
  for (int i = 0; (k = kernels_available(i)); i++) {
    now.k = k;
    for (int form = 0; form < 3; form++) {
      float *x = array_random(352, 1);
      if (form == 1) x[5] = -9, x[40] = 1e4f, x[63] = -60, x[300] = 9, x[310] = 1e3f, x[319] = 1e6f;
      for (int j = 32; j < 64 && form == 2; j++) x[j] = j >= 62 ? 127 : (float)(j - 48) + 0.5f;
      quantize(k, &row, x, 352);
      for (int run = 0; run < 11; run++) check_run(&row, x, run);
      const int first = form == 1, second = form == 1 ? 2 : 0;
      assert_true(outliers_in(&row, 0) == first && outliers_in(&row, 1) == second);
      assert_true(outliers_in(&row, 2) == 0 && outliers_in(&row, 9) == second &&
                  row.outliers[1].count == second);
      if (form == 2)
        for (int j = 32; j < 62; j++) assert_int_equal(row.q[j], (int)rint((double)x[j]));
    }
    arrays_free();
  }
}

static void zeros_and_no_numbers(void **state) {
  (void)state;
  Row row;
  const Kernels *k;
  for (int i = 0; (k = kernels_available(i)); i++) {
    float x[96] = {0};
    x[33] = INFINITY, x[95] = NAN;
    quantize(k, &row, x, 96);
    assert_true(row.runs[0].scale == 0 && row.runs[0].sum == 0 && row.outliers[0].count == 0);
    assert_true(isnan(row.runs[1].scale) && isnan(row.runs[2].scale));
  }
}

/* `row` times panels: the bits of the blocks of gemm_levels, whatever their height, and the sums of the
 * products that the integers stand for. */
static void check_integers(const Kernels *k, TensorType type, int64_t n, const char *panels,
                           const float *wide) {
  enum { TALL = 6 };
  static Levels levels;
  const int64_t nr = k->gemm_nr(), mr = k->levels_mr(), together = ROW_PANELS * nr,
                panel = nr * n / type_of[type].elements * type_of[type].bytes,
                widths[] = {1, nr - 1, nr, together - 1, together + 3, PANELS * nr - 5};
  static int8_t q[TALL * MOST_RUNS * 32];
  static IntegerRun runs[TALL * MOST_RUNS];
  static Outliers outliers[TALL * MOST_RUNS * 32 / LEVELS_STEPS];
  const Integers a = {q, runs, outliers, n};
  float *x = array_random(TALL * n, 1), *bias = array_random(PANELS * nr, 1), *got = array_empty(PANELS * nr),
        *block = array_empty(TALL * nr), *alone = array_empty(TALL * nr);
  assert_in_range(mr, 1, TALL);
  for (int i = 0; i < TALL; i++) {
    if ((i + n / 32) % 2) x[i * n + n - 9] = 20; /* dominates its run; in odd or in even rows */
    k->quantize(q + i * n, runs + i * n / 32, outliers + i * outliers_of(n), x + i * n, n);
  }
  for (size_t w = 0; w < sizeof widths / sizeof *widths; w++) {
    const int64_t cols = widths[w];
    for (int64_t j = 0; j < cols; j += nr) {
      const float *from = w % 2 ? bias + j : NULL;
      const int64_t width = cols - j < nr ? cols - j : nr;
      k->types[type].row_of_integers(got + j, from, &a, panels + j / nr * panel, n, width);
      k->types[type].unpack(&levels, panels + j / nr * panel, n);
      for (int64_t i = 0; i < mr; i++) {
        const Integers row = {q + i * n, runs + i * n / 32, outliers + i * outliers_of(n), n};
        k->gemm_levels(alone + i * nr, nr, from, 0, &row, &levels, n, 1, width);
      }
      same_bits(got + j, alone, width);
      for (int64_t rows = 1; rows <= mr; rows++) {
        k->gemm_levels(block, nr, from, 0, &a, &levels, n, rows, width);
        for (int64_t i = 0; i < rows; i++) same_bits(block + i * nr, alone + i * nr, width);
      }
    }
    for (int64_t j = 0; j < cols; j++) {
      double want = w % 2 ? (double)bias[j] : 0, size = fabs(want);
      for (int64_t p = 0; p < n; p++) {
        const double value = (double)runs[p / 32].scale * q[p] + outlier_at(outliers, p),
                     product = value * (double)wide[j / nr * n * nr + p * nr + j % nr];
        want += product, size += fabs(product);
      }
      near(got[j], want, 64 * EPSILON * size, j);
    }
  }
}

/* Panels of columns stored along k, in blocks, and what they hold, as floats: [panels][n][nr]. */
static void fill_stored_panels(const Kernels *k, const TypeKernels *t, int64_t n, int64_t row_bytes,
                               char *panels, float *wide) {
  const int64_t nr = k->gemm_nr();
  char *rows = malloc((size_t)(nr * row_bytes) + 1);
  const float *values = array_random(nr * n, 1);
  float *column = array_empty(n);
  for (int64_t panel = 0; panel < PANELS; panel++) {
    float *out = wide + panel * n * nr;
    for (int64_t j = 0; j < nr; j++) {
      t->narrow(rows + j * row_bytes, values + (j + panel) % nr * n, n);
      t->widen(column, rows + j * row_bytes, n);
      for (int64_t p = 0; p < n; p++) out[p * nr + j] = column[p];
    }
    t->panel(panels + panel * nr * row_bytes, rows, row_bytes, nr, n);
  }
  free(rows);
}

/* Every type of the list; of blocks at most 256 steps, as products have. */
static void check_row_types(const Kernels *k, int64_t n) {
  for (int i = 0; i < TENSOR_WEIGHT_TYPES; i++) {
    const TypeKernels *t = &k->types[i];
    const int64_t block = type_of[i].elements, length = (n + block - 1) / block * block,
                  count = PANELS * length * k->gemm_nr();
    if (block > 1 && (length > LEVELS_STEPS || !length)) continue;
    float *wide = array_empty(count);
    char *panels = malloc((size_t)(count / block * type_of[i].bytes) + 1);
    if (t->panel) {
      fill_stored_panels(k, t, length, length / block * type_of[i].bytes, panels, wide);
      check_integers(k, (TensorType)i, length, panels, wide);
    } else {
      t->narrow(panels, array_random(count, 1), count);
      t->widen(wide, panels, count);
      check_row(k, (TensorType)i, length, panels, wide);
    }
    free(panels);
    arrays_free();
  }
}

static void rows_have_the_bits_of_blocks(void **state) {
  each_length(check_row_types);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(blocks_are_those_of_ggml),
                                     cmocka_unit_test(search_finds_no_less_than_ggml),
                                     cmocka_unit_test(search_meets_the_grid_of_fewer_levels),
                                     cmocka_unit_test(blocks_hold_what_is_unusual),
                                     cmocka_unit_test(integers_are_the_nearest),
                                     cmocka_unit_test(zeros_and_no_numbers),
                                     cmocka_unit_test(rows_have_the_bits_of_blocks)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
