/* Numbers as people read them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/figure.h"

#include <cmocka.h> /* last: it defines fail() */

static void figures(void **state) {
  char buffer[FIGURE_SIZE];
  assert_string_equal(figure_count(buffer, 0), "0");
  assert_string_equal(figure_count(buffer, 999), "999");
  assert_string_equal(figure_count(buffer, 1000), "1,000");
  assert_string_equal(figure_count(buffer, -1234567), "-1,234,567");
  assert_string_equal(figure_count(buffer, INT64_MAX), "9,223,372,036,854,775,807");
  assert_string_equal(figure_count(buffer, INT64_MIN + 1), "-9,223,372,036,854,775,807");
  assert_string_equal(figure_of(buffer, 0, "line"), "0 lines");
  assert_string_equal(figure_of(buffer, 1, "line"), "1 line");
  assert_string_equal(figure_of(buffer, 2000, "line"), "2,000 lines");
  assert_string_equal(figure_of(buffer, INT64_MIN + 1, "conversation"),
                      "-9,223,372,036,854,775,807 conversations");
  assert_string_equal(figure_time(buffer, 59.4), "59s");
  assert_string_equal(figure_time(buffer, 59.6), "1m00s");
  assert_string_equal(figure_time(buffer, 3600), "1h00m");
  assert_string_equal(figure_time(buffer, 90000), "1d01h");
  assert_string_equal(figure_bytes(buffer, 0), "0 bytes");
  assert_string_equal(figure_bytes(buffer, 1), "1 byte");
  assert_string_equal(figure_bytes(buffer, 999), "999 bytes");
  assert_string_equal(figure_bytes(buffer, 1000), "1.0 kB");
  assert_string_equal(figure_bytes(buffer, 312 << 20), "327 MB");
  assert_string_equal(figure_bytes(buffer, INT64_MAX), "9223 PB");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(figures)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
