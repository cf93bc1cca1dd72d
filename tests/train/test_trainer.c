/* Training runs of a few steps: what they may depend on, how they go on after a stop, when they give up. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/threads.h"
#include "kernels/kernels.h"
#include "train/runs.h"

#include <cmocka.h> /* last: it defines fail() */

#define WITH(...) ((const char *const[]){__VA_ARGS__, NULL})
static const char model_file[] = "model.safetensors";

static void train_well(const char *run, const char *text, const char *const *pairs, Watch *watch) {
  Error err = {0};
  if (!train(in_scratch(run), text, pairs, watch, &err)) fail_msg("%s: %s", run, err.text);
}

static char *read_log(const char *run) {
  FileView view;
  char path[PATH_CAPACITY];
  Error err = {0};
  if (!file_view(path_join(path, in_scratch(run), "log.jsonl"), &view, &err)) fail_msg("%s", err.text);
  char *text = mem_alloc(view.size + 1);
  memcpy(text, view.data, view.size);
  text[view.size] = '\0';
  file_view_close(&view);
  return text;
}

/* The numbers of one name in the log, in order: at most 32. */
static int logged(const char *run, const char *name, double values[32]) {
  char *log = read_log(run), key[64];
  int count = 0;
  snprintf(key, sizeof key, "\"%s\":", name);
  for (const char *at = log; count < 32 && (at = strstr(at, key)); at += strlen(key))
    values[count++] = strtod(at + strlen(key), NULL);
  mem_free(log);
  return count;
}

static void add_to_log(const char *run, const char *text) {
  char path[PATH_CAPACITY];
  FILE *file = fopen(path_join(path, in_scratch(run), "log.jsonl"), "a");
  assert_true(file && fputs(text, file) >= 0 && !fclose(file));
}

static void expect_same_log(const char *run_a, const char *run_b, const char *name) {
  double a[32], b[32];
  const int count = logged(run_a, name, a);
  assert_true(count > 0);
  assert_int_equal(logged(run_b, name, b), count);
  for (int i = 0; i < count; i++)
    if (a[i] != b[i]) fail_msg("%s number %d is %.9g and %.9g", name, i, a[i], b[i]);
}

/* ---- the same run, stopped and not stopped ---- */

typedef struct Variant {
  const char *name;
  const char *const *pairs;
} Variant;

/* With no other word: text and settings are those the run began with. */
static void resume(const char *run) {
  Error err = {0};
  ink_settings *s = ink_settings_train();
  assert_true(ink_settings_set(s, "resume", "true", &err));
  if (!ink_train("write", NULL, 0, in_scratch(run), s, NULL, &err)) fail_msg("%s: %s", run, err.text);
  ink_settings_free(s);
}

/* Stopped at `at`, in the middle of a pass over the text, and resumed: all files that are not a diary. */
static void expect_exact_resume(const Variant *v, int64_t at) {
  static const char *const files[] = {"model.safetensors", "checkpoint-0000000012/model.safetensors",
                                      "checkpoint-0000000012/optimizer.safetensors", "config.json",
                                      "tokenizer.json"};
  Watch watch = {.interrupt_at = at};
  Error err = {0};
  train_well("whole", some_text(), v->pairs, NULL);
  assert_false(train(in_scratch("parts"), some_text(), v->pairs, &watch, &err));
  if (err.code != INK_INTERRUPTED || !strstr(err.text, "--resume")) fail_msg("%s: \"%s\"", v->name, err.text);
  assert_false(same_file("whole", "parts", model_file));
  add_to_log("parts", "{\"step\":9,\"loss\":9}\n{\"step\":10,\"lo"); /* a killed process may have left this */
  resume("parts");
  for (size_t i = 0; i < sizeof files / sizeof *files; i++)
    if (!same_file("whole", "parts", files[i])) fail_msg("%s: %s differs", v->name, files[i]);
  assert_true(result_of(in_scratch("whole"), "valid_loss") == result_of(in_scratch("parts"), "valid_loss"));
  expect_same_log("whole", "parts", "step"); /* no step is told twice */
  expect_same_log("whole", "parts", "loss");
  expect_same_log("whole", "parts", "valid_loss");
  watch_free(&watch);
}

