/* Every kernel of every instruction set against plain double precision: sums, functions of elements, rows,
 * AdamW. */
#include "arrays.h"

/* ---- sums ---- */

/* Rounding of n terms of that total magnitude, added in at least 16 partial sums. */
static double rounding(int64_t n, double magnitude) {
  return (8 + (double)n / 16) * EPSILON * magnitude;
}

static void check_dot(const Kernels *k, int64_t n) {
  const float *a = array_random(n, 2), *b = array_random(n, 2);
  double sum = 0, magnitude = 0;
  for (int64_t i = 0; i < n; i++) {
    sum += (double)a[i] * (double)b[i];
    magnitude += fabs((double)a[i] * (double)b[i]);
  }
  near(k->dot(a, b, n), sum, rounding(n, magnitude), 0);
}

static void check_sum(const Kernels *k, int64_t n) {
  const float *x = array_random(n, 2);
  double sum = 0, magnitude = 0, squares = 0;
  for (int64_t i = 0; i < n; i++) {
    sum += (double)x[i];
    magnitude += fabs((double)x[i]);
    squares += (double)x[i] * (double)x[i];
  }
  near(k->sum(x, n), sum, rounding(n, magnitude), 0);
  near(k->sum_squares(x, n), squares, rounding(n, squares), 0);
}

static void check_maximum(const Kernels *k, int64_t n) {
  if (n == 0) return;
  float *x = array_random(n, 2);
  for (int64_t top = 0; top < n; top++) {
    const float before = x[top];
    x[top] = 3 + (float)top;
    assert_true(k->maximum(x, n) == x[top]);
    x[top] = before;
  }
  for (int64_t i = 0; i < n; i++) x[i] = -5 - (float)i;
  assert_true(k->maximum(x, n) == -5);
}

/* The order of a sum depends on n alone, not on where the array lies. */
static void check_order(const Kernels *k, int64_t n) {
  const float *a = array_random(n, 2), *b = array_random(n, 2);
  const float dot = k->dot(a, b, n), sum = k->sum(a, n);
  now.offset = 5;
  const float *a2 = array_copy(a, n), *b2 = array_copy(b, n);
  const float dot2 = k->dot(a2, b2, n), sum2 = k->sum(a2, n);
  same_bits(&dot2, &dot, 1);
  same_bits(&sum2, &sum, 1);
}

static void sums(void **state) {
  each_length(check_dot);
  each_length(check_sum);
  each_length(check_maximum);
  each_length(check_order);
}

/* ---- y and x ---- */

static void check_linear(const Kernels *k, int64_t n) {
  const float *y0 = array_random(n, 2), *a = array_random(n, 2), *b = array_random(n, 2);
  float *axpy = array_copy(y0, n), *add = array_copy(y0, n), *products = array_copy(y0, n),
        *scaled = array_empty(n);
  k->axpy(axpy, 1.7f, a, n);
  k->add(add, a, n);
  k->multiply_add(products, a, b, n);
  k->scale(scaled, -0.3f, a, n);
  for (int64_t i = 0; i < n; i++) {
    const double y = (double)y0[i], ai = (double)a[i];
    near(axpy[i], y + (double)1.7f * ai, 8 * EPSILON, i);
    near(products[i], y + ai * (double)b[i], 8 * EPSILON, i);
    assert_true(add[i] == y0[i] + a[i]);
    assert_true(scaled[i] == -0.3f * a[i]);
  }
  k->scale(scaled, 2, scaled, n); /* in place */
  for (int64_t i = 0; i < n; i++) assert_true(scaled[i] == 2 * (-0.3f * a[i]));
}

static void linear_kernels(void **state) {
  each_length(check_linear);
}

/* ---- functions ---- */

static double sigmoid_of(double x) {
  return 1 / (1 + exp(-x));
}
static double inner_of(double x) {
  return 0.79788456080286535588 * (x + 0.044715 * x * x * x); /* sqrt(2 / pi) */
}
static double gelu_of(double x) {
  return 0.5 * x * (1 + tanh(inner_of(x)));
}
static double gelu_slope_of(double x) {
  const double t = tanh(inner_of(x));
  return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * 0.79788456080286535588 * (1 + 3 * 0.044715 * x * x);
}

