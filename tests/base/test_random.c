/* Random numbers: the same on every machine, of the right distribution; permutations that are ones. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/random.h"

#include <cmocka.h> /* last: it defines fail() */

/* From the definition, computed in Python with a splitmix64 that gives the published e220a8397b1dcdaf for 0.
 */
static void the_numbers_are_the_same_everywhere(void **state) {
  assert_true(random_bits(0, 0, 0) == 0x238275bc38fcbe91);
  assert_true(random_bits(1, 2, 3) == 0xd0734750fde362b3);
  assert_true(random_bits(UINT64_MAX, 5, 1ull << 63) == 0x7b90a19bcb52d8e8);
  assert_true(fabs(random_normal(1, 2, 3) - 1.1931383653235457) < 1e-14);
  assert_true(fabs(random_normal(1, 2, 4) - 0.21354921507393493) < 1e-14);
  assert_true(random_stream("dropout") != random_stream("shuffle"));
}

enum { DRAWS = 200000 };

/* Mean and variance of draws from f lie within five standard errors of what they should be. */
static void check_moments(double (*f)(uint64_t, uint64_t, uint64_t), double mean, double variance,
                          double fourth) {
  double sum = 0, squares = 0;
  for (uint64_t i = 0; i < DRAWS; i++) {
    const double x = f(7, 11, i) - mean;
    sum += x;
    squares += x * x;
  }
  assert_true(fabs(sum / DRAWS) < 5 * sqrt(variance / DRAWS));
  assert_true(fabs(squares / DRAWS - variance) < 5 * sqrt((fourth - variance * variance) / DRAWS));
}

static void unit_is_uniform(void **state) {
  check_moments(random_unit, 0.5, 1.0 / 12, 1.0 / 80);
  for (uint64_t i = 0; i < DRAWS; i++) assert_true(random_unit(1, 2, i) >= 0 && random_unit(1, 2, i) < 1);
}

static void normal_is_normal(void **state) {
  check_moments(random_normal, 0, 1, 3);
  int beyond = 0;
  for (uint64_t i = 0; i < DRAWS; i++) beyond += fabs(random_normal(3, 4, i)) > 1.959964;
  assert_true(fabs(beyond / (double)DRAWS - 0.05) < 5 * sqrt(0.05 * 0.95 / DRAWS));
}

static void below_is_even(void **state) {
  int counts[7] = {0};
  for (uint64_t i = 0; i < DRAWS; i++) counts[random_below(7, 1, 2, i)]++;
  for (int i = 0; i < 7; i++) assert_true(fabs(counts[i] - DRAWS / 7.0) < 5 * sqrt(DRAWS / 7.0));
  assert_int_equal(random_below(1, 1, 2, 3), 0);
}

static void a_permutation_has_each_index_once(void **state) {
  static unsigned char seen[5000];
  const uint64_t sizes[] = {1, 2, 3, 4, 5, 16, 17, 64, 65, 1000, 4096, 5000};
  for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++)
    for (uint64_t seed = 0; seed < 5; seed++) {
      memset(seen, 0, sizeof seen);
      for (uint64_t i = 0; i < sizes[k]; i++) {
        const uint64_t at = random_permute(i, sizes[k], seed, 9);
        assert_true(at < sizes[k]);
        assert_int_equal(seen[at]++, 0);
      }
    }
}

static void permutations_of_huge_ranges(void **state) {
  const uint64_t n = (1ull << 63) + 12345;
  for (uint64_t i = 0; i < 1000; i++) {
    assert_true(random_permute(n - 1 - i, n, 1, 2) < n);
    assert_true(random_permute(i, UINT64_MAX, 1, 2) != random_permute(i + 1, UINT64_MAX, 1, 2));
  }
}

/* Over many seeds each element comes first equally often, and two seeds rarely agree. */
static void permutations_differ_by_seed(void **state) {
  enum { N = 10, SEEDS = 20000 };
  int first[N] = {0}, same = 0;
  for (uint64_t seed = 0; seed < SEEDS; seed++) {
    first[random_permute(0, N, seed, 1)]++;
    for (uint64_t i = 0; i < N; i++)
      same += random_permute(i, N, seed, 1) == random_permute(i, N, seed + 1, 1);
  }
  for (int i = 0; i < N; i++) assert_true(fabs(first[i] - SEEDS / (double)N) < 5 * sqrt(SEEDS / (double)N));
  assert_true(fabs(same / (double)SEEDS - 1) <
              0.1); /* two random permutations agree in one place on average */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_numbers_are_the_same_everywhere),
      cmocka_unit_test(unit_is_uniform),
      cmocka_unit_test(normal_is_normal),
      cmocka_unit_test(below_is_even),
      cmocka_unit_test(a_permutation_has_each_index_once),
      cmocka_unit_test(permutations_of_huge_ranges),
      cmocka_unit_test(permutations_differ_by_seed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
