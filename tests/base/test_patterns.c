/* Lists of patterns of dotted names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/patterns.h"

#include <cmocka.h>

static const char name[] = "model.layers.1.mlp.up_proj.weight";

static void whole_parts_match(void **state) {
  static const char *const yes[] = {name,     "model",   "layers.1", "mlp",          "up_proj.weight",
                                    "weight", "*.mlp.*", "*proj*",   "layers.[0-1]", "layers.?.mlp",
                                    "x,mlp",  ",mlp,"};
  static const char *const no[] = {"",    ",",   "layers.10", "layer", "lp", "odel", "layers.1.up_proj",
                                   "x,y", "mlp."};
  for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
    if (!patterns_match(yes[i], name)) fail_msg("\"%s\" does not match", yes[i]);
  for (size_t i = 0; i < sizeof no / sizeof *no; i++)
    if (patterns_match(no[i], name)) fail_msg("\"%s\" matches", no[i]);
  assert_false(patterns_match(NULL, name));
}

static void they_are_counted(void **state) {
  char pattern[PATTERN_CAPACITY];
  assert_true(patterns_at("a,,b.*", 1, pattern));
  assert_string_equal(pattern, "b.*");
  assert_false(patterns_at("a,,b.*", 2, pattern));
  assert_false(patterns_at(NULL, 0, pattern));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(whole_parts_match), cmocka_unit_test(they_are_counted)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