typedef struct Function {
  const char *name;
  void (*const *kernel)(float *y, const float *x, int64_t n); /* its place in the table in use */
  double (*reference)(double);
  double lowest, highest;    /* where the bounds are met */
  double relative, absolute; /* in units of EPSILON, a half unit in the last place at 1 */
} Function;

#define FUNCTION(name) #name, &now_table.name
static Kernels now_table;

static void exp_of(float *y, const float *x, int64_t n) {
  now_table.exp_shifted(y, x, 0, n);
}
static void (*const exponential)(float *, const float *, int64_t) = exp_of;

static const Function functions[] = {
    {"exp_shifted", &exponential, exp, -87.33, 88.722, 4, 0},
    {FUNCTION(sigmoid), sigmoid_of, -87, 120, 6, 0},
    {FUNCTION(tangent), tanh, -50, 50, 6, 0},
    {FUNCTION(gelu_tanh), gelu_of, -30, 30, 6,
     1}, /* where 2u is large, its rounding shows in the exponential */
};
enum { FUNCTIONS = sizeof functions / sizeof *functions };

static void check_accuracy(const Function *f) {
  enum { POINTS = 20011 };
  float *x = array_empty(POINTS), *y = array_empty(POINTS);
  for (int range = 0; range < 2; range++) { /* the whole, and closely around 0 */
    const double low = range ? -1 : f->lowest, high = range ? 1 : f->highest;
    for (int i = 0; i < POINTS; i++) x[i] = (float)(low + (high - low) * i / (POINTS - 1));
    (*f->kernel)(y, x, POINTS);
    for (int i = 0; i < POINTS; i++) {
      const double want = f->reference((double)x[i]);
      const double allowed = f->relative * fabs(want) + f->absolute * fmin(1, fabs((double)x[i]));
      if (fabs((double)y[i] - want) > allowed * EPSILON + 0x1p-126)
        fail_msg("%s of %s at %.9g: %.9g instead of %.9g, %.1f units", f->name, now.k->isa, (double)x[i],
                 (double)y[i], want, fabs((double)y[i] - want) / (fabs(want) * EPSILON));
    }
  }
  arrays_free();
}

/* A value does not depend on its place or neighbours; y may be x. */
static void check_places(const Kernels *k, int64_t n) {
  now_table = *k;
  for (int f = 0; f < FUNCTIONS; f++) {
    float *x = array_random(n, 10), *y = array_empty(n), *alone = array_empty(n);
    (*functions[f].kernel)(y, x, n);
    for (int64_t i = 0; i < n; i++) {
      (*functions[f].kernel)(alone + i, x + i, 1);
      near(y[i], functions[f].reference((double)x[i]), 1e-5 * (1 + fabs((double)y[i])), i);
    }
    same_bits(y, alone, n);
    (*functions[f].kernel)(x, x, n);
    same_bits(x, alone, n);
    arrays_free();
  }
}

static void functions_of_elements(void **state) {
  const Kernels *k;
  for (int i = 0; (k = kernels_available(i)); i++) {
    now_table = *(now.k = k);
    for (int f = 0; f < FUNCTIONS; f++) check_accuracy(&functions[f]);
  }
  each_length(check_places);
}

static const struct {
  float x, exponential, sigmoid, tangent;
} special[] = {
    {0, 1, 0.5f, 0},   {INFINITY, INFINITY, 1, 1}, {-INFINITY, 0, 0, -1}, {1000, INFINITY, 1, 1},
    {-1000, 0, 0, -1}, {3e38f, INFINITY, 1, 1},    {-3e38f, 0, 0, -1},    {NAN, NAN, NAN, NAN},
};

static void equal_or_nan(float got, float want) {
  if (isnan(want) ? !isnan(got) : got != want)
    fail_msg("%s, n = %lld: %g instead of %g", now.k->isa, (long long)now.n, (double)got, (double)want);
}

