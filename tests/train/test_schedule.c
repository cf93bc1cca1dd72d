/* Learning-rate schedules against their formulas. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "train/optimizer.h"

#include <cmocka.h> /* last: it defines fail() */

static const double pi = 3.14159265358979323846;
static const char *const names[] = {"cosine", "linear", "inverse-sqrt", "wsd", "constant"};

static double share(const char *schedule, double min_lr, int64_t step, int64_t steps, int64_t warmup) {
  TrainSettings s = {.schedule = (char *)(uintptr_t)schedule, .min_lr = min_lr};
  return schedule_share(&s, step, steps, warmup);
}

static void expect_share(const char *schedule, int64_t step, double expected) {
  const double got = share(schedule, 0.1, step, 110, 10);
  if (fabs(got - expected) > 1e-12)
    fail_msg("%s at step %d is %g, not %g", schedule, (int)step, got, expected);
}

static void warmup_is_linear_for_all(void **state) {
  for (int i = 0; i < 5; i++)
    for (int64_t step = 1; step <= 10; step++) expect_share(names[i], step, (double)step / 10);
}

static void without_warmup_they_begin_high(void **state) {
  for (int i = 0; i < 5; i++) {
    const double first = share(names[i], 0, 1, 1000, 0);
    if (!(first > 0.99 && first <= 1)) fail_msg("%s begins at %g", names[i], first);
  }
}

static void cosine(void **state) {
  for (int64_t step = 10; step <= 110; step++)
    expect_share("cosine", step, 0.1 + 0.9 * (1 + cos(pi * (double)(step - 10) / 100)) / 2);
  expect_share("cosine", 60, 0.55);
}

static void linear(void **state) {
  for (int64_t step = 10; step <= 110; step++) expect_share("linear", step, 1 - 0.009 * (double)(step - 10));
}

/* Vaswani et al. 2017: the peak is where the warm-up ends; --min-lr has no say. */
static void inverse_square_root(void **state) {
  for (int64_t step = 10; step <= 110; step++) expect_share("inverse-sqrt", step, sqrt(10.0 / (double)step));
  expect_share("inverse-sqrt", 40, 0.5);
}

static void warmup_stable_decay(void **state) {
  for (int64_t step = 10; step <= 90; step++) expect_share("wsd", step, 1);
  for (int64_t step = 90; step <= 110; step++) expect_share("wsd", step, 1 - 0.9 * (double)(step - 90) / 20);
}

static void constant(void **state) {
  for (int64_t step = 10; step <= 110; step++) expect_share("constant", step, 1);
}

/* Where the run is over, and where a resumed run is told to go further than its schedule. */
static void they_end_at_the_least_rate(void **state) {
  static const double least[] = {0, 0.25, 1};
  for (int i = 0; i < 3; i++) {
    assert_true(fabs(share("cosine", least[i], 50, 50, 5) - least[i]) < 1e-12);
    assert_true(fabs(share("linear", least[i], 50, 50, 5) - least[i]) < 1e-12);
    assert_true(fabs(share("wsd", least[i], 50, 50, 5) - least[i]) < 1e-12);
  }
}

static void a_run_of_warmup_alone_is_fine(void **state) {
  for (int i = 0; i < 5; i++) assert_true(share(names[i], 0.1, 7, 7, 7) == 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(warmup_is_linear_for_all),
      cmocka_unit_test(without_warmup_they_begin_high),
      cmocka_unit_test(cosine),
      cmocka_unit_test(linear),
      cmocka_unit_test(inverse_square_root),
      cmocka_unit_test(warmup_stable_decay),
      cmocka_unit_test(constant),
      cmocka_unit_test(they_end_at_the_least_rate),
      cmocka_unit_test(a_run_of_warmup_alone_is_fine),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
