/* ink_session: whatever way tokens come in, the logits are the same, bit for bit, as they are after saving
 * and restoring; and they are those that ink_write and ink_rewrite draw from. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "train/runs.h"

#include <cmocka.h> /* last: it defines fail() */

#define WITH(...) ((const char *const[]){__VA_ARGS__, NULL})

enum { TEXT = 40, MOST_VOCABULARY = 400 };

typedef struct Logits {
  float values[MOST_VOCABULARY];
  int64_t count;
} Logits;

static ink_model *network(const char *arch) {
  Error err = {0};
  const char *const settings[] = {"arch",   arch, "context",   "48",   "steps", "1",
                                  "warmup", "0",  "overwrite", "true", NULL};
  const bool pairs = !strcmp(arch, "marian") || !strcmp(arch, "seq2seq") || !strcmp(arch, "bart");
  char path[PATH_CAPACITY];
  Buffer lines = {0};
  for (int i = 0; i < 40; i++) buffer_addf(&lines, "%d moons sing\tmany sing: %d\n", i, i);
  path_join(path, scratch, "pairs.tsv");
  CHECK(file_replace(path, lines.data, lines.length, NULL));
  buffer_free(&lines);
  const char *file = pairs ? path : some_text();
  ink_settings *s = small_settings(settings);
  if (!ink_train(pairs ? "translate" : "write", &file, 1, in_scratch(arch), s, NULL, &err))
    fail_msg("%s: %s", arch, err.text);
  ink_settings_free(s);
  ink_model *m = ink_model_open(in_scratch(arch), NULL, &err);
  if (!m) fail_msg("%s", err.text);
  return m;
}

static ink_session *session(ink_model *m, const char *arch) {
  static const int32_t source[] = {50, 32, 109, 111, 111, 110};
  Error err = {0};
  ink_session *s = ink_session_open(m, NULL, &err);
  if (!s) fail_msg("%s", err.text);
  const bool reads = !strcmp(arch, "marian") || !strcmp(arch, "seq2seq") || !strcmp(arch, "bart");
  if (reads && !ink_session_source(s, source, 6, &err)) fail_msg("%s: %s", arch, err.text);
  return s;
}

static Logits feed(ink_session *s, const int32_t *ids, size_t count) {
  Error err = {0};
  Logits l = {.count = ink_session_vocabulary(s)};
  const float *logits = ink_session_feed(s, ids, count, NULL, &err);
  if (!logits) fail_msg("%s", err.text);
  memcpy(l.values, logits, (size_t)l.count * sizeof *logits);
  return l;
}

static void expect_same(const char *arch, const char *what, const Logits *a, const Logits *b) {
  for (int64_t i = 0; i < a->count; i++)
    if (memcmp(&a->values[i], &b->values[i], sizeof(float)))
      fail_msg("%s, %s: logit %d is %.9g and %.9g", arch, what, (int)i, (double)a->values[i],
               (double)b->values[i]);
}

static void some_ids(int32_t *ids) {
  for (int i = 0; i < TEXT; i++) ids[i] = (i * i + i / 7) % 120;
}

static void however_tokens_come(void **state) {
  static const char *const archs[] = {"llama", "gpt2", "lstm", "gru", "marian", "seq2seq", "bart"};
  int32_t ids[TEXT];
  some_ids(ids);
  for (size_t a = 0; a < sizeof archs / sizeof *archs; a++) {
    Error err = {0};
    size_t length;
    const float *logits;
    ink_model *m = network(archs[a]);
    ink_session *one = session(m, archs[a]), *other = session(m, archs[a]);
    Logits single, whole = feed(one, ids, TEXT);
    for (int i = 0; i < TEXT; i++) single = feed(other, ids + i, 1);
    expect_same(archs[a], "one by one", &whole, &single);
    assert_int_equal(ink_session_position(other), TEXT);
    assert_true(ink_session_rewind(one, &err));
    feed(one, ids, 7);
    feed(one, ids + 7, 20);
    void *saved = ink_session_save(one, &length, &err);
    const Logits next = feed(one, ids + 27, TEXT - 27);
    expect_same(archs[a], "in parts", &whole, &next);
    if (!ink_session_restore(other, saved, length, &logits, NULL, &err)) fail_msg("%s", err.text);
    assert_non_null(logits);
    assert_int_equal(ink_session_position(other), 27);
    const Logits restored = feed(other, ids + 27, TEXT - 27);
    expect_same(archs[a], "restored", &whole, &restored);
    ink_free(saved);
    ink_session_close(one);
    ink_session_close(other);
    ink_model_close(m);
  }
}

typedef struct Written {
  int32_t ids[TEXT];
  double logprobs[TEXT];
  int count;
} Written;

static bool take_token(void *user, const ink_token *token) {
  Written *w = user;
  if (token->id >= 0 && w->count < TEXT) {
    w->ids[w->count] = token->id;
    w->logprobs[w->count++] = token->logprob;
  }
  return true;
}

static double logprob_of(const Logits *l, int32_t id) {
  double sum = 0;
  for (int64_t i = 0; i < l->count; i++) sum += exp((double)l->values[i]);
  return (double)l->values[id] - log(sum);
}

