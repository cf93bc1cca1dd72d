/* Checkpoints: they give back what they were given, byte for byte, or say what is wrong with them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "train/checkpoint.h"
#include "train/runs.h"

#include <cmocka.h> /* last: it defines fail() */

static const TrainSettings settings = {
    .beta1 = 0.9, .beta2 = 0.95, .epsilon = 1e-8, .ema = 0.5, .optimizer = "adamw"};
static const TrainState some_state = {.step = 3,
                                      .steps = 9,
                                      .warmup = 2,
                                      .rate_scale = 0.25,
                                      .rollbacks = 2,
                                      .recent_loss = 1.25,
                                      .best_score = -1.5,
                                      .best_step = 2,
                                      .worse = 1,
                                      .valid_loss = 1.0 / 3,
                                      .seconds = 0.1,
                                      .snapshots = {{2, -0.5}, {3, 3}},
                                      .snapshot_count = 2};

/* The library's fwrite, whose call of this number, counted down, puts another byte on the disk; -1: none. */
static int writes_until_bad = -1;

size_t fwrite(const void *data, size_t size, size_t count, FILE *stream) {
  const size_t length = size * count;
  if (!length || writes_until_bad < 0 || writes_until_bad-- > 0)
    return fwrite_unlocked(data, size, count, stream);
  char *altered = malloc(length);
  memcpy(altered, data, length);
  altered[length - 1] ^= 0x40;
  const size_t written = fwrite_unlocked(altered, size, count, stream);
  free(altered);
  return written;
}

/* Weights, moments and their average. */
typedef struct Weights {
  Params *params;
  Optimizer optimizer;
} Weights;

static Weights weights_open(int64_t columns) {
  Weights w = {.params = params_new()};
  params_declare(w.params, "weight", 2, (int64_t[]){3, columns}, (Init){INIT_NORMAL, 1}, PARAM_MATRIX);
  params_declare(w.params, "bias", 1, (int64_t[]){3}, (Init){INIT_ZERO, 0}, PARAM_VECTOR);
  params_allocate(w.params, true);
  return w;
}

static void optimize(Weights *w) {
  optimizer_open(&w->optimizer, w->params, &settings, settings.weight_decay);
  params_initialize(w->params, 11);
  for (int64_t i = 0; i < params_length(w->params); i++)
    params_gradients(w->params)[i] = 0.37f * (float)((i * 7) % 5) - 0.6f;
  optimizer_step(&w->optimizer, 1, 0.1, 1);
}

static void weights_close(Weights *w) {
  optimizer_close(&w->optimizer);
  params_free(w->params);
}

static void save(Weights *w, int64_t step, int64_t keep) {
  TrainState s = some_state;
  Error err = {0};
  s.step = step;
  if (!checkpoint_save(scratch, &s, &w->optimizer, keep, &err)) fail_msg("%s", err.text);
}

static const char *part_of(int64_t step, const char *name) {
  char relative[128];
  snprintf(relative, sizeof relative, "checkpoint-%010" PRId64 "/%s", step, name);
  return in_scratch(relative);
}

static bool there(int64_t step) {
  return dir_exists(part_of(step, ""));
}

static void put(const char *path, const char *text) {
  assert_true(file_replace(path, text, strlen(text), NULL));
}

static void they_give_back_what_they_were_given(void **state) {
  Weights a = weights_open(5), b = weights_open(5);
  const size_t bytes = (size_t)params_length(a.params) * sizeof(float);
  TrainState loaded = {0};
  Error err = {0};
  bool found;
  optimize(&a);
  optimizer_open(&b.optimizer, b.params, &settings, settings.weight_decay);
  save(&a, 3, 1);
  assert_true(checkpoint_load(scratch, &loaded, &b.optimizer, &(News){0}, &found, &err) && found);
  assert_memory_equal(&loaded, &some_state, sizeof loaded);
  assert_memory_equal(params_values(b.params), params_values(a.params), bytes);
  assert_memory_equal(b.optimizer.average, a.optimizer.average, bytes);
  assert_memory_equal(b.optimizer.m, a.optimizer.m, bytes);
  assert_memory_equal(b.optimizer.v, a.optimizer.v, bytes);
  weights_close(&a);
  weights_close(&b);
}