static void resumed_is_as_never_stopped(void **state) {
  const Variant v = {"all at once", WITH("dropout", "0.2", "ema", "0.9", "optimizer", "muon", "batch", "8",
                                         "accumulate", "2", "mix", "2", "schedule", "wsd")};
  expect_exact_resume(&v, 8);
}

static void resumed_by_document_is_as_never_stopped(void **state) {
  const Variant v = {"by document", WITH("windows", "document", "dropout", "0.1", "arch", "gpt2")};
  expect_exact_resume(&v, 4);
}

static void resumed_recurrent_is_as_never_stopped(void **state) {
  const Variant v = {"lstm", WITH("arch", "lstm", "eval-every", "5", "checkpoint-every", "3")};
  expect_exact_resume(&v, 5);
}

static void resumed_in_bf16_is_as_never_stopped(void **state) {
  const Variant v = {"bf16", WITH("precision", "bf16")};
  expect_exact_resume(&v, 8);
}

static bool yes(void) {
  return true;
}

static double beyond_belief(int64_t iterations, float *sink) {
  return 1e30;
}

/* Begun where the processor has quick products of bf16, it goes on with them where there are none. */
static void what_auto_is_was_decided_when_the_run_began(void **state) {
  const Kernels *here = kernels;
  Kernels there = *here;
  Watch watch = {.interrupt_at = 8};
  Error err = {0};
  there.has_bf16 = yes;
  there.pairs_burst = beyond_belief;
  train_well("whole", some_text(), WITH("precision", "bf16"), NULL);
  kernels = &there;
  assert_false(train(in_scratch("parts"), some_text(), WITH("precision", "auto"), &watch, &err));
  kernels = here;
  assert_true(heard(&watch.notes, "precision: bf16"));
  train_well("parts", some_text(), WITH("precision", "auto", "resume", "true"), NULL);
  assert_true(same_file("whole", "parts", model_file));
  watch_free(&watch);
}

static void weights_decay_as_the_plan_decides(void **state) {
  train_well("default", some_text(), WITH("steps", "6"), NULL);
  train_well("same", some_text(), WITH("steps", "6", "weight-decay", "0.1"), NULL);
  train_well("asked", some_text(), WITH("steps", "6", "weight-decay", "-1"), NULL);
  train_well("none", some_text(), WITH("steps", "6", "weight-decay", "0"), NULL);
  assert_true(same_file("default", "same", model_file) && same_file("default", "asked", model_file));
  assert_false(same_file("default", "none", model_file));
}

/* Rounding shows, and leaves a loss that is nearly the same. */
static void bf16_learns_alike(void **state) {
  train_well("f32", some_text(), WITH("steps", "12"), NULL);
  train_well("bf16", some_text(), WITH("steps", "12", "precision", "bf16"), NULL);
  const double whole = result_of(in_scratch("f32"), "valid_loss"),
               half = result_of(in_scratch("bf16"), "valid_loss");
  assert_true(whole != half && fabs(whole - half) < 0.01 * whole);
}

static void a_run_may_end_and_go_further(void **state) {
  const char *text = some_text();
  train_well("long", text, WITH("steps", "12", "schedule", "constant"), NULL);
  train_well("short", text, WITH("steps", "8", "schedule", "constant"), NULL);
  train_well("short", text, WITH("steps", "12", "schedule", "constant", "resume", "true"), NULL);
  assert_true(same_file("long", "short", model_file));
}

/* ---- what must not change the result ---- */

/* Nor whether an update's batches are worked on one after the other, or some at a time. */
static void threads_change_no_bit(void **state) {
  static const char *const variants[][4] = {{"llama", "1", "16", "f32"},  {"gru", "1", "16", "f32"},
                                            {"gru", "1", "160", "f32"},   {"llama", "3", "16", "f32"},
                                            {"llama", "1", "16", "bf16"}, {"gru", "3", "16", "bf16"}};
  static const char *const counts[] = {"1", "2", "3", "4"};
  for (int v = 0; v < 6; v++)
    for (int i = 0; i < 4; i++) {
      const char *arch = variants[v][0], *mix = variants[v][1], *width = variants[v][2];
      train_well(
          counts[i], some_text(),
          WITH("arch", arch, "mix", mix, "width", width, "threads", counts[i], "steps", "4", "batch", "6",
               "dropout", "0.1", "optimizer", "muon", "precision", variants[v][3], "overwrite", "true"),
          NULL);
      if (i && !same_file("1", counts[i], model_file))
        fail_msg("%s of width %s, %s batches an update, with %s threads", arch, width, mix, counts[i]);
    }
  threads_set(0);
}

