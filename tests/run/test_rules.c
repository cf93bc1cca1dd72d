/* What generation_config.json forbids and forces, rule by rule (test_generation.py compares whole texts with
 * transformers). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "run/rules.h"

#include <cmocka.h> /* last: it defines fail() */

enum { VOCABULARY = 8, END = 7 };

static Rules plain(void) {
  Rules r = {.repetition_penalty = 1};
  token_set_add(&r.ends, END);
  return r;
}

static void push(Ids *ids, int32_t id) {
  vec_push(ids, id);
}

/* Scores 1, -2, 3, -4, ... of what follows the first `length` tokens of 0 1 2 1 2 3; and which are left of
 * them, a bit each. */
static unsigned left_after(const Rules *r, int64_t prompt, int64_t length, int64_t most, float *x) {
  static const int32_t ids[] = {0, 1, 2, 1, 2, 3};
  float scratch[8];
  unsigned left = 0;
  for (int i = 0; i < VOCABULARY; i++) x[i] = (float)((i + 1) * (i % 2 ? -1 : 1));
  const RulesText t = {.ids = ids, .prompt = prompt, .length = length, .most = most, .scratch = scratch};
  rules_apply(r, &t, x, VOCABULARY);
  for (int i = 0; i < VOCABULARY; i++) left |= (unsigned)(x[i] > -INFINITY) << i;
  return left;
}
#define ALL            0xffU
#define WITHOUT(token) (ALL & ~(1U << (token)))

static void no_rule_changes_nothing(void **state) {
  (void)state;
  Rules r = plain();
  float x[VOCABULARY];
  assert_false(rules_any(NULL, true) || rules_any(&r, true));
  assert_int_equal(left_after(&r, 2, 4, 10, x), ALL);
  assert_true(x[2] == 3 && x[3] == -4);
  r.repetition_penalty = 2;
  assert_true(rules_any(&r, true) && !rules_any(&r, false));
}

static void lengths(void **state) {
  (void)state;
  Rules r = plain();
  float x[VOCABULARY];
  r.min_length = 4;
  assert_int_equal(left_after(&r, 2, 3, 10, x), WITHOUT(END));
  assert_int_equal(left_after(&r, 2, 4, 10, x), ALL);
  r.min_length = 0;
  r.min_new = 2;
  token_set_add(&r.ends, 5);
  assert_int_equal(left_after(&r, 2, 3, 10, x), WITHOUT(END) & WITHOUT(5));
  assert_int_equal(left_after(&r, 2, 4, 10, x), ALL);
  assert_int_equal(rules_most_tokens(NULL, 3, 20), 20);
  assert_int_equal(rules_most_tokens(&r, 3, 20), 20);
  r.max_length = 16;
  assert_int_equal(rules_most_tokens(&r, 3, 20), 13);
  assert_int_equal(rules_most_tokens(&r, 3, 15), 13);
  assert_int_equal(rules_most_tokens(&r, 3, 5), 5);
}

static void repeats(void **state) {
  (void)state;
  Rules r = plain();
  float x[VOCABULARY];
  r.no_repeat_ngram = 2;
  assert_int_equal(left_after(&r, 2, 4, 10, x), WITHOUT(2)); /* 0 1 2 1: 1 was followed by 2 */
  assert_int_equal(left_after(&r, 2, 5, 10, x), WITHOUT(1));
  assert_int_equal(left_after(&r, 1, 1, 10, x), ALL);
  r.no_repeat_ngram = 1;
  assert_int_equal(left_after(&r, 2, 3, 10, x), ALL & ~7U);
  r.no_repeat_ngram = 0;
  r.repetition_penalty = 2;
  left_after(&r, 2, 4, 10, x); /* 0 1 2 1: each once */
  assert_true(x[0] == 0.5F && x[1] == -4 && x[2] == 1.5F && x[3] == -4);
}

