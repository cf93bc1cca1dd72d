/* Figures of classifiers, as scikit-learn computes them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include "run/classes.h"

#include <cmocka.h> /* last: it defines a macro `fail` */

/* sklearn.metrics: accuracy_score 0.6; f1_score(average="macro") 0.6111..., over three labels: the fourth is
 * neither right nor chosen. */
static void a_label_that_does_not_occur_is_not_in_the_mean(void **state) {
  static const ClassVerdict verdicts[] = {{0, 0}, {0, 1}, {1, 1}, {2, 1}, {2, 2}};
  ClassResults r = {.labels = 4};
  for (size_t i = 0; i < sizeof verdicts / sizeof *verdicts; i++) vec_push(&r.texts, verdicts[i]);
  assert_true(class_accuracy(&r) > 59.999 && class_accuracy(&r) < 60.001);
  const double f1 = 100 * (2.0 / 3 + 1.0 / 2 + 2.0 / 3) / 3;
  assert_true(class_macro_f1(&r) > f1 - 1e-6 && class_macro_f1(&r) < f1 + 1e-6);
  class_results_free(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_label_that_does_not_occur_is_not_in_the_mean)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
