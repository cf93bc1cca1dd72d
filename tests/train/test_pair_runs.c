/* Runs over pairs and conversations: stopped and resumed, averaged, judged by what they write. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "io/safetensors.h"
#include "train/runs.h"

#include <cmocka.h> /* last: it defines fail() */

static const char model_file[] = "model.safetensors";

/* Words and what they mean, in all orders. */
static const char *some_pairs(void) {
  static const char *const from[] = {"one", "two", "red", "blue", "cat"}, *const to[] = {"一", "二", "红",
                                                                                         "蓝", "猫"};
  const char *path = in_scratch("pairs.tsv");
  Buffer text = {0};
  for (int i = 0; i < 125; i++)
    buffer_addf(&text, "%s %s %s\t%s%s%s\n", from[i % 5], from[i / 5 % 5], from[i / 25], to[i % 5],
                to[i / 5 % 5], to[i / 25]);
  CHECK(file_replace(path, text.data, text.length, NULL));
  buffer_free(&text);
  return path;
}

#define SMALL(...)                                                                              \
  (const char *const[]) {                                                                       \
    "heads", "2", "batch", "8", "context", "24", "lr", "0.01", "dropout", "0.1", "steps", "24", \
        "eval-every", "4", "beam", "2", __VA_ARGS__, NULL                                       \
  }

static bool learn(const char *run, const char *file, const char *const *pairs, Watch *watch, Error *err) {
  ink_settings *s = small_settings(pairs);
  const ink_call call = watch_call(watch);
  const bool ok = ink_train("translate", &file, file ? 1 : 0, in_scratch(run), s, &call, err);
  ink_settings_free(s);
  return ok;
}

static void learn_well(const char *run, const char *const *pairs, Watch *watch) {
  Error err = {0};
  if (!learn(run, some_pairs(), pairs, watch, &err)) fail_msg("%s", err.text);
}

static void resume(const char *run) {
  Error err = {0};
  ink_settings *s = ink_settings_train();
  assert_true(ink_settings_set(s, "resume", "true", &err));
  if (!ink_train("translate", NULL, 0, in_scratch(run), s, NULL, &err)) fail_msg("%s: %s", run, err.text);
  ink_settings_free(s);
}

static int snapshots_in(const char *run) {
  Names names;
  int count = 0;
  assert_true(dir_list(in_scratch(run), &names, NULL));
  for (size_t i = 0; i < names.count; i++) count += !strncmp(names.items[i], "snapshot-", 9);
  names_free(&names);
  return count;
}

static void stopped_and_resumed_is_the_same(const char *const *pairs) {
  Watch watch = {.interrupt_at = 20};
  Error err = {0};
  learn_well("whole", pairs, NULL);
  assert_false(learn("parts", some_pairs(), pairs, &watch, &err));
  assert_non_null(strstr(err.text, "inkstone train translate"));
  resume("parts");
  assert_true(same_file("whole", "parts", model_file));
  assert_true(same_file("whole", "parts", "tokenizer.json"));
  assert_int_equal(snapshots_in("whole"), 0);
  assert_int_equal(snapshots_in("parts"), 0);
  watch_free(&watch);
  dir_remove(in_scratch("whole"), NULL);
  dir_remove(in_scratch("parts"), NULL);
}

static void resumed_with_encoder(void **state) {
  (void)state;
  stopped_and_resumed_is_the_same(SMALL("arch", "marian", "average", "3", "average-of", "last"));
  stopped_and_resumed_is_the_same(SMALL("arch", "marian", "best-by", "chrf", "eval-examples", "10", "average",
                                        "2", "average-of", "best"));
}

static void resumed_without_encoder(void **state) {
  (void)state;
  stopped_and_resumed_is_the_same(SMALL("arch", "llama", "best-by", "bleu", "eval-examples", "10",
                                        "tokenizer", "bpe", "vocab", "300", "bpe-dropout", "0.2"));
}

/* ---- the mean ---- */

static const float *weights_of(Safetensors *file, const char *path, int64_t *count) {
  Error err = {0};
  if (!safetensors_open(file, path, &err)) fail_msg("%s", err.text);
  const NamedTensor *t = tensors_find(&file->tensors, "model.shared.weight");
  assert_non_null(t);
  *count = tensor_count(&t->tensor);
  return tensor_f32(&t->tensor);
}

