/* Merging: the way for short words and the one for long words give what the definition says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "text/bpe.h"

#include <cmocka.h> /* last: it defines fail() */

/* The definition, word for word: join the leftmost pair of the lowest rank, until there is none. */
static size_t by_definition(const Merges *m, int32_t *s, size_t count) {
  for (;;) {
    size_t best = count;
    int32_t lowest = INT32_MAX;
    for (size_t i = 0; i + 1 < count; i++) {
      const int32_t rank = merges_rank(m, s[i], s[i + 1]);
      if (rank >= 0 && rank < lowest) {
        lowest = rank;
        best = i;
      }
    }
    if (best == count) return count;
    s[best] = m->list.data[lowest].result;
    memmove(s + best + 1, s + best + 2, (count - best - 2) * sizeof *s);
    count--;
  }
}

static uint32_t pick(uint64_t *state, uint32_t n) {
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)(*state >> 33) % n;
}

static void random_merges_on_random_words(void **state) {
  uint64_t random = 1;
  for (int round = 0; round < 300; round++) {
    Merges m = {0};
    for (int32_t id = 4; id < 40; id++)
      merges_add(&m, (Merge){(int32_t)pick(&random, (uint32_t)id), (int32_t)pick(&random, (uint32_t)id), id});
    int32_t a[200], b[200];
    const size_t count = 1 + pick(&random, 200);
    for (size_t i = 0; i < count; i++) a[i] = b[i] = (int32_t)pick(&random, 4);
    const size_t left = by_definition(&m, a, count);
    assert_int_equal(merges_apply(&m, b, count), left);
    assert_memory_equal(a, b, left * sizeof *a);
    merges_free(&m);
  }
}

static void of_two_equal_pairs_the_later_counts(void **state) {
  Merges m = {0};
  merges_add(&m, (Merge){1, 2, 10});
  merges_add(&m, (Merge){2, 3, 11});
  merges_add(&m, (Merge){1, 2, 12});
  assert_int_equal(merges_rank(&m, 1, 2), 2);
  assert_int_equal(merges_rank(&m, 3, 2), -1);
  int32_t s[] = {1, 2, 3};
  assert_int_equal(merges_apply(&m, s, 3), 2);
  assert_int_equal(s[1], 11);
  merges_free(&m);
}

/* Quadratic work would take hours here. */
static void a_very_long_word(void **state) {
  enum { LENGTH = 1 << 20 };
  Merges m = {0};
  for (int32_t i = 0; i < 10; i++) merges_add(&m, (Merge){i, i, i + 1});
  int32_t *s = mem_alloc_zeroed(LENGTH, sizeof *s);
  assert_int_equal(merges_apply(&m, s, LENGTH), LENGTH >> 10);
  for (int i = 0; i < LENGTH >> 10; i++) assert_int_equal(s[i], 10);
  mem_free(s);
  merges_free(&m);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(random_merges_on_random_words),
      cmocka_unit_test(of_two_equal_pairs_the_later_counts),
      cmocka_unit_test(a_very_long_word),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