/* A disk that keeps other bytes than it was given, and says nothing: the checkpoint is read back before an
 * older one goes for it. */
static void what_did_not_arrive_replaces_nothing(void **state) {
  Weights w = weights_open(5);
  TrainState later = some_state;
  bool saved = false;
  int bad = 0;
  optimize(&w);
  save(&w, 3, 1);
  later.step = 4;
  for (; !saved; bad++) {
    Error err = {0};
    writes_until_bad = bad;
    saved = checkpoint_save(scratch, &later, &w.optimizer, 1, &err);
    assert_true(saved == (writes_until_bad >= 0)); /* all writes were good */
    assert_true(there(saved ? 4 : 3) && !there(saved ? 3 : 4));
    if (!saved) assert_non_null(strstr(err.text, "checkpoint of step 4"));
  }
  writes_until_bad = -1;
  assert_true(bad > 6); /* a header and values of two files, and the state */
  weights_close(&w);
}

/* What a killed run was writing is no part of the next one. */
static void an_unfinished_one_makes_way(void **state) {
  Weights w = weights_open(5);
  optimize(&w);
  assert_true(dir_make(in_scratch("checkpoint.tmp"), NULL));
  put(in_scratch("checkpoint.tmp/of_a_killed_run"), "half");
  save(&w, 3, 1);
  assert_true(there(3));
  assert_false(file_exists(part_of(3, "of_a_killed_run")));
  weights_close(&w);
}

static void saved_again_they_are_the_same_files(void **state) {
  static const char *const parts[] = {"model.safetensors", "optimizer.safetensors", "trainer_state.json"};
  Weights a = weights_open(5), b = weights_open(5);
  TrainState loaded;
  Error err = {0};
  bool found;
  optimize(&a);
  optimizer_open(&b.optimizer, b.params, &settings, settings.weight_decay);
  save(&a, 3, 1);
  assert_true(checkpoint_load(scratch, &loaded, &b.optimizer, &(News){0}, &found, &err));
  const char *again = in_scratch("again");
  assert_true(dir_make(again, &err) && checkpoint_save(again, &loaded, &b.optimizer, 1, &err));
  for (int i = 0; i < 3; i++) {
    char path[PATH_CAPACITY], name[128];
    snprintf(name, sizeof name, "checkpoint-0000000003/%s", parts[i]);
    assert_true(same_bytes(part_of(3, parts[i]), path_join(path, again, name)));
  }
  weights_close(&a);
  weights_close(&b);
}

static void only_the_newest_are_kept(void **state) {
  Weights w = weights_open(5);
  TrainState loaded;
  Error err = {0};
  bool found;
  optimize(&w);
  for (int64_t step = 1; step <= 5; step++) save(&w, step, 2);
  assert_true(!there(1) && !there(2) && !there(3) && there(4) && there(5));
  assert_true(checkpoint_load(scratch, &loaded, &w.optimizer, &(News){0}, &found, &err) && loaded.step == 5);
  save(&w, 6, 4);
  assert_true(there(4) && there(5) && there(6));
  save(&w, 2, 1); /* the newest by step, whatever was written last */
  assert_true(!there(2) && !there(4) && !there(5) && there(6));
  assert_true(checkpoint_remove_all(scratch, NULL) && !checkpoint_exists(scratch));
  weights_close(&w);
}

/* What a crash left, and names that only look like one. */
static void unfinished_ones_are_ignored(void **state) {
  Weights w = weights_open(5);
  TrainState loaded = {0};
  Error err = {0};
  bool found = true;
  optimize(&w);
  assert_true(dir_make(in_scratch("checkpoint.tmp"), &err) && dir_make(in_scratch("checkpoint-"), &err));
  assert_true(dir_make(in_scratch("checkpoint-12x"), &err) && dir_make(in_scratch("xcheckpoint-12"), &err));
  put(in_scratch("checkpoint.tmp/model.safetensors"), "half");
  put(in_scratch("checkpoint.tmp/stray"), "of a crash");
  assert_false(checkpoint_exists(scratch));
  assert_true(checkpoint_load(scratch, &loaded, &w.optimizer, &(News){0}, &found, &err) && !found);
  save(&w, 3, 1);
  assert_false(dir_exists(in_scratch("checkpoint.tmp")));
  assert_false(file_exists(part_of(3, "stray")));
  assert_true(checkpoint_load(scratch, &loaded, &w.optimizer, &(News){0}, &found, &err) && found &&
              loaded.step == 3);
  weights_close(&w);
}

