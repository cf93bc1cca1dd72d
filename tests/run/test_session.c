/* A session reads alike whether at once or bit by bit, forgets when told to, and copies its first text. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "run/session.h"

#include <cmocka.h> /* last: it defines fail() */

enum { VOCABULARY = 40, LONG = 600, TEXTS = 2 };
static const char *const archs[] = {"llama", "gpt2", "lstm", "gru"};

static Model *network(const char *arch) {
  static const SettingTable *const tables[] = {&model_settings_table};
  Settings *s = settings_new(tables, 1);
  Error err = {0};
  Config c;
  assert_true(ink_settings_set(s, "arch", arch, &err) && ink_settings_set(s, "size", "nano", &err));
  assert_true(ink_settings_set(s, "context", "640", &err));
  assert_true(config_from_settings(&c, settings_part(s, &model_settings_table), VOCABULARY, &err));
  Model *m = model_new(&c, false);
  params_initialize(m->params, 3);
  ink_settings_free(s);
  return m;
}

/* [TEXTS, LONG], no two texts alike. */
static const int32_t *some_tokens(void) {
  static int32_t tokens[TEXTS * LONG];
  for (int i = 0; i < TEXTS * LONG; i++) tokens[i] = (i * i + i / 7) % VOCABULARY;
  return tokens;
}

static void keep(float *to, const float *logits) {
  memcpy(to, logits, TEXTS * VOCABULARY * sizeof *to);
}

static void expect_near(const char *what, const float *a, const float *b, int count) {
  for (int i = 0; i < count; i++)
    if (!(fabsf(a[i] - b[i]) < 1e-4f))
      fail_msg("%s: logit %d is %g and %g", what, i, (double)a[i], (double)b[i]);
}

static void long_texts_are_read_as_short_ones(void **state) {
  for (int a = 0; a < 4; a++) {
    Model *m = network(archs[a]);
    Session *whole = session_new(m, TEXTS, LONG), *parts = session_new(m, TEXTS, LONG);
    const int32_t *tokens = some_tokens();
    float expected[TEXTS * VOCABULARY];
    keep(expected, session_feed(whole, tokens, TEXTS, LONG));
    const float *got = NULL;
    for (int at = 0; at < LONG; at += 150) {
      int32_t piece[TEXTS * 150];
      for (int i = 0; i < TEXTS; i++) memcpy(piece + i * 150, tokens + i * LONG + at, 150 * sizeof *piece);
      got = session_feed(parts, piece, TEXTS, 150);
    }
    assert_true(session_position(whole) == LONG && session_position(parts) == LONG);
    expect_near(archs[a], got, expected, TEXTS * VOCABULARY);
    assert_true(fabsf(expected[0] - expected[VOCABULARY]) > 1e-3f); /* two texts, not one */
    session_free(whole);
    session_free(parts);
    model_free(m);
  }
}

static void rewound_it_remembers_nothing(void **state) {
  for (int a = 0; a < 4; a++) {
    Model *m = network(archs[a]);
    Session *s = session_new(m, TEXTS, LONG);
    const int32_t *tokens = some_tokens();
    float expected[TEXTS * VOCABULARY];
    keep(expected, session_feed(s, tokens, TEXTS, 9));
    session_feed(s, tokens + 100, TEXTS, 20);
    session_rewind(s);
    assert_int_equal(session_position(s), 0);
    expect_near(archs[a], session_feed(s, tokens, TEXTS, 9), expected, TEXTS * VOCABULARY);
    session_free(s);
    model_free(m);
  }
}

static void spread_all_go_on_from_the_first(void **state) {
  for (int a = 0; a < 4; a++) {
    Model *m = network(archs[a]);
    Session *one = session_new(m, 1, LONG), *many = session_new(m, TEXTS, LONG);
    const int32_t *tokens = some_tokens();
    const int32_t next[TEXTS] = {7, 7};
    float expected[VOCABULARY];
    session_feed(one, tokens, 1, 30);
    memcpy(expected, session_feed(one, next, 1, 1), sizeof expected);
    session_feed(many, tokens, 1, 30);
    session_spread(many);
    const float *logits = session_feed(many, next, TEXTS, 1);
    for (int i = 0; i < TEXTS; i++) expect_near(archs[a], logits + i * VOCABULARY, expected, VOCABULARY);
    session_free(one);
    session_free(many);
    model_free(m);
  }
}

/* Two texts of their own lengths, read one by one, then together, and swapped: each as if it were alone. */
static void texts_of_several_lengths_go_on_together(void **state) {
  enum { SHORT = 9, LONGER = 300 };
  for (int a = 0; a < 4; a++) {
    Model *m = network(archs[a]);
    Session *both = session_new(m, TEXTS, LONG), *alone = session_new(m, 1, LONG);
    const int32_t *tokens = some_tokens(), next[TEXTS] = {7, 5}, swap[TEXTS] = {1, 0};
    float expected[VOCABULARY];
    session_feed(alone, tokens + LONG, 1, LONGER);
    session_feed(alone, &next[1], 1, 1);
    memcpy(expected, session_feed(alone, &next[0], 1, 1), sizeof expected);
    session_feed_at(both, 0, tokens, 1, SHORT);
    session_feed_at(both, 1, tokens + LONG, 1, LONGER);
    session_feed(both, next, TEXTS, 1);
    session_reorder(both, swap, TEXTS);
    assert_int_equal(session_position(both), LONGER + 1);
    assert_memory_equal(session_feed(both, next, TEXTS, 1), expected, sizeof expected);
    session_free(both);
    session_free(alone);
    model_free(m);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(long_texts_are_read_as_short_ones),
      cmocka_unit_test(texts_of_several_lengths_go_on_together),
      cmocka_unit_test(rewound_it_remembers_nothing),
      cmocka_unit_test(spread_all_go_on_from_the_first),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
