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

/* How many letters a symbol stands for; they are compared with `letters`. */
static size_t spell(const Merges *m, int32_t symbol, const int32_t *letters, bool *same) {
  for (size_t i = 0; i < m->list.count; i++) {
    const Merge *x = &m->list.data[i];
    if (x->result != symbol) continue;
    const size_t left = spell(m, x->left, letters, same);
    return left + spell(m, x->right, letters + left, same);
  }
  *same &= symbol == *letters;
  return 1;
}

static bool same_bytes(const Merges *m, const int32_t *symbols, size_t count, const int32_t *letters,
                       size_t n) {
  bool same = true;
  size_t at = 0;
  for (size_t i = 0; i < count; i++) at += spell(m, symbols[i], letters + at, &same);
  return same && at == n;
}

/* a b c d, joined to ab, cd, abcd: BPE-dropout leaves each merge out as often as it says. */
static void dropping_leaves_merges_out(void **state) {
  (void)state;
  Merges m = {0};
  merges_add(&m, (Merge){0, 1, 4});
  merges_add(&m, (Merge){2, 3, 5});
  merges_add(&m, (Merge){4, 5, 6});
  const int32_t letters[] = {0, 1, 2, 3};
  int whole = 0, none = 0;
  enum { DRAWS = 20000 };
  for (int i = 0; i < DRAWS; i++) {
    int32_t word[4], again[4];
    memcpy(word, letters, sizeof word);
    memcpy(again, letters, sizeof again);
    const size_t count = merges_apply_dropping(&m, word, 4, 0.25, 9, (uint64_t)i);
    assert_int_equal(merges_apply_dropping(&m, again, 4, 0.25, 9, (uint64_t)i), count);
    assert_memory_equal(word, again, count * sizeof *word);
    assert_true(same_bytes(&m, word, count, letters, 4));
    whole += count == 1;
    none += count == 4;
  }
  /* nothing is merged where both first merges are left out in the first step: p^2; all of it where one of the
   * two is taken (1 - p^2), then the other (1 - p), then the last (1 - p) */
  assert_true(none > 0.0555 * DRAWS && none < 0.0695 * DRAWS);
  assert_true(whole > 0.517 * DRAWS && whole < 0.538 * DRAWS);
  int32_t word[] = {0, 1, 2, 3};
  assert_int_equal(merges_apply_dropping(&m, word, 4, 0, 1, 1), 1);
  merges_free(&m);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(random_merges_on_random_words),
      cmocka_unit_test(of_two_equal_pairs_the_later_counts),
      cmocka_unit_test(a_very_long_word),
      cmocka_unit_test(dropping_leaves_merges_out),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