/* Each special value at the beginning, in the middle and at the end; its neighbours stay what they are. */
static void check_special(const Kernels *k, int64_t n) {
  if (n == 0) return;
  const float *x = array_random(n, 1);
  float *with = array_copy(x, n), *y = array_empty(n);
  for (size_t s = 0; s < sizeof special / sizeof *special; s++)
    for (int64_t at = 0; at < n; at += n / 3 + 1) {
      with[at] = special[s].x;
      k->exp_shifted(y, with, 0, n);
      equal_or_nan(y[at], special[s].exponential);
      if (at > 0) near(y[at - 1], exp((double)x[at - 1]), 4 * EPSILON * 3, at - 1);
      k->sigmoid(y, with, n);
      equal_or_nan(y[at], special[s].sigmoid);
      k->tangent(y, with, n);
      equal_or_nan(y[at], special[s].tangent);
      if (isnan(special[s].x)) {
        assert_true(isnan(k->exp_shifted(y, with, 0, n)) && isnan(k->sum(with, n)) &&
                    isnan(k->dot(with, x, n)));
        k->gelu_tanh(y, with, n);
        assert_true(isnan(y[at]));
      }
      assert_true(k->all_finite(with, n) == (bool)isfinite(with[at]));
      with[at] = x[at];
    }
  assert_true(k->all_finite(with, n));
}

static void special_values(void **state) {
  each_length(check_special);
}

static void check_gelu_backward(const Kernels *k, int64_t n) {
  const float *x = array_random(n, 6), *dy = array_random(n, 2);
  float *d = array_copy(dy, n);
  k->gelu_tanh_backward(d, x, n);
  for (int64_t i = 0; i < n; i++) near(d[i], (double)dy[i] * gelu_slope_of((double)x[i]), 40 * EPSILON, i);
}

static void check_swiglu(const Kernels *k, int64_t n) {
  const float *gate = array_random(n, 8), *up = array_random(n, 2), *dy = array_random(n, 2);
  float *y = array_empty(n), *dgate = array_copy(dy, n), *dup = array_empty(n);
  k->swiglu(y, gate, up, n);
  k->swiglu_backward(dgate, dup, gate, up, n);
  for (int64_t i = 0; i < n; i++) {
    const double g = (double)gate[i], u = (double)up[i], d = (double)dy[i], s = sigmoid_of(g);
    near(y[i], g * s * u, 8 * EPSILON * fabs(g * s * u), i);
    near(dgate[i], d * u * s * (1 + g * (1 - s)), 60 * EPSILON, i);
    near(dup[i], d * g * s, 60 * EPSILON, i);
  }
}

static void gated_functions(void **state) {
  each_length(check_gelu_backward);
  each_length(check_swiglu);
}

static void check_dropout(const Kernels *k, int64_t n) {
  const uint64_t key = 0x123456789abcdefu;
  const int32_t dropped = 20000;
  const float *x = array_random(n, 2);
  float *y = array_empty(n);
  for (uint64_t first = 0; first <= 64; first += 4) {
    k->dropout(y, x, key, first, dropped, 1.5f, n);
    for (int64_t i = 0; i < n; i++) {
      const uint64_t e = first + (uint64_t)i, bits = random_mix(key ^ e / 4) >> 16 * (e % 4) & 0xffff;
      assert_true(y[i] == ((int32_t)bits < dropped ? 0 : x[i] * 1.5f));
    }
  }
  k->dropout(y, x, key, 0, 0, 1, n); /* nothing dropped; 65536: everything */
  same_bits(y, x, n);
  k->dropout(y, x, key, 0, 65536, 1, n);
  for (int64_t i = 0; i < n; i++) assert_true(y[i] == 0);
}

static void dropout_follows_its_bits(void **state) {
  each_length(check_dropout);
}

/* ---- rows ---- */

