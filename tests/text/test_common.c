/* The longest common subsequence: its length and the way back as a full table has them, in far less memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/random.h"
#include "text/common.h"

#include <cmocka.h> /* last: it defines fail() */

enum { MOST = 200 };

static int32_t larger(int32_t a, int32_t b) {
  return a > b ? a : b;
}

/* By the table, as rouge-score does it. */
static int32_t by_table(const int32_t *a, size_t rows, const int32_t *b, size_t columns, char *kept) {
  static int32_t t[MOST + 1][MOST + 1];
  for (size_t i = 1; i <= rows; i++)
    for (size_t j = 1; j <= columns; j++)
      t[i][j] = a[i - 1] == b[j - 1] ? t[i - 1][j - 1] + 1 : larger(t[i - 1][j], t[i][j - 1]);
  memset(kept, 0, rows);
  for (size_t i = rows, j = columns; i > 0 && j > 0;) {
    if (a[i - 1] == b[j - 1])
      kept[--i] = 1, j--;
    else if (t[i][j - 1] > t[i - 1][j])
      j--;
    else
      i--;
  }
  return t[rows][columns];
}

static size_t draw(uint64_t *state, size_t below) {
  return (size_t)(random_unit(7, 0, (*state)++) * (double)below);
}

static void as_the_table_has_it(void **state) {
  Common c = {0};
  uint64_t at = 0;
  for (int round = 0; round < 3000; round++) {
    int32_t a[MOST], b[MOST];
    char kept[MOST], expected[MOST];
    const size_t rows = draw(&at, MOST), columns = draw(&at, MOST), words = 1 + draw(&at, round % 2 ? 3 : 50);
    for (size_t i = 0; i < rows; i++) a[i] = (int32_t)draw(&at, words);
    for (size_t j = 0; j < columns; j++) b[j] = (int32_t)draw(&at, words);
    assert_int_equal(common_length(&c, a, rows, b, columns), by_table(a, rows, b, columns, expected));
    memset(kept, 0, rows);
    common_mark(&c, a, rows, b, columns, kept);
    assert_memory_equal(kept, expected, rows);
  }
  common_free(&c);
}

/* A table of 30,000 by 30,000 would take 900 MB, even with a byte for each pair of words. */
static void long_texts_take_little_memory(void **state) {
  enum { WORDS = 30000, ENOUGH = 4 << 20 };
  Common c = {0};
  uint64_t at = 0;
  int32_t *a = mem_alloc(WORDS * sizeof *a);
  char *kept = mem_alloc_zeroed(WORDS, 1);
  for (int i = 0; i < WORDS; i++) a[i] = (int32_t)draw(&at, 3000);
  const int64_t before = mem_held();
  assert_int_equal(common_length(&c, a, WORDS, a, WORDS), WORDS);
  common_mark(&c, a, WORDS, a, WORDS, kept);
  assert_true(mem_held() - before < ENOUGH);
  assert_null(memchr(kept, 0, WORDS));
  common_free(&c);
  mem_free(kept);
  mem_free(a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(as_the_table_has_it),
      cmocka_unit_test(long_texts_take_little_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
