/* AdamW against PyTorch, clipping, averaging. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/threads.h"
#include "train/optimizer.h"

#include <cmocka.h> /* last: it defines fail() */

static Settings *settings;

static TrainSettings *with(const char *const *pairs) {
  static const SettingTable *const tables[] = {&train_settings_table};
  Error err = {0};
  ink_settings_free(settings);
  settings = settings_new(tables, 1);
  for (; *pairs; pairs += 2) assert_true(ink_settings_set(settings, pairs[0], pairs[1], &err));
  return settings_part(settings, &train_settings_table);
}

static Params *weight_and_bias(void) {
  static const float w[] = {0.5f, -1, 2, 0.25f}, b[] = {0.1f, -0.2f};
  Params *p = params_new();
  params_declare(p, "weight", 2, (int64_t[]){2, 2}, (Init){INIT_ZERO, 0}, PARAM_MATRIX);
  params_declare(p, "bias", 1, (int64_t[]){2}, (Init){INIT_ZERO, 0}, PARAM_VECTOR);
  params_allocate(p, true);
  memcpy(params_find(p, "weight")->tensor.data, w, sizeof w);
  memcpy(params_find(p, "bias")->tensor.data, b, sizeof b);
  return p;
}

static void set_gradients(Params *p, int64_t step) {
  static const float w[] = {0.3f, -0.2f, 0.05f, 1.5f}, b[] = {-0.4f, 0.02f};
  for (int i = 0; i < 4; i++)
    params_find(p, "weight")->tensor.grad[i] = w[i] * (float)step * (i == 1 && step == 2 ? -1.0f : 1.0f);
  for (int i = 0; i < 2; i++) params_find(p, "bias")->tensor.grad[i] = b[i] * (float)step;
}

static void expect_near(const Params *p, const char *name, const double *expected, int count) {
  const float *x = tensor_f32(&params_find(p, name)->tensor);
  for (int i = 0; i < count; i++)
    if (fabs((double)x[i] - expected[i]) > 2e-7)
      fail_msg("%s[%d] is %.9g, not %.9g", name, i, (double)x[i], expected[i]);
}

/* torch.optim.AdamW in float64: rates .01/3, .02/3, .01; betas .9, .95; decay .1 on the weight, none on the
 * bias. */
static void adamw_is_pytorchs(void **state) {
  static const double weight[] = {0.4798475469943015, -0.9937094399520462, 1.9768493819345851,
                                  0.23034724118385602};
  static const double bias[] = {0.11916500400826997, -0.2191649984739209};
  Params *p = weight_and_bias();
  Optimizer o;
  optimizer_open(&o, p, with((const char *const[]){NULL}), 0.1);
  for (int64_t step = 1; step <= 3; step++) {
    set_gradients(p, step);
    optimizer_step(&o, step, 0.01 * (double)step / 3, 1);
  }
  expect_near(p, "weight", weight, 4);
  expect_near(p, "bias", bias, 2);
  optimizer_close(&o);
  params_free(p);
}

/* torch.optim.Muon (2.15) in float64, adjust_lr_fn match_rms_adamw: rates, decay and gradients as above, of a
 * wide and a tall matrix. */
static void muon_is_pytorchs(void **state) {
  static const double wide[] = {0.496863895747748,   -0.9994128535483431, 1.9982072222720086,
                                0.24550011576590283, 0.7506630563843443,  -0.5005795077585693},
                      tall[] = {0.4959365257747436,  -0.998104339525117, 1.9941780953844535,
                                0.24477467055657773, 0.7554470748592325, -0.4996409562429653};
  static const float w[] = {0.5f, -1, 2, 0.25f, 0.75f, -0.5f}, g[] = {0.3f, -0.2f, 0.05f, 1.5f, -0.7f, 0.4f};
  Params *p = params_new();
  params_declare(p, "tall", 2, (int64_t[]){3, 2}, (Init){INIT_ZERO, 0}, PARAM_MATRIX);
  params_declare(p, "wide", 2, (int64_t[]){2, 3}, (Init){INIT_ZERO, 0}, PARAM_MATRIX);
  params_allocate(p, true);
  Optimizer o;
  for (size_t i = 0; i < 2; i++) memcpy(tensor_f32(&params_at(p, i)->tensor), w, sizeof w);
  optimizer_open(&o, p, with((const char *const[]){"optimizer", "muon", "ema", "0.5", NULL}), 0.1);
  float average = w[3];
  for (int64_t step = 1; step <= 3; step++) {
    for (size_t i = 0; i < 2; i++)
      for (int j = 0; j < 6; j++)
        params_at(p, i)->tensor.grad[j] = 2 * g[j] * (float)step * (j == 1 && step == 2 ? -1.0f : 1.0f);
    optimizer_step(&o, step, 0.01 * (double)step / 3, 0.5);
    average = 0.5f * average + 0.5f * tensor_f32(&params_find(p, "wide")->tensor)[3];
  }
  assert_true(fabsf(optimizer_weights(&o)[params_find(p, "wide")->offset + 3] - average) < 1e-7f);
  expect_near(p, "wide", wide, 6);
  expect_near(p, "tall", tall, 6);
  optimizer_close(&o);
  params_free(p);
}