/* A program that draws by itself sees what ink_write saw. */
static void writing_by_hand(void **state) {
  Error err = {0};
  Written w = {0};
  int32_t *prompt;
  size_t count;
  ink_model *m = network("llama");
  ink_settings *settings = ink_settings_write();
  assert_true(ink_settings_set_int(settings, "max-tokens", 12, &err) &&
              ink_settings_set_bool(settings, "greedy", true, &err) &&
              ink_settings_set_bool(settings, "ignore-end", true, &err));
  if (!ink_write(m, "The moon", 8, settings, take_token, &w, NULL, NULL, &err)) fail_msg("%s", err.text);
  assert_true(
      ink_tokenizer_encode(ink_model_tokenizer(m, false), "The moon", 8, false, &prompt, &count, &err));
  ink_session *s = session(m, "llama");
  const int32_t first = ink_model_begin(m);
  if (first >= 0) feed(s, &first, 1);
  Logits l = feed(s, prompt, count);
  for (int i = 0; i < w.count; i++) {
    for (int64_t k = 0; k < l.count; k++)
      if (l.values[k] > l.values[w.ids[i]]) fail_msg("token %d is not the likeliest", i);
    assert_true(fabs(logprob_of(&l, w.ids[i]) - w.logprobs[i]) < 1e-4);
    l = feed(s, &w.ids[i], 1);
  }
  ink_free(prompt);
  ink_session_close(s);
  ink_settings_free(settings);
  ink_model_close(m);
}

/* Of a text of several documents, which begin behind the end token of the one before. */
static void tokens_around_texts(void **state) {
  Error err = {0};
  int32_t *ids;
  size_t count;
  ink_model *m = network("llama");
  assert_true(
      ink_tokenizer_encode(ink_model_tokenizer(m, false), "<|endoftext|>", 13, true, &ids, &count, &err));
  assert_int_equal(count, 1);
  assert_int_equal(ink_model_begin(m), ids[0]);
  assert_true(ink_model_ends(m, ids[0]));
  assert_false(ink_model_ends(m, ids[0] - 1));
  assert_false(ink_model_ends(m, -1));
  ink_free(ids);
  ink_model_close(m);
}

static void expect_refused(ink_session *s, const int32_t *ids, size_t count, int code, const char *words) {
  Error err = {0};
  const int64_t before = ink_session_position(s);
  assert_null(ink_session_feed(s, ids, count, NULL, &err));
  assert_int_equal(err.code, code);
  if (!strstr(err.text, words)) fail_msg("\"%s\" has no \"%s\"", err.text, words);
  assert_int_equal(ink_session_position(s), before);
}

static void expect_damage(ink_session *s, const char *bytes, size_t length, int code) {
  Error err = {0};
  assert_false(ink_session_restore(s, bytes, length, NULL, NULL, &err));
  assert_int_equal(err.code, code);
}

static void what_cannot_be_read_is_refused(void **state) {
  Error err = {0}, stopped = {0}, wide = {0}, no_source = {0};
  int32_t ids[TEXT], high = 1 << 20, low = -1;
  size_t length;
  some_ids(ids);
  ink_model *m = network("llama"), *other = network("marian");
  ink_session_options options = INK_SESSION_OPTIONS_INIT;
  options.positions = 20;
  ink_session *s = ink_session_open(m, &options, &err);
  assert_int_equal(ink_session_positions(s), 20);
  expect_refused(s, &high, 1, INK_USAGE, "token 0 is 1048576");
  expect_refused(s, &low, 1, INK_USAGE, "token 0 is -1");
  expect_refused(s, ids, 0, INK_USAGE, "no tokens");
  feed(s, ids, 15);
  expect_refused(s, ids, 6, INK_USAGE, "exceed");
  feed(s, ids, 5);
  options.positions = 1000;
  assert_null(ink_session_open(m, &options, &wide));
  assert_int_equal(wide.code, INK_USAGE);
  assert_false(ink_session_source(s, ids, 3, &no_source));
  assert_int_equal(no_source.code, INK_USAGE);
  ink_session *reader = ink_session_open(other, NULL, &err);
  expect_refused(reader, ids, 1, INK_USAGE, "ink_session_source");
  ink_stop stop = {1};
  ink_call call = INK_CALL_INIT;
  call.stop = &stop;
  assert_null(ink_session_feed(s, ids, 1, &call, &stopped));
  assert_int_equal(stopped.code, INK_INTERRUPTED);
  char *saved = ink_session_save(s, &length, &err);
  for (size_t cut = 0; cut < length; cut++) expect_damage(s, saved, cut, INK_DAMAGED);
  saved[8] ^= 1; /* the tokenizer's fingerprint */
  expect_damage(s, saved, length, INK_USAGE);
  saved[8] ^= 1;
  saved[length - 1] = 0x7f;
  expect_damage(s, saved, length, INK_USAGE); /* no token of this vocabulary */
  saved[0] = 'x';
  expect_damage(s, saved, length, INK_DAMAGED);
  ink_free(saved);
  ink_session_close(s);
  ink_session_close(reader);
  ink_model_close(m);
  ink_model_close(other);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(however_tokens_come),
      cmocka_unit_test(writing_by_hand),
      cmocka_unit_test(tokens_around_texts),
      cmocka_unit_test(what_cannot_be_read_is_refused),
  };
  return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