/* Loading fails and names the file. */
static void expect_refused(const char *file, const char *why) {
  Weights w = weights_open(5);
  TrainState loaded;
  Error err = {0};
  bool found;
  optimizer_open(&w.optimizer, w.params, &settings, settings.weight_decay);
  if (checkpoint_load(scratch, &loaded, &w.optimizer, &(News){0}, &found, &err))
    fail_msg("%s: read, %s", file, why);
  assert_true(err.code == INK_FAILED || err.code == INK_NOT_FOUND || err.code == INK_DAMAGED);
  if (!strstr(err.text, file)) fail_msg("%s, %s: \"%s\" does not name it", file, why, err.text);
  weights_close(&w);
}

static void cut_ones_are_refused(void **state) {
  static const char *const parts[] = {"model.safetensors", "optimizer.safetensors", "trainer_state.json"};
  Weights w = weights_open(5);
  optimize(&w);
  for (int i = 0; i < 3; i++) {
    FileView whole;
    Error err = {0};
    save(&w, 3, 1);
    assert_true(file_view(part_of(3, parts[i]), &whole, &err));
    for (size_t left = 0; left + 1 < whole.size; left += 1 + whole.size / 23) {
      assert_true(file_replace(part_of(3, parts[i]), whole.data, left, &err));
      expect_refused(parts[i], "cut");
    }
    file_view_close(&whole);
    remove(part_of(3, parts[i]));
    expect_refused(parts[i], "missing");
    assert_true(checkpoint_remove_all(scratch, &err));
  }
  weights_close(&w);
}

/* Puts `now` in the place of `then`, which is as long. */
static void alter(const char *path, const char *then, const char *now) {
  FileView old;
  Buffer text = {0};
  Error err = {0};
  assert_true(file_view(path, &old, &err));
  buffer_add(&text, old.data, old.size);
  file_view_close(&old);
  char *at = memmem(text.data, text.length, then, strlen(then));
  if (!at) fail_msg("%s holds no %s", path, then);
  memcpy(at, now, strlen(now));
  assert_true(file_replace(path, text.data, text.length, &err));
  buffer_free(&text);
}

static void altered_ones_are_refused(void **state) {
  static const struct {
    const char *file, *then, *now;
  } changes[] = {{"model.safetensors", "\"weight\"", "\"wait_t\""},
                 {"model.safetensors", "[3,5]", "[5,3]"},
                 {"model.safetensors", "F32", "I32"},
                 {"optimizer.safetensors", "\"m.weight\"", "\"m.wait_t\""},
                 {"optimizer.safetensors", "\"average.bias\"", "\"average.base\""},
                 {"optimizer.safetensors", "[3,5]", "[5,3]"},
                 {"optimizer.safetensors", "F32", "I32"},
                 {"trainer_state.json", "\"step\": 3", "\"step\":-3"},
                 {"trainer_state.json", "\"steps\": 9", "\"steps\": 2"},
                 {"trainer_state.json", "\"step\": 3", "\"step\": x"},
                 {"trainer_state.json", "\"rate_scale\": 0.25", "\"rate_scale\": -0.2"},
                 {"trainer_state.json", "\"rate_scale\": 0.25", "\"rate_scale\": 0.00"},
                 {"trainer_state.json", "\"rate_scale\"", "\"rate_skale\""},
                 {"trainer_state.json", "\"steps\"", "\"stepz\""},
                 {"trainer_state.json", "\"best_score\"", "\"best_skore\""},
                 {"trainer_state.json", "\"rollbacks\": 2", "\"rollbacks\":-2"},
                 {"trainer_state.json", "\"snapshots\"", "\"snap_hots\""}};
  for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
    Weights w = weights_open(5);
    Error err = {0};
    optimize(&w);
    save(&w, 3, 1);
    alter(part_of(3, changes[i].file), changes[i].then, changes[i].now);
    expect_refused(changes[i].file, changes[i].now);
    assert_true(checkpoint_remove_all(scratch, &err));
    weights_close(&w);
  }
}