static void the_seed_changes_it(void **state) {
  train_well("a", some_text(), WITH("steps", "2"), NULL);
  train_well("b", some_text(), WITH("steps", "2", "seed", "8"), NULL);
  assert_false(same_file("a", "b", model_file));
}

static FileView view_model(const char *run) {
  FileView view;
  char path[PATH_CAPACITY];
  Error err = {0};
  if (!file_view(path_join(path, in_scratch(run), model_file), &view, &err)) fail_msg("%s", err.text);
  return view;
}

/* The largest difference of two models' weights: those of 32 bits at the end of the files. */
static double difference(const char *run_a, const char *run_b) {
  const FileView a = view_model(run_a), b = view_model(run_b);
  uint64_t header;
  double most = 0;
  assert_int_equal(a.size, b.size);
  memcpy(&header, a.data, 8);
  for (size_t at = 8 + header; at < a.size; at += 4) {
    float x, y;
    memcpy(&x, a.data + at, 4);
    memcpy(&y, b.data + at, 4);
    most = fmax(most, fabs((double)x - (double)y));
  }
  file_view_close((FileView *)&a);
  file_view_close((FileView *)&b);
  return most;
}

/* With so large an epsilon AdamW follows the gradient itself, so that rounding stays as small as it is. */
static void pieces_make_the_same_batch(void **state) {
  static const char *const pieces[] = {"1", "2", "4"};
  for (int i = 0; i < 3; i++)
    train_well(
        pieces[i], some_text(),
        WITH("accumulate", pieces[i], "epsilon", "1", "lr", "0.5", "steps", "4", "warmup", "0", "clip", "0"),
        NULL);
  train_well("none", some_text(), WITH("lr", "1e-30", "steps", "4"), NULL);
  train_well("mixed", some_text(),
             WITH("mix", "2", "accumulate", "2", "epsilon", "1", "lr", "0.5", "steps", "4", "warmup", "0",
                  "clip", "0"),
             NULL);
  assert_true(difference("1", "none") > 1e-2);
  assert_true(difference("1", "mixed") < 1e-5);
  assert_true(difference("1", "2") < 1e-5);
  assert_true(difference("1", "4") < 1e-5);
}

/* ---- one step after another ---- */

/* At no rate to speak of, what differs between steps is what they saw. */
static void each_step_sees_other_text(void **state) {
  double losses[32];
  train_well("m", some_text(), WITH("lr", "1e-30"), NULL);
  assert_int_equal(logged("m", "loss", losses), 12);
  for (int i = 0; i < 12; i++)
    for (int k = 0; k < i; k++) assert_true(losses[i] != losses[k]);
}

static const char *endless_a(void) {
  const char *path = in_scratch("endless");
  Buffer text = {0};
  for (int i = 0; i < 400; i++) buffer_adds(&text, "aaaaaaaaaa");
  assert_true(file_replace(path, text.data, text.length, NULL));
  buffer_free(&text);
  return path;
}

/* On a text that is the same everywhere steps are alike, unless by dropout: only the window at its end is
 * shorter. */
static void a_step_leaves_nothing_to_the_next(void **state) {
  double losses[32], norms[32];
  train_well("m", endless_a(), WITH("lr", "1e-30"), NULL);
  assert_true(logged("m", "loss", losses) == 12 && logged("m", "gradient_norm", norms) == 12);
  for (int i = 1; i < 12; i++)
    assert_true(fabs(losses[i] / losses[0] - 1) < 0.05 && fabs(norms[i] / norms[0] - 1) < 0.05);
}

static void dropout_is_drawn_anew_in_each_step(void **state) {
  double losses[32];
  train_well("m", endless_a(), WITH("lr", "1e-30", "dropout", "0.5"), NULL);
  assert_int_equal(logged("m", "loss", losses), 12);
  for (int i = 0; i < 12; i++)
    for (int k = 0; k < i; k++) assert_true(losses[i] != losses[k]);
}