static void check_exp_shifted(const Kernels *k, int64_t n) {
  float *x = array_random(n, 20), *y = array_empty(n);
  if (n > 1) x[n / 2] = -INFINITY; /* a masked score */
  const float total = k->exp_shifted(y, x, 20, n);
  double sum = 0;
  for (int64_t i = 0; i < n; i++) {
    const double want = exp((double)x[i] - 20);
    near(y[i], want, 4 * EPSILON * want + 40 * EPSILON * want, i); /* x - 20 is rounded before */
    sum += (double)y[i];
  }
  if (n > 1) assert_true(y[n / 2] == 0);
  near(total, sum, rounding(n, sum), 0);
  const float alone = k->sum_exp(x, 20, n);
  same_bits(&alone, &total, 1);
  k->exp_shifted(x, x, 20, n); /* in place */
  same_bits(x, y, n);
}

static void check_rmsnorm(const Kernels *k, int64_t n) {
  if (n == 0) return;
  const float *x = array_random(n, 3), *w = array_random(n, 2), *dy = array_random(n, 2);
  const float *before = array_random(n, 1);
  float *y = array_empty(n), *dx = array_copy(before, n);
  const float got = k->rmsnorm(y, x, w, 1e-5f, n);
  double squares = 0, shared = 0, magnitude = 0;
  for (int64_t i = 0; i < n; i++) {
    squares += (double)x[i] * (double)x[i];
    shared += (double)x[i] * (double)w[i] * (double)dy[i];
    magnitude += fabs((double)x[i] * (double)w[i] * (double)dy[i]);
  }
  const double r = 1 / sqrt(squares / (double)n + (double)1e-5f), slack = 20 + (double)n / 16;
  near(got, r, slack * EPSILON * r, 0);
  k->rmsnorm_backward(dx, x, w, dy, (float)r, n);
  for (int64_t i = 0; i < n; i++) {
    const double own = r * (double)w[i] * (double)dy[i], other = (double)x[i] * r * r * r / (double)n;
    near(y[i], (double)x[i] * r * (double)w[i], slack * EPSILON * fabs((double)x[i] * r * (double)w[i]), i);
    near(dx[i], (double)before[i] + own - other * shared,
         slack * EPSILON * (1 + fabs(own) + fabs(other) * magnitude), i);
  }
}

/* mean, r and the two means of layernorm's gradient: of g and of g xhat, with g = w dy. */
typedef struct Row {
  double mean, r, g, gx;
} Row;

static Row row_of(const float *x, const float *w, const float *dy, int64_t n) {
  Row a = {0};
  double squares = 0;
  for (int64_t i = 0; i < n; i++) a.mean += (double)x[i] / (double)n;
  for (int64_t i = 0; i < n; i++) squares += ((double)x[i] - a.mean) * ((double)x[i] - a.mean);
  a.r = 1 / sqrt(squares / (double)n + (double)1e-5f);
  for (int64_t i = 0; i < n; i++) {
    const double g = (double)w[i] * (double)dy[i] / (double)n;
    a.g += g;
    a.gx += g * ((double)x[i] - a.mean) * a.r;
  }
  return a;
}

static void check_layernorm(const Kernels *k, int64_t n) {
  if (n < 3) return; /* the variance of one element is nothing but epsilon */
  const float *x = array_random(n, 3), *w = array_random(n, 2), *b = array_random(n, 2),
              *dy = array_random(n, 2);
  const float *before = array_random(n, 1);
  float *y = array_empty(n), *dx = array_copy(before, n), mean, r;
  const Row want = row_of(x, w, dy, n);
  k->layernorm(y, &mean, &r, x, w, b, 1e-5f, n);
  const double slack = (40 + (double)n / 8) * EPSILON * (1 + want.r);
  near(mean, want.mean, 3 * slack, 0);
  near(r, want.r, slack * want.r * want.r * 9, 0);
  k->layernorm_backward(dx, x, w, dy, mean, r, n);
  for (int64_t i = 0; i < n; i++) {
    const double xhat = ((double)x[i] - want.mean) * want.r, g = (double)w[i] * (double)dy[i];
    near(y[i], xhat * (double)w[i] + (double)b[i], 20 * slack, i);
    near(dx[i], (double)before[i] + want.r * (g - want.g - xhat * want.gx), 40 * slack * (1 + want.r), i);
  }
}

