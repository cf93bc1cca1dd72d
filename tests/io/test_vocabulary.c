/* Merges that follow from scores. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "io/vocabulary.h"

#include <cmocka.h> /* last: it defines fail() */

/* In the order of scores, not of ids; of parts that texts may have. */
static void merges_go_by_scores(void **state) {
  VocabularyToken tokens[] = {{"a", 1, TOKEN_NORMAL, -1},   {"b", 1, TOKEN_NORMAL, -2},
                              {"ab", 2, TOKEN_NORMAL, -5},  {"c", 1, TOKEN_CONTROL, 0},
                              {"abc", 3, TOKEN_NORMAL, -3}, {"bc", 2, TOKEN_USER_DEFINED, 0},
                              {"ac", 2, TOKEN_NORMAL, -4}};
  const Vocabulary v = {.path = "t", .tokens = tokens, .count = sizeof tokens / sizeof *tokens};
  static const Merge wanted[] = {{0, 5, 4}, {0, 1, 2}};
  StoredTokenizer out = {0};
  Error err = {0};
  (void)state;
  assert_true(vocabulary_store(&v, "token", &out, &err) && vocabulary_merges(&v, &out, &err));
  assert_int_equal(out.merges.count, 2);
  assert_memory_equal(out.merges.data, wanted, sizeof wanted);
  stored_free(&out);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(merges_go_by_scores)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