/* With so large an epsilon no weight moves further than the rate times the clipped gradient. */
static void clipping_bounds_the_step(void **state) {
#define STEPS_OF(clip) \
  WITH("epsilon", "1", "lr", "0.5", "steps", "4", "warmup", "0", "weight-decay", "0", "clip", clip)
  train_well("clipped", some_text(), STEPS_OF("0.001"), NULL);
  train_well("free", some_text(), STEPS_OF("0"), NULL);
  train_well("none", some_text(), WITH("lr", "1e-30", "steps", "4"), NULL);
  assert_true(difference("free", "none") > 1e-2);
  assert_true(difference("clipped", "none") < 4 * 0.5 * 0.001);
  assert_true(difference("clipped", "none") > 1e-6);
}

/* ---- divergence ---- */

static size_t count_of(const char *text, const char *word) {
  size_t n = 0;
  for (; (text = strstr(text, word)); text++) n++;
  return n;
}

/* Back at step 0 with half the rate, it is the run that was begun with half the rate. */
static void a_spike_goes_back_with_half_the_rate(void **state) {
  Watch watch = {0};
  char rate[32];
  train_well("fast", some_text(),
             WITH("lr", "2", "spike", "1.2", "schedule", "constant", "checkpoint-every", "100"), &watch);
  assert_true(heard(&watch.warnings, "back to the checkpoint of step 0 with 0.5 of the learning rate"));
  char *log = read_log("fast");
  const size_t rollbacks = count_of(log, "the loss diverged");
  assert_true(rollbacks >= 1 && rollbacks <= 6);
  assert_non_null(strstr(log, "with 0.5 of the learning rate"));
  snprintf(rate, sizeof rate, "%.17g", 2 / (double)(1 << rollbacks));
  train_well("slow", some_text(),
             WITH("lr", rate, "spike", "1.2", "schedule", "constant", "checkpoint-every", "100"), NULL);
  assert_true(same_file("fast", "slow", model_file));
  mem_free(log);
  watch_free(&watch);
}

/* Weights too large to be multiplied make a loss that is no number; as no rate mends that, it is given up in
 * the end. */
static void a_loss_that_is_no_number_is_divergence(void **state) {
  enum { HUGE_WEIGHTS = 64 };
  float huge[HUGE_WEIGHTS];
  for (int i = 0; i < HUGE_WEIGHTS; i++) huge[i] = i % 2 ? 3e38f : -3e38f;
  Watch watch = {0};
  Error err = {0};
  train_well("base", some_text(), WITH("steps", "2"), NULL);
  char path[PATH_CAPACITY];
  FILE *file = fopen(path_join(path, in_scratch("base"), model_file), "r+");
  assert_true(file && !fseek(file, -(long)sizeof huge, SEEK_END) && fwrite(huge, sizeof huge, 1, file) == 1 &&
              !fclose(file));
  ink_settings *s = ink_settings_train();
  assert_true(ink_settings_set(s, "from", in_scratch("base"), &err) &&
              ink_settings_set(s, "steps", "3", &err));
  assert_true(ink_settings_set(s, "threads", "1", &err) && ink_settings_set(s, "spike", "1e9", &err));
  const char *text = some_text();
  const ink_call call = watch_call(&watch);
  assert_false(ink_train("write", &text, 1, in_scratch("next"), s, &call, &err));
  assert_int_equal(err.code, INK_FAILED);
  assert_true(strstr(err.text, "diverges at step 1 ") && strstr(err.text, "--lr"));
  assert_int_equal(count_of(watch.warnings.data, "the loss diverged at step 1"), 8);
  assert_true(heard(&watch.warnings, "with 0.25 of the learning rate"));
  assert_false(file_exists(path_join(path, in_scratch("next"), model_file)));
  ink_settings_free(s);
  watch_free(&watch);
}

/* ---- which model is kept, and when it is enough ---- */

/* At no rate at all no evaluation is better than the first. */
static void patience_ends_early(void **state) {
  Watch watch = {0};
  train_well("idle", some_text(), WITH("lr", "1e-30", "eval-every", "2", "patience", "3", "steps", "100"),
             &watch);
  assert_int_equal(watch.evaluations, 4);
  assert_true(result_of(in_scratch("idle"), "steps") == 8 && result_of(in_scratch("idle"), "best_step") == 2);
  assert_true(heard(&watch.notes, "stopped early: no better evaluation since step 2"));
  watch_free(&watch);
}

