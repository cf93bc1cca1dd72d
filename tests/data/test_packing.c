/* Sequences in windows: each once, none overfull, few windows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/random.h"
#include "data/packing.h"

#include <cmocka.h> /* last: it defines fail() */

static int by_value(const void *a, const void *b) {
  const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

static int64_t check(const int64_t *lengths, size_t count, int64_t size) {
  Packing p;
  bool *seen = mem_alloc_zeroed(count + 1, sizeof *seen);
  packing_make(&p, lengths, count, size);
  assert_int_equal(p.order.count, count);
  assert_int_equal(p.starts.data[0], 0);
  const int64_t windows = packing_windows(&p);
  for (int64_t w = 0; w < windows; w++) {
    int64_t tokens = 0;
    assert_true(p.starts.data[w] < p.starts.data[w + 1]);
    for (int64_t i = p.starts.data[w]; i < p.starts.data[w + 1]; i++) {
      const int64_t which = p.order.data[i];
      assert_true(which >= 0 && which < (int64_t)count && !seen[which]);
      seen[which] = true;
      tokens += lengths[which];
    }
    assert_true(tokens <= size);
  }
  assert_int_equal(p.starts.data[windows], count);
  packing_free(&p);
  mem_free(seen);
  return windows;
}

static void windows_are_filled(void **state) {
  (void)state;
  assert_int_equal(check((const int64_t[]){5}, 1, 5), 1);
  assert_int_equal(check((const int64_t[]){1, 1, 1, 1, 1}, 5, 2), 3);
  assert_int_equal(check((const int64_t[]){2, 3, 3, 4, 6, 7, 8}, 7, 10), 4);
  assert_int_equal(check(NULL, 0, 4), 0);
}

static void random_lengths_waste_little(void **state) {
  (void)state;
  enum { COUNT = 5000, SIZE = 256 };
  static int64_t lengths[COUNT];
  int64_t tokens = 0;
  for (int i = 0; i < COUNT; i++) {
    lengths[i] = 1 + (int64_t)random_below(SIZE / 2, 1, 2, (uint64_t)i);
    tokens += lengths[i];
  }
  qsort(lengths, COUNT, sizeof *lengths, by_value);
  const int64_t windows = check(lengths, COUNT, SIZE);
  assert_true((double)tokens / (double)(windows * SIZE) > 0.99);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(windows_are_filled),
                                     cmocka_unit_test(random_lengths_waste_little)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