/* What the last three evaluations saw, from checkpoints kept. */
static void the_mean_of_the_last_is_kept(void **state) {
  (void)state;
  enum { KEPT = 3 };
  char path[PATH_CAPACITY], name[64];
  double sum[4096] = {0};
  int64_t n;
  Safetensors file;
  learn_well("mean", SMALL("arch", "marian", "average", "3", "keep-checkpoints", "10", "dropout", "0"), NULL);
  for (int i = 0; i < KEPT; i++) {
    snprintf(name, sizeof name, "checkpoint-%010d/model.safetensors", 24 - 4 * i);
    const float *w = weights_of(&file, path_join(path, in_scratch("mean"), name), &n);
    for (int64_t k = 0; k < n && k < 4096; k++) sum[k] += (double)w[k] / KEPT;
    safetensors_close(&file);
  }
  const float *mean = weights_of(&file, path_join(path, in_scratch("mean"), model_file), &n);
  for (int64_t k = 0; k < n && k < 4096; k++) assert_true(fabs(mean[k] - sum[k]) < 1e-6);
  safetensors_close(&file);
}

/* ---- judged by what is written ---- */

typedef struct Judged {
  double best;
  int64_t step, kept;
  int count;
} Judged;

static void remember(void *user, const ink_event *e) {
  Judged *j = user;
  if (e->kind != INK_EVENT_EVAL) return;
  assert_string_equal(e->metric, "chrf");
  j->count++;
  if (e->best) j->kept = e->done;
  if (j->count > 1 && e->metric_value <= j->best) return;
  j->best = e->metric_value;
  j->step = e->done;
}

static void the_best_by_metric_is_kept(void **state) {
  (void)state;
  const char *file = some_pairs();
  Judged j = {0};
  Error err = {0};
  char name[64];
  ink_settings *s =
      small_settings(SMALL("arch", "marian", "best-by", "chrf", "keep-checkpoints", "10", "lr", "0.03"));
  ink_call call = INK_CALL_INIT;
  call.listener = remember;
  call.user = &j;
  if (!ink_train("translate", &file, 1, in_scratch("judged"), s, &call, &err)) fail_msg("%s", err.text);
  assert_true(j.count == 6 && j.kept == j.step && j.best > 0);
  snprintf(name, sizeof name, "checkpoint-%010d/model.safetensors", (int)j.step);
  char a[PATH_CAPACITY], b[PATH_CAPACITY];
  assert_true(
      same_bytes(path_join(a, in_scratch("judged"), model_file), path_join(b, in_scratch("judged"), name)));
  ink_settings_free(s);
}

/* ---- conversations ---- */

static const char *some_talks(void) {
  const char *path = in_scratch("talks");
  Buffer text = {0};
  for (int i = 0; i < 60; i++) buffer_addf(&text, "hello %d\nhello you\nhow are you %d\nfine\n\n", i, i);
  CHECK(file_replace(path, text.data, text.length, NULL));
  buffer_free(&text);
  return path;
}

static bool take_text(void *user, const ink_output *o) {
  buffer_add(user, o->text, o->length);
  return true;
}

/* Both kinds of network learn to reply; roles that are not known are refused. */
static void replies_are_learnt(void **state) {
  (void)state;
  static const char *const archs[] = {"llama", "marian"};
  for (int i = 0; i < 2; i++) {
    const char *file = some_talks();
    Error err = {0};
    ink_settings *s = small_settings(SMALL("arch", archs[i], "steps", "60", "context", "64", "width", "32"));
    if (!ink_train("reply", &file, 1, in_scratch(archs[i]), s, NULL, &err)) fail_msg("%s", err.text);
    ink_settings_free(s);
    ink_model *m = ink_model_open(in_scratch(archs[i]), NULL, &err);
    if (!m) fail_msg("%s", err.text);
    s = ink_settings_rewrite();
    assert_true(ink_settings_set(s, "beam", "2", &err) && ink_settings_set(s, "max-tokens", "20", &err));
    const ink_turn turns[] = {{"user", "hello 3", 7},
                              {"assistant", "hello you", 9},
                              {"user", "how are you 3", 13}},
                   wrong = {"wizard", "hello", 5};
    Buffer said = {0};
    ink_rewritten done = INK_REWRITTEN_INIT;
    if (!ink_reply(m, turns, 3, s, take_text, &said, &done, NULL, &err)) fail_msg("%s", err.text);
    assert_true(said.length > 0 && done.new_tokens > 0);
    assert_false(ink_reply(m, &wrong, 1, s, take_text, &said, &done, NULL, &err));
    assert_non_null(strstr(err.text, "wizard"));
    buffer_free(&said);
    ink_settings_free(s);
    ink_model_close(m);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(resumed_with_encoder, scratch_open, scratch_close),
      cmocka_unit_test_setup_teardown(resumed_without_encoder, scratch_open, scratch_close),
      cmocka_unit_test_setup_teardown(the_mean_of_the_last_is_kept, scratch_open, scratch_close),
      cmocka_unit_test_setup_teardown(the_best_by_metric_is_kept, scratch_open, scratch_close),
      cmocka_unit_test_setup_teardown(replies_are_learnt, scratch_open, scratch_close),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