/* Learning half a line by heart makes all else worse: what is kept is the model before that. */
static void the_best_model_is_kept(void **state) {
  const char *train_text = in_scratch("train"), *other = in_scratch("other");
  Watch watch = {0};
  assert_true(file_replace(train_text, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 41, NULL));
  assert_true(file_replace(other, "aabaacaadaabaacaadaabaacaadaabaacaadaabaa", 41, NULL));
  train_well("m", train_text,
             WITH("valid", other, "lr", "0.03", "steps", "60", "eval-every", "5", "windows", "packed"),
             &watch);
  double least = INFINITY;
  for (int i = 0; i < watch.evaluations; i++) least = fmin(least, watch.losses[i]);
  assert_int_equal(watch.evaluations, 12);
  assert_true(watch.losses[11] > least);
  assert_true(result_of(in_scratch("m"), "best_step") < 60);
  assert_true(fabs(result_of(in_scratch("m"), "valid_loss") - least) < 1e-9);
  assert_false(same_file("m", "m/checkpoint-0000000060", model_file));
  watch_free(&watch);
}

static void the_average_is_what_is_evaluated_and_kept(void **state) {
  Watch watch = {0};
  train_well("m", some_text(), WITH("ema", "0.8", "lr", "0.02", "schedule", "constant"), &watch);
  train_well("plain", some_text(), WITH("lr", "0.02", "schedule", "constant"), NULL);
  assert_true(watch.evaluations == 3 && watch.losses[2] < watch.losses[0]);
  assert_true(fabs(result_of(in_scratch("m"), "valid_loss") - watch.losses[2]) < 1e-9);
  assert_false(same_file("m", "plain", model_file));
  /* the weights themselves go on as if there were no average */
  assert_true(same_file("m/checkpoint-0000000012", "plain", model_file));
  watch_free(&watch);
}

/* ---- windows by document ---- */

static double eval_loss(const char *run, const char *file) {
  Error err = {0};
  ink_scores scores = INK_SCORES_INIT;
  ink_settings *s = ink_settings_eval();
  ink_model *m = ink_model_open(in_scratch(run), NULL, &err);
  if (!m) fail_msg("%s", err.text);
  if (!ink_eval(m, &file, 1, s, &scores, NULL, &err)) fail_msg("%s", err.text);
  ink_model_close(m);
  ink_settings_free(s);
  return scores.nats / (double)scores.tokens;
}

/* Training and `eval` measure alike, however the text is cut. */
static void held_out_text_is_scored_as_eval_does(void **state) {
  static const char *const windows[] = {"packed", "document"};
  for (int i = 0; i < 2; i++) {
    const char *text = some_text();
    train_well(windows[i], text, WITH("windows", windows[i], "valid", text, "steps", "4"), NULL);
    const double here = result_of(in_scratch(windows[i]), "valid_loss"), there = eval_loss(windows[i], text);
    if (fabs(here - there) > 1e-9) fail_msg("%s: %.9g while training, %.9g by eval", windows[i], here, there);
  }
  assert_false(same_file("packed", "document", model_file));
}

/* The last window is not full: what fills it is no text. */
static void each_token_but_the_first_is_scored(void **state) {
  const char *text = endless_a();
  Error err = {0};
  ink_scores scores = INK_SCORES_INIT;
  train_well("m", text, WITH("steps", "2", "context", "13"), NULL);
  ink_settings *s = ink_settings_eval();
  ink_model *m = ink_model_open(in_scratch("m"), NULL, &err);
  if (!m || !ink_eval(m, &text, 1, s, &scores, NULL, &err)) fail_msg("%s", err.text);
  assert_int_equal(scores.bytes, 4000);
  assert_int_equal(scores.tokens, 4000); /* the end token is, too */
  ink_model_close(m);
  ink_settings_free(s);
}

/* Documents shorter than the context can be learnt from one at a time. */
static void short_documents_make_windows(void **state) {
  const char *path = in_scratch("short");
  assert_true(file_replace(path, "Abc.\nAbd.\nAbe.\nAbf.\n", 20, NULL));
  train_well("m", path, WITH("windows", "document", "documents", "line", "context", "64", "valid", path),
             NULL);
  assert_true(result_of(in_scratch("m"), "valid_loss") < log(256));
}

