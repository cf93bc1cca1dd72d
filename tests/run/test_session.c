/* A session reads alike whether at once or bit by bit, forgets when told to, and branches
 * off. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "run/session.h"

#include <cmocka.h> /* last: it defines fail() */

enum { VOCABULARY = 40, LONG = 600, TEXTS = 2 };
static const char *const archs[] = {"llama", "gpt2", "lstm", "gru"};

static Model *network_of_heads(const char *arch, const char *heads) {
  static const SettingTable *const tables[] = {&model_settings_table};
  Settings *s = settings_new(tables, 1);
  Error err = {0};
  Config c;
  assert_true(ink_settings_set(s, "arch", arch, &err) && ink_settings_set(s, "size", "nano", &err));
  assert_true(ink_settings_set(s, "context", "640", &err));
  assert_true(!heads || ink_settings_set(s, "heads", heads, &err));
  assert_true(config_from_settings(&c, settings_part(s, &model_settings_table), VOCABULARY, &err));
  Model *m = model_new(&c, false);
  params_initialize(m->params, 3);
  ink_settings_free(s);
  return m;
}

static Model *network(const char *arch) {
  return network_of_heads(arch, NULL);
}

/* [TEXTS, LONG], no two texts alike. */
static const int32_t *some_tokens(void) {
  static int32_t tokens[TEXTS * LONG];
  for (int i = 0; i < TEXTS * LONG; i++) tokens[i] = (i * i + i / 7) % VOCABULARY;
  return tokens;
}

static void expect_same(const char *what, const float *a, const float *b) {
  if (memcmp(a, b, VOCABULARY * sizeof *a)) fail_msg("%s: logits differ", what);
}

static void keep(float *to, const float *logits) {
  memcpy(to, logits, VOCABULARY * sizeof *to);
}

static void long_texts_are_read_as_short_ones(void **state) {
  for (int a = 0; a < 4; a++) {
    Model *m = network(archs[a]);
    Session *s = session_new(m, (StateSize){0});
    const int32_t *tokens = some_tokens(), whole = session_open(s, -1), parts = session_open(s, -1);
    float expected[VOCABULARY];
    keep(expected, session_read(s, whole, tokens, LONG));
    const float *got = NULL;
    for (int at = 0; at < LONG; at += 150) got = session_read(s, parts, tokens + at, 150);
    assert_int_equal(session_tokens(s, whole)->count, LONG);
    assert_memory_equal(session_tokens(s, parts)->data, tokens, LONG * sizeof *tokens);
    expect_same(archs[a], got, expected);
    session_free(s);
    model_free(m);
  }
}

/* A sequence that is opened where another was remembers nothing of it. */
static void closed_it_is_forgotten(void **state) {
  for (int a = 0; a < 4; a++) {
    Model *m = network(archs[a]);
    Session *s = session_new(m, (StateSize){0});
    const int32_t *tokens = some_tokens();
    float expected[VOCABULARY];
    const int32_t first = session_open(s, -1);
    keep(expected, session_read(s, first, tokens, 9));
    session_read(s, first, tokens + 100, 20);
    session_close(s, first);
    assert_int_equal(session_open(s, -1), first);
    assert_int_equal(session_tokens(s, first)->count, 0);
    expect_same(archs[a], session_read(s, first, tokens, 9), expected);
    session_free(s);
    model_free(m);
  }
}

/* Several branches of one text, at its end and (where keys and values are kept) before it. */
static void branches_go_on_from_where_they_left(void **state) {
  for (int a = 0; a < 4; a++) {
    Model *m = network(archs[a]);
    Session *s = session_new(m, (StateSize){0});
    const int32_t *tokens = some_tokens(), one = session_open(s, -1);
    session_read(s, one, tokens, 75);
    for (int length = session_shares(s) ? 1 : 75; length <= 75; length++) {
      const int32_t alone = session_open(s, -1), branch = session_fork(s, one, length);
      float expected[VOCABULARY];
      session_read(s, alone, tokens, length);
      keep(expected, session_read(s, alone, tokens + LONG, 40));
      expect_same(archs[a], session_read(s, branch, tokens + LONG, 40), expected);
      session_close(s, alone);
      session_close(s, branch);
    }
    session_free(s);
    model_free(m);
  }
}

