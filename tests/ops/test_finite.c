/* Stored weights are finite exactly if the values that they are widened to are. */
#include "ops/finite.h"

#include <math.h>
#include <stdlib.h>

#include "tape_tools.h"

enum { MOST = 2 * 256, BYTES = 4 * MOST };

/* Random bytes, of which some scales and elements are infinite or no numbers. */
static bool check_some(TensorType type, int64_t n) {
  unsigned char stored[BYTES];
  float values[MOST];
  bool finite = true;
  for (size_t i = 0; i < type_bytes(type, n); i++) stored[i] = (unsigned char)(rand() >> 8);
  type_widen(type, values, stored, 0, n);
  for (int64_t i = 0; i < n; i++) finite &= isfinite(values[i]) != 0;
  if (type_finite(type, stored, n) != finite)
    fail_msg("%s: finite are %s", type_info(type)->name, finite ? "all" : "not all");
  return finite;
}

static void finite_are_those_whose_values_are(void **state) {
  (void)state;
  enum { TRIALS = 1000, SOME = 37 };
  srand(1);
  for (int type = 0; type < TENSOR_WEIGHT_TYPES; type++) {
    const int64_t block = type_info((TensorType)type)->block;
    int finite = 0;
    for (int t = 0; t < TRIALS; t++) finite += check_some((TensorType)type, block > 1 ? 2 * block : SOME);
    assert_in_range(finite, 1, TRIALS - 1);
  }
}

/* Each place of a tensor whose other elements are 1. */
static void one_is_enough(void **state) {
  (void)state;
  enum { COUNT = 67 };
  static const float bad[] = {INFINITY, -INFINITY, NAN};
  for (int i = 0; i < 3 * COUNT; i++) {
    float x[COUNT];
    for (int k = 0; k < COUNT; k++) x[k] = k % 2 ? -3.4e38f : 1;
    assert_true(type_finite(TENSOR_F32, x, COUNT));
    x[i / 3] = bad[i % 3];
    assert_false(type_finite(TENSOR_F32, x, COUNT));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(finite_are_those_whose_values_are),
                                     cmocka_unit_test(one_is_enough)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