/* ---- refused ---- */

static void too_short_a_text_is_refused(void **state) {
  const char *path = in_scratch("short");
  Error err = {0};
  assert_true(file_replace(path, "Too short.\n", 11, NULL));
  assert_false(train(in_scratch("m"), path, WITH("holdout", "0"), NULL, &err));
  assert_int_equal(err.code, INK_FAILED);
  assert_true(strstr(err.text, path) && strstr(err.text, "context of 16") && strstr(err.text, "--context"));
  assert_false(file_exists(in_scratch("m/config.json")));
  err = (Error){0};
  if (!train(in_scratch("m"), path, WITH("holdout", "0", "context", "2"), NULL, &err))
    fail_msg("%s", err.text);
}

static void batches_that_cannot_be_cut_are_refused(void **state) {
  Error err = {0};
  assert_false(train(in_scratch("m"), some_text(), WITH("accumulate", "3"), NULL, &err));
  assert_int_equal(err.code, INK_USAGE);
  assert_true(strstr(err.text, "--accumulate"));
}

/* Another process holds the directory: its number is told, nothing is touched. */
static void a_run_belongs_to_one_process(void **state) {
  int ready[2], over[2];
  char byte = 0, number[32];
  Error err = {0};
  const char *run = in_scratch("m");
  assert_true(dir_make(run, &err) && !pipe(ready) && !pipe(over));
  const pid_t child = fork();
  if (child == 0) {
    close(over[1]);
    byte = file_lock(run, &err) >= 0;
    const bool told = write(ready[1], &byte, 1) == 1;
    while (read(over[0], &byte, 1) > 0) continue;
    _exit(!told);
  }
  assert_true(read(ready[0], &byte, 1) == 1 && byte);
  assert_false(train(run, some_text(), WITH("steps", "2"), NULL, &err));
  snprintf(number, sizeof number, "%d", (int)child);
  assert_int_equal(err.code, INK_FAILED);
  assert_true(strstr(err.text, run) && strstr(err.text, number));
  assert_false(file_exists(in_scratch("m/config.json")));
  close(over[1]);
  assert_true(waitpid(child, NULL, 0) == child);
  train_well("m", some_text(), WITH("steps", "2"), NULL);
  for (int i = 0; i < 2; i++) close(ready[i]);
  close(over[0]);
}

#define IN_SCRATCH(test) cmocka_unit_test_setup_teardown(test, scratch_open, scratch_close)

int main(void) {
  const struct CMUnitTest tests[] = {
      IN_SCRATCH(resumed_is_as_never_stopped),
      IN_SCRATCH(resumed_by_document_is_as_never_stopped),
      IN_SCRATCH(resumed_recurrent_is_as_never_stopped),
      IN_SCRATCH(resumed_in_bf16_is_as_never_stopped),
      IN_SCRATCH(what_auto_is_was_decided_when_the_run_began),
      IN_SCRATCH(bf16_learns_alike),
      IN_SCRATCH(weights_decay_as_the_plan_decides),
      IN_SCRATCH(a_run_may_end_and_go_further),
      IN_SCRATCH(threads_change_no_bit),
      IN_SCRATCH(the_seed_changes_it),
      IN_SCRATCH(pieces_make_the_same_batch),
      IN_SCRATCH(each_step_sees_other_text),
      IN_SCRATCH(a_step_leaves_nothing_to_the_next),
      IN_SCRATCH(dropout_is_drawn_anew_in_each_step),
      IN_SCRATCH(clipping_bounds_the_step),
      IN_SCRATCH(a_spike_goes_back_with_half_the_rate),
      IN_SCRATCH(a_loss_that_is_no_number_is_divergence),
      IN_SCRATCH(patience_ends_early),
      IN_SCRATCH(the_best_model_is_kept),
      IN_SCRATCH(the_average_is_what_is_evaluated_and_kept),
      IN_SCRATCH(held_out_text_is_scored_as_eval_does),
      IN_SCRATCH(each_token_but_the_first_is_scored),
      IN_SCRATCH(short_documents_make_windows),
      IN_SCRATCH(too_short_a_text_is_refused),
      IN_SCRATCH(batches_that_cannot_be_cut_are_refused),
      IN_SCRATCH(a_run_belongs_to_one_process),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