static void words(void **state) {
  (void)state;
  Rules r = plain();
  float x[VOCABULARY];
  static const int32_t list[][3] = {{4, -1}, {1, 6, -1}, {2, 5, -1}, {END, -1}, {0, 1, 3}};
  for (int i = 0; i < 5; i++) {
    vec_push(&r.bad_words, (Ids){0});
    for (int k = 0; k < 3 && list[i][k] >= 0; k++) push(&r.bad_words.data[i], list[i][k]);
  }
  assert_int_equal(left_after(&r, 1, 4, 10, x), WITHOUT(4) & WITHOUT(6)); /* ... 1; an end is no bad word */
  assert_int_equal(left_after(&r, 1, 5, 10, x), WITHOUT(4) & WITHOUT(5));
  assert_int_equal(left_after(&r, 1, 2, 10, x), WITHOUT(4) & WITHOUT(6) & WITHOUT(3));
  assert_int_equal(left_after(&r, 1, 1, 10, x), WITHOUT(4));
  rules_free(&r);
}

static void first_and_last(void **state) {
  (void)state;
  Rules r = plain();
  float x[VOCABULARY];
  push(&r.suppressed, 2);
  push(&r.suppressed_first, 3);
  assert_int_equal(left_after(&r, 2, 2, 10, x), WITHOUT(2) & WITHOUT(3));
  assert_int_equal(left_after(&r, 2, 3, 10, x), WITHOUT(2));
  push(&r.forced_first, 4);
  assert_int_equal(left_after(&r, 1, 1, 10, x), 1U << 4);
  assert_true(x[4] == 0);
  assert_int_equal(left_after(&r, 1, 2, 10, x), WITHOUT(2) & WITHOUT(3)); /* the first that is not forced */
  assert_int_equal(left_after(&r, 2, 2, 10, x), WITHOUT(2) & WITHOUT(3)); /* a longer prompt forces nothing */
  push(&r.forced_last, END);
  push(&r.forced_last, 5);
  assert_int_equal(left_after(&r, 2, 4, 5, x), 1U << END | 1U << 5);
  assert_int_equal(left_after(&r, 2, 4, 6, x), WITHOUT(2));
  rules_free(&r);
}

static void ends_gain(void **state) {
  (void)state;
  Rules r = plain();
  float x[VOCABULARY];
  r.decay_start = 1;
  r.decay_factor = 1.5;
  left_after(&r, 2, 3, 10, x);
  assert_true(x[END] == -8);
  left_after(&r, 2, 5, 10, x); /* two over: -8 + 8 (1.5^2 - 1) */
  assert_true(fabsf(x[END] - 2) < 1e-5F && x[0] == 1);
}

/* Tokens 4 and 5 are copies; the input has the 5 once. */
static unsigned copies_after(const Rules *r, const int32_t *ids, int64_t length, int64_t most, float end) {
  static const int32_t source[] = {0, 5, 1};
  float x[VOCABULARY] = {1, 1, 1, 1, 1, 1, 1, 1};
  unsigned left = 0;
  x[END] = end;
  const RulesText t = {
      .ids = ids, .prompt = 1, .length = length, .most = most, .source = source, .source_length = 3};
  rules_apply(r, &t, x, VOCABULARY);
  for (int i = 0; i < VOCABULARY; i++) left |= (unsigned)(x[i] > -INFINITY) << i;
  return left;
}

static void copies_are_written_once_before_the_end(void **state) {
  (void)state;
  static const int32_t none[] = {0, 1, 2, 1}, written[] = {0, 1, 5, 1};
  Rules r = plain();
  push(&r.copies, 4);
  push(&r.copies, 5);
  assert_true(rules_any(&r, false));
  assert_int_equal(copies_after(&r, none, 4, 10, 0), WITHOUT(4));
  assert_int_equal(copies_after(&r, written, 4, 10, 9), WITHOUT(4)); /* a summary may repeat it */
  r.copy_all = true;
  assert_int_equal(copies_after(&r, none, 4, 10, 0), WITHOUT(4) & WITHOUT(END));
  assert_int_equal(copies_after(&r, none, 4, 10, 9), 1U << 5); /* where it would end */
  assert_int_equal(copies_after(&r, none, 4, 6, 0), 1U << 5);  /* where little is left */
  assert_int_equal(copies_after(&r, written, 4, 10, 9), WITHOUT(4) & WITHOUT(5));
  assert_int_equal(copies_after(&r, written, 4, 6, 9), WITHOUT(4) & WITHOUT(5));
  rules_free(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(no_rule_changes_nothing),
      cmocka_unit_test(lengths),
      cmocka_unit_test(repeats),
      cmocka_unit_test(words),
      cmocka_unit_test(first_and_last),
      cmocka_unit_test(copies_are_written_once_before_the_end),
      cmocka_unit_test(ends_gain),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