/* Texts of several lengths, some of which begin while others go on, in one pass: each as if it were alone. */
static void texts_of_several_lengths_go_on_together(void **state) {
  for (int a = 0; a < 4; a++) {
    Model *m = network(archs[a]);
    Session *s = session_new(m, (StateSize){0});
    const int32_t *tokens = some_tokens();
    const int32_t alone = session_open(s, -1), text = session_open(s, -1), other = session_open(s, -1);
    float expected[VOCABULARY];
    session_read(s, alone, tokens, 70);
    session_read(s, alone, tokens + 70, 1);
    keep(expected, session_read(s, alone, tokens + 71, 1));
    session_read(s, text, tokens, 30);
    session_feed(s, (Feed[]){{other, tokens + LONG, 90, false, 0}, {text, tokens + 30, 40, false, 0}}, 2);
    const int32_t late = session_fork(s, other, session_shares(s) ? 33 : 90);
    const float *logits = session_feed(
        s,
        (Feed[]){{late, tokens, 3, true, 0}, {text, tokens + 70, 1, false, 0}, {other, tokens, 1, true, 0}},
        3);
    assert_true(memcmp(logits, logits + VOCABULARY, VOCABULARY * sizeof *logits) != 0);
    logits = session_feed(s, (Feed[]){{late, tokens, 1, false, 0}, {text, tokens + 71, 1, true, 0}}, 2);
    expect_same(archs[a], logits, expected);
    session_free(s);
    model_free(m);
  }
}

static void logits_that_nobody_wants_are_none(void **state) {
  Model *m = network("llama");
  Session *s = session_new(m, (StateSize){0});
  const int32_t text = session_open(s, -1);
  assert_null(session_feed(s, &(Feed){text, some_tokens(), 5, false, 0}, 1));
  assert_int_equal(session_tokens(s, text)->count, 5);
  session_free(s);
  model_free(m);
}

/* 32 values of q8_0 take 34 bytes, of f32 128. */
static void rounded_keys_and_values_take_less_memory(void **state) {
  (void)state;
  static const char *const types[] = {"f32", "f16", "q8_0", "q4_0"};
  static const int64_t share[] = {128, 64, 34, 18};
  int64_t bytes[4];
  Model *m = network_of_heads("llama", "1");
  Error err = {0};
  for (int i = 0; i < 4; i++) {
    assert_true(model_cache(m, types[i], &err));
    Session *s = session_new(m, (StateSize){0});
    const int32_t text = session_open(s, -1);
    session_read(s, text, some_tokens(), 70);
    bytes[i] = session_cache_bytes(s);
    assert_true(bytes[i] * share[0] == bytes[0] * share[i]);
    session_free(s);
  }
  assert_int_equal(bytes[0], 2 * m->config.layers * m->config.kv_heads * m->config.head_size * 3 *
                                 STATE_PAGE * (int64_t)sizeof(float));
  model_free(m);
}

static void caches_that_cannot_be_are_refused(void **state) {
  (void)state;
  static const char *const refused[][3] = {{"llama", "q4_k", "whole blocks of 256"},
                                           {"llama", "int8", "f32, bf16, f16, q8_0, q4_0"},
                                           {"lstm", "f16", "recurrent"}};
  for (int i = 0; i < 3; i++) {
    Model *m = network(refused[i][0]);
    Error err = {0};
    assert_false(model_cache(m, refused[i][1], &err));
    assert_non_null(strstr(err.text, refused[i][2]));
    assert_int_equal(err.code, INK_USAGE);
    model_free(m);
  }
}

/* The logits after each of several tokens are those after each of them alone. */
static void all_logits_of_a_feed(void **state) {
  (void)state;
  for (int a = 0; a < 4; a++) {
    Model *m = network(archs[a]);
    Session *s = session_new(m, (StateSize){0});
    const int32_t *tokens = some_tokens(), one = session_open(s, -1), all = session_open(s, -1);
    float expected[5 * VOCABULARY];
    session_read(s, one, tokens, 3);
    for (int i = 0; i < 5; i++) keep(expected + i * VOCABULARY, session_read(s, one, tokens + 3 + i, 1));
    const float *got = session_feed(s, &(Feed){all, tokens, 8, 5, 0}, 1);
    for (int i = 0; i < 5; i++) expect_same(archs[a], got + i * VOCABULARY, expected + i * VOCABULARY);
    session_free(s);
    model_free(m);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(long_texts_are_read_as_short_ones),
      cmocka_unit_test(texts_of_several_lengths_go_on_together),
      cmocka_unit_test(closed_it_is_forgotten),
      cmocka_unit_test(branches_go_on_from_where_they_left),
      cmocka_unit_test(logits_that_nobody_wants_are_none),
      cmocka_unit_test(all_logits_of_a_feed),
      cmocka_unit_test(rounded_keys_and_values_take_less_memory),
      cmocka_unit_test(caches_that_cannot_be_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
