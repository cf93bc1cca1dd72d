/* Weights that are no numbers, or so large that what is computed with them is none: whatever reads the
 * network says so, and nothing is drawn, found, scored or shown. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/threads.h"
#include "io/safetensors.h"
#include "train/runs.h"

#include <cmocka.h> /* last: it defines fail() */

#define WITH(...) ((const char *const[]){__VA_ARGS__, NULL})

static const char *const texts[] = {"2 moons sing", "stones"};
static const size_t lengths[] = {12, 6};

static ink_settings *set_all(ink_settings *s, const char *const *pairs) {
  Error err = {0};
  for (; *pairs; pairs += 2)
    if (!ink_settings_set(s, pairs[0], pairs[1], &err)) fail_msg("%s", err.text);
  return s;
}

static void make(const char *task, const char *arch, const char *data, const char *out) {
  Error err = {0};
  ink_settings *s = small_settings(WITH("arch", arch, "context", "32", "steps", "1", "warmup", "0",
                                        "eval-every", "1", "overwrite", "true"));
  if (!ink_train(task, &data, 1, out, s, NULL, &err)) fail_msg("%s: %s", arch, err.text);
  ink_settings_free(s);
}

/* How weights are made so large that what is computed overflows: all of them, of either sign, or those of
 * norms and biases, and the rest a little. What overflows within a norm is divided away again, so one of both
 * may do no harm. */
static float enlarged(const Tensor *t, const float *values, int64_t at, int way) {
  if (way == 0) return at * 7 % 5 % 2 ? 3e38f : -3e38f;
  return t->dims == 1 ? 3e38f : 1000 * values[at];
}

static void enlarge(const char *dir, int way) {
  char path[PATH_CAPACITY];
  Safetensors file;
  Error err = {0};
  if (!safetensors_open(&file, path_join(path, dir, "model.safetensors"), &err)) fail_msg("%s", err.text);
  for (size_t i = 0; i < file.tensors.count; i++) {
    Tensor *t = &file.tensors.items[i].tensor;
    float *values = mem_alloc(tensor_bytes(t));
    tensor_to_f32(values, t);
    for (int64_t k = 0; k < tensor_count(t); k++) values[k] = enlarged(t, values, k, way);
    t->data = values;
  }
  if (!safetensors_write(path, file.tensors.items, file.tensors.count, NULL, &err)) fail_msg("%s", err.text);
  for (size_t i = 0; i < file.tensors.count; i++) mem_free(file.tensors.items[i].tensor.data);
  safetensors_close(&file);
}

/* Done well, or refused with the sentence; *refused counts. */
static void expect(bool ok, const Error *err, const char *what, int *refused) {
  if (!ok && !strstr(err->text, "not finite")) fail_msg("%s: \"%s\"", what, err->text);
  *refused += !ok;
}

static bool take_token(void *user, const ink_token *token) {
  assert_true(isfinite(token->logprob));
  return true;
}

static bool take_output(void *user, const ink_output *output) {
  assert_true(isfinite(output->logprob));
  return true;
}

static void try_eval(ink_model *m, const char *task, const char *file, int *refused) {
  Error err = {0};
  ink_scores scores = INK_SCORES_INIT;
  ink_settings *s = set_all(ink_settings_eval(), WITH("threads", "1"));
  if (strcmp(task, "write")) set_all(s, WITH("max-tokens", "4"));
  const bool ok = ink_eval(m, &file, 1, s, &scores, NULL, &err);
  expect(ok, &err, "eval", refused);
  if (ok) assert_true(isfinite(scores.nats));
  if (ok) ink_free(scores.written);
  ink_settings_free(s);
}

static void try_write(ink_model *m, int *refused) {
  static const char *const ways[][2] = {
      {"samples", "2"}, {"greedy", "true"},     {"typical", "0.5"},           {"min-p", "0.1"},
      {"top-k", "3"},   {"temperature", "100"}, {"repetition-penalty", "100"}};
  for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
    Error err = {0};
    ink_written written = INK_WRITTEN_INIT;
    ink_settings *s = set_all(ink_settings_write(), WITH("max-tokens", "4", ways[i][0], ways[i][1]));
    expect(ink_write(m, "The", 3, s, take_token, NULL, &written, NULL, &err), &err, ways[i][0], refused);
    ink_settings_free(s);
  }
}

static void try_rewrite(ink_model *m, const char *task, int *refused) {
  static const char *const ways[][2] = {{"beam", "3"}, {"sample", "true"}};
  for (int i = 0; i < 2; i++) {
    Error err = {0}, of_page = {0};
    ink_rewritten done = INK_REWRITTEN_INIT;
    ink_settings *s = set_all(ink_settings_rewrite(), WITH("max-tokens", "4", ways[i][0], ways[i][1]));
    expect(ink_rewrite(m, task, texts, lengths, 2, s, take_output, NULL, &done, NULL, &err), &err, ways[i][0],
           refused);
    char *page = ink_explain(m, task, texts, lengths, 1, s, NULL, &of_page);
    expect(page != NULL, &of_page, "explain", refused);
    assert_false(page && strstr(page, "nan"));
    ink_free(page);
    ink_settings_free(s);
  }
}

static void try_all(const char *task, const char *arch, const char *data) {
  char dir[PATH_CAPACITY], name[64];
  int scores = 0, texts_refused = 0;
  snprintf(name, sizeof name, "%s-%s", task, arch);
  path_join(dir, scratch, name);
  for (int way = 0; way < 2; way++) {
    Error err = {0};
    make(task, arch, data, dir);
    enlarge(dir, way);
    ink_model *m = ink_model_open(dir, NULL, &err);
    if (!m) fail_msg("%s", err.text);
    try_eval(m, task, data, &scores);
    if (strcmp(task, "write"))
      try_rewrite(m, task, &texts_refused);
    else
      try_write(m, &texts_refused);
    ink_model_close(m);
  }
  if (!scores || !texts_refused) fail_msg("%s: %d scores and %d texts refused", name, scores, texts_refused);
}

static void decoders_and_recurrent_networks(void **state) {
  char text[PATH_CAPACITY];
  some_text();
  path_join(text, scratch, "text");
  try_all("write", "llama", text);
  try_all("write", "gpt2", text);
  try_all("write", "lstm", text);
  try_all("write", "gru", text);
}

static void pairs_and_conversations(void **state) {
  char pairs[PATH_CAPACITY];
  Buffer lines = {0};
  path_join(pairs, scratch, "pairs.tsv");
  for (int i = 0; i < 40; i++) buffer_addf(&lines, "%d moons sing\tmany sing: %d\n", i, i);
  assert_true(file_replace(pairs, lines.data, lines.length, NULL));
  buffer_free(&lines);
  try_all("translate", "marian", pairs);
  try_all("translate", "seq2seq", pairs);
  try_all("reply", "llama", pairs);
}

int main(void) {
  threads_set(1);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(decoders_and_recurrent_networks, scratch_open, scratch_close),
      cmocka_unit_test_setup_teardown(pairs_and_conversations, scratch_open, scratch_close),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