/* Tables and vectors are AdamW's also then: the bits of a run without Muon. */
static void muon_leaves_tables_to_adamw(void **state) {
  Params *p = params_new(), *q = params_new();
  Params *const both[] = {p, q};
  for (int i = 0; i < 2; i++) {
    params_declare(both[i], "bias", 1, (int64_t[]){4}, (Init){INIT_NORMAL, 1}, PARAM_VECTOR);
    params_declare(both[i], "table", 2, (int64_t[]){2, 4}, (Init){INIT_NORMAL, 1}, PARAM_TABLE);
    params_allocate(both[i], true);
    params_initialize(both[i], 1);
    for (int64_t j = 0; j < params_length(both[i]); j++) params_gradients(both[i])[j] = (float)(j % 5) - 2;
  }
  Optimizer a, b;
  optimizer_open(&a, p, with((const char *const[]){"optimizer", "muon", NULL}), 0.1);
  optimizer_step(&a, 1, 0.1, 1);
  optimizer_close(&a);
  optimizer_open(&b, q, with((const char *const[]){NULL}), 0.1);
  optimizer_step(&b, 1, 0.1, 1);
  optimizer_close(&b);
  assert_memory_equal(params_values(p), params_values(q), (size_t)params_length(p) * sizeof(float));
  params_free(p);
  params_free(q);
}

static void clipping_scales_the_gradient(void **state) {
  Params *p = weight_and_bias(), *q = weight_and_bias();
  const TrainSettings *s =
      with((const char *const[]){"epsilon", "1", NULL}); /* so that the scale shows in one step */
  Optimizer a, b;
  optimizer_open(&a, p, s, 0.1);
  optimizer_open(&b, q, s, 0.1);
  set_gradients(p, 1);
  set_gradients(q, 4);
  assert_true(fabs(gradient_norm(p) - sqrt(0.09 + 0.04 + 0.0025 + 2.25 + 0.16 + 0.0004)) < 1e-6);
  optimizer_step(&a, 1, 0.1, 1);
  optimizer_step(&b, 1, 0.1, 0.25);
  assert_memory_equal(params_values(p), params_values(q), (size_t)params_length(p) * sizeof(float));
  optimizer_close(&a);
  optimizer_close(&b);
  params_free(p);
  params_free(q);
}

/* Many pieces, the last one odd. */
static void threads_change_no_bit(void **state) {
  static const int counts[] = {1, 2, 3, 8};
  const int64_t length = 300001;
  float *first = mem_alloc((size_t)length * sizeof *first);
  double norm = 0;
  for (int i = 0; i < 4; i++) {
    Params *p = params_new();
    params_declare(p, "w", 1, &length, (Init){INIT_NORMAL, 1}, PARAM_TABLE);
    params_allocate(p, true);
    params_initialize(p, 5);
    threads_set(counts[i]);
    Optimizer o;
    optimizer_open(&o, p, with((const char *const[]){NULL}), 0.1);
    memcpy(params_gradients(p), params_values(p), (size_t)length * sizeof *first);
    const double now = gradient_norm(p);
    optimizer_step(&o, 1, 0.1, 1 / now);
    if (i == 0) memcpy(first, params_values(p), (size_t)length * sizeof *first), norm = now;
    assert_true(now == norm && fabs(now - sqrt((double)length)) < 5);
    assert_memory_equal(first, params_values(p), (size_t)length * sizeof *first);
    optimizer_close(&o);
    params_free(p);
  }
  threads_set(0);
  mem_free(first);
}

static void the_average_follows_the_weights(void **state) {
  Params *p = weight_and_bias();
  Optimizer o;
  optimizer_open(&o, p, with((const char *const[]){"ema", "0.75", NULL}), 0.1);
  const float before = params_values(p)[0];
  set_gradients(p, 1);
  optimizer_step(&o, 1, 0.1, 1);
  assert_true(params_values(p)[0] != before);
  assert_true(fabsf(optimizer_weights(&o)[0] - (0.75f * before + 0.25f * params_values(p)[0])) < 1e-7f);
  optimizer_close(&o);
  params_free(p);
}

static int forget_settings(void **state) {
  ink_settings_free(settings);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(adamw_is_pytorchs),           cmocka_unit_test(muon_is_pytorchs),
      cmocka_unit_test(muon_leaves_tables_to_adamw), cmocka_unit_test(clipping_scales_the_gradient),
      cmocka_unit_test(threads_change_no_bit),       cmocka_unit_test(the_average_follows_the_weights),
  };
  return cmocka_run_group_tests(tests, NULL, forget_settings);
}