static void one_of_another_model_is_refused(void **state) {
  Weights w = weights_open(6);
  optimize(&w);
  save(&w, 3, 1);
  expect_refused("model.safetensors", "of another shape");
  weights_close(&w);
}

/* Nowhere to write to: the checkpoint that is there stays, nothing half is left. */
static void one_that_cannot_be_written_leaves_the_last(void **state) {
  Weights w = weights_open(5);
  Error err = {0};
  TrainState s = some_state;
  optimize(&w);
  save(&w, 3, 1);
  put(in_scratch("file"), "no directory");
  assert_false(checkpoint_save(in_scratch("file"), &s, &w.optimizer, 1, &err));
  assert_true(strstr(err.text, "checkpoint of step 3") && strstr(err.text, "file"));
  assert_true(there(3));
  weights_close(&w);
}

/* Directories of other programs have such names, too: they are no checkpoints of ours, and stay. */
static void those_of_other_programs_are_left_alone(void **state) {
  Weights w = weights_open(5);
  TrainState loaded;
  Error err = {0};
  bool found;
  optimize(&w);
  assert_true(dir_make(in_scratch("checkpoint-1"), &err) && dir_make(in_scratch("checkpoint-500"), &err));
  assert_false(checkpoint_exists(scratch));
  for (int64_t step = 3; step <= 5; step++) save(&w, step, 1);
  assert_true(there(5) && !there(4));
  assert_true(dir_exists(in_scratch("checkpoint-1")) && dir_exists(in_scratch("checkpoint-500")));
  assert_true(checkpoint_load(scratch, &loaded, &w.optimizer, &(News){0}, &found, &err) && loaded.step == 5);
  weights_close(&w);
}

static void keep_text(void *user, const ink_event *event) {
  if (event->text) snprintf(user, 512, "%s", event->text);
}

/* A damaged one makes way for the one before, which is why two are kept. */
static void of_two_the_other_is_read(void **state) {
  Weights w = weights_open(5);
  TrainState loaded;
  Error err = {0};
  char text[512] = "";
  const News news = {keep_text, text};
  bool found;
  optimize(&w);
  save(&w, 3, 2);
  save(&w, 4, 2);
  put(part_of(4, "optimizer.safetensors"), "damaged");
  assert_true(checkpoint_load(scratch, &loaded, &w.optimizer, &news, &found, &err));
  assert_true(found && loaded.step == 3 && strstr(text, "damaged-checkpoint-0000000004"));
  assert_true(dir_exists(in_scratch("damaged-checkpoint-0000000004")) && !there(4));
  save(&w, 4, 2);
  assert_true(checkpoint_load(scratch, &loaded, &w.optimizer, &news, &found, &err) && loaded.step == 4);
  put(part_of(4, "optimizer.safetensors"), "damaged again");
  assert_true(checkpoint_load(scratch, &loaded, &w.optimizer, &news, &found, &err) && loaded.step == 3);
  weights_close(&w);
}

#define IN_SCRATCH(test) cmocka_unit_test_setup_teardown(test, scratch_open, scratch_close)

int main(void) {
  const struct CMUnitTest tests[] = {
      IN_SCRATCH(they_give_back_what_they_were_given),
      IN_SCRATCH(an_unfinished_one_makes_way),
      IN_SCRATCH(what_did_not_arrive_replaces_nothing),
      IN_SCRATCH(saved_again_they_are_the_same_files),
      IN_SCRATCH(only_the_newest_are_kept),
      IN_SCRATCH(unfinished_ones_are_ignored),
      IN_SCRATCH(cut_ones_are_refused),
      IN_SCRATCH(altered_ones_are_refused),
      IN_SCRATCH(one_of_another_model_is_refused),
      IN_SCRATCH(one_that_cannot_be_written_leaves_the_last),
      IN_SCRATCH(those_of_other_programs_are_left_alone),
      IN_SCRATCH(of_two_the_other_is_read),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