static void layernorm_of_equal_values_is_the_bias(void **state) {
  const Kernels *k;
  for (int i = 0; (k = kernels_available(i)); i++) {
    float x[40], w[40], b[40], y[40], mean, r;
    for (int j = 0; j < 40; j++) x[j] = 7, w[j] = 2, b[j] = (float)j;
    k->layernorm(y, &mean, &r, x, w, b, 1e-5f, 40);
    for (int j = 0; j < 40; j++) assert_true(y[j] == (float)j);
    assert_true(mean == 7 && fabsf(r - 316.22777f) < 1e-3f);
  }
}

static void rows(void **state) {
  each_length(check_exp_shifted);
  each_length(check_rmsnorm);
  each_length(check_layernorm);
}

/* ---- AdamW ---- */

static void check_adamw(const Kernels *k, int64_t n) {
  enum { STEPS = 3 };
  const float clip = 0.5f, lr = 0.01f, b1 = 0.9f, b2 = 0.95f, epsilon = 1e-8f, decay = 0.1f;
  const float *w0 = array_random(n, 1);
  float *w = array_copy(w0, n), *m = array_empty(n), *v = array_empty(n), *g[STEPS];
  for (int64_t i = 0; i < n; i++) m[i] = v[i] = 0;
  for (int t = 0; t < STEPS; t++) {
    g[t] = array_random(n, 1);
    k->adamw(w, m, v, g[t], clip, lr, b1, b2, 1 - powf(b1, (float)t + 1), 1 - powf(b2, (float)t + 1), epsilon,
             decay, n);
  }
  for (int64_t i = 0; i < n; i++) {
    double wi = (double)w0[i], mi = 0, vi = 0;
    for (int t = 0; t < STEPS; t++) {
      const double gi = (double)g[t][i] * (double)clip, c1 = 1 - pow((double)b1, t + 1),
                   c2 = 1 - pow((double)b2, t + 1);
      mi = (double)b1 * mi + (1 - (double)b1) * gi;
      vi = (double)b2 * vi + (1 - (double)b2) * gi * gi;
      wi -= (double)lr * (mi / c1 / (sqrt(vi / c2) + (double)epsilon) + (double)decay * wi);
    }
    near(w[i], wi, 16 * EPSILON, i);
    near(m[i], mi, 16 * EPSILON, i);
    near(v[i], vi, 16 * EPSILON, i);
  }
}

static void adamw(void **state) {
  each_length(check_adamw);
}

/* ---- the choice of a table ---- */

static void tables_are_selected_by_name(void **state) {
  const Kernels *k, *best = NULL;
  for (int i = 0; (k = kernels_available(i)); i++) {
    assert_true(kernels_select(k->isa));
    assert_ptr_equal(kernels, k);
    best = k;
  }
  assert_string_equal(kernels_available(0)->isa, "scalar");
  assert_true(kernels_select("scalar"));
  assert_false(kernels_select("abacus"));
  assert_string_equal(kernels->isa, "scalar"); /* left as it was */
  setenv("INKSTONE_ISA", "", 1);
  assert_true(kernels_select(NULL));
  assert_ptr_equal(kernels, best);
  setenv("INKSTONE_ISA", "scalar", 1);
  assert_true(kernels_select(NULL));
  assert_string_equal(kernels->isa, "scalar");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sums),
      cmocka_unit_test(linear_kernels),
      cmocka_unit_test(functions_of_elements),
      cmocka_unit_test(special_values),
      cmocka_unit_test(gated_functions),
      cmocka_unit_test(dropout_follows_its_bits),
      cmocka_unit_test(rows),
      cmocka_unit_test(layernorm_of_equal_values_is_the_bias),
      cmocka_unit_test(adamw),
      cmocka_unit_test(tables_are_selected_by_name),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
