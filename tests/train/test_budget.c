/* --budget: what was given stays as given, the rest is chosen, and too little time is said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/threads.h"
#include "train/budget.h"
#include "train/runs.h"

#include <cmocka.h> /* last: it defines fail() */

#define WITH(...) ((const char *const[]){__VA_ARGS__, NULL})

static ink_settings *settings_with(const char *const *pairs) {
  ink_settings *s = ink_settings_train();
  Error err = {0};
  for (; *pairs; pairs += 2)
    if (!ink_settings_set(s, pairs[0], pairs[1], &err)) fail_msg("%s", err.text);
  return s;
}

static int64_t value_of(const ink_settings *s, const char *name) {
  char *text = ink_settings_get(s, name);
  const int64_t value = strtoll(text, NULL, 10);
  ink_free(text);
  return value;
}

static Material *open_file(const ink_settings *s, const char *path, Error *err) {
  char *paths[] = {(char *)(uintptr_t)path};
  const TextList files = {paths, 1};
  return material_open(task_find("write"), &files, s, &(News){0}, err);
}

/* Chooses for some_text() with so many seconds to go. */
static void choose(ink_settings *s, double seconds, Watch *watch) {
  const char *text = some_text();
  const News news = {watch_event, watch};
  Error err = {0};
  Material *material = open_file(s, text, &err);
  if (!material || !budget_choose(s, &material->train, clock_seconds() + seconds, &news, &err))
    fail_msg("%s", err.text);
  material_free(material);
}

static void a_given_shape_is_kept(void **state) {
  static const char *const shape[] = {"layers",  "1",       "width", "16",           "heads", "2",    "vocab",
                                      "400",     "context", "24",    "batch-tokens", "96",    "arch", "gpt2",
                                      "dropout", "0.3125",  NULL};
  ink_settings *s = settings_with(shape);
  Watch watch = {0};
  choose(s, 1, &watch);
  for (int i = 0; shape[i]; i += 2) {
    char *now = ink_settings_get(s, shape[i]);
    if (strcmp(now, shape[i + 1])) fail_msg("--%s was %s, is %s", shape[i], shape[i + 1], now);
    ink_free(now);
  }
  assert_int_equal(value_of(s, "batch"), 0); /* it would contradict batch-tokens */
  assert_true(heard(&watch.notes, "budget:"));
  watch_free(&watch);
  ink_settings_free(s);
}

static void a_given_size_is_kept(void **state) {
  ink_settings *s = settings_with(WITH("size", "nano"));
  Watch watch = {0};
  choose(s, 1, &watch);
  char *size = ink_settings_get(s, "size");
  assert_string_equal(size, "nano");
  assert_int_equal(value_of(s, "layers"), 0); /* not chosen: the size says it */
  ink_free(size);
  watch_free(&watch);
  ink_settings_free(s);
}

/* Letters are joined, characters of many bytes are not. */
static void the_tokenizer_is_by_the_text(void **state) {
  const char *poem = in_scratch("poem");
  Buffer text = {0};
  Error err = {0};
  for (int i = 0; i < 100; i++) buffer_adds(&text, "明月松間照，清泉石上流。\n");
  assert_true(file_replace(poem, text.data, text.length, &err));
  const struct { const char *path, *tokenizer; } cases[] = {{poem, "char"}, {some_text(), "bpe"}};
  for (int i = 0; i < 2; i++) {
    ink_settings *s = settings_with(WITH("size", "nano"));
    Material *material = open_file(s, cases[i].path, &err);
    assert_true(material && budget_choose(s, &material->train, clock_seconds() + 1, &(News){0}, &err));
    char *tokenizer = ink_settings_get(s, "tokenizer");
    assert_string_equal(tokenizer, cases[i].tokenizer);
    ink_free(tokenizer);
    material_free(material);
    ink_settings_free(s);
  }
  buffer_free(&text);
}

/* Where measuring alone takes longer than there is time, something is chosen all the same. */
static void a_choice_needs_no_time_left(void **state) {
  ink_settings *s = settings_with(WITH("size", "nano"));
  Watch watch = {0};
  choose(s, -1, &watch);
  assert_true(value_of(s, "context") > 0);
  watch_free(&watch);
  ink_settings_free(s);
}

static void no_time_left_is_said(void **state) {
  ink_settings *s = settings_with(WITH("size", "nano", "tokenizer", "byte", "budget", "0.01"));
  const char *text = some_text();
  Error err = {0};
  assert_false(ink_train("write", &text, 1, in_scratch("m"), s, NULL, &err));
  assert_int_equal(err.code, INK_USAGE);
  if (!strstr(err.text, "--budget") || !strstr(err.text, "more")) fail_msg("%s", err.text);
  assert_false(file_exists(in_scratch("m/config.json")));
  ink_settings_free(s);
}

static void a_budget_and_steps_contradict(void **state) {
  ink_settings *s = settings_with(WITH("steps", "3", "budget", "10"));
  const char *text = some_text();
  Error err = {0};
  assert_false(ink_train("write", &text, 1, in_scratch("m"), s, NULL, &err));
  assert_int_equal(err.code, INK_USAGE);
  assert_true(strstr(err.text, "--steps") && strstr(err.text, "--budget"));
  ink_settings_free(s);
}

/* A plan of updates of 64 tokens, for the text held out. */
static int64_t evaluations_in(double seconds, const char *const *pairs, int64_t held, int64_t *steps) {
  ink_settings *s = small_settings(pairs);
  Error err = {0};
  Config config;
  Plan plan;
  Material material = {.held.tokens = held};
  const TrainSettings *train = settings_part(s, &train_settings_table);
  assert_true(config_from_settings(&config, settings_part(s, &model_settings_table), 257, &err));
  assert_true(plan_open(&plan, &config, &(Tuning){0}, 16, train, &err));
  plan.step_tokens = 64;
  if (!budget_steps(s, &plan, &material, clock_seconds() + seconds, &(News){0}, &err))
    fail_msg("%s", err.text);
  *steps = plan.steps;
  ink_settings_free(s);
  return plan.eval_every;
}

/* Twenty of them, or as few as take a fifth of the time, or one at the end. */
static void evaluations_fit_into_the_budget(void **state) {
  const char *const *all = WITH("eval-every", "0", "eval-tokens", "1000000000000");
  int64_t steps, twenties = 0, fewer = 0, single = 0;
  for (int64_t held = 10000; held < 10000000000; held *= 8) {
    const int64_t every = evaluations_in(1000, all, held, &steps);
    const double share = 0.5 * (double)held / 64 / (double)every; /* of the time */
    if (every == steps / 20)
      twenties++, assert_true(share <= 0.2);
    else if (every <= steps)
      fewer++, assert_true(share > 0.19 && share <= 0.21);
    else
      single++, assert_true(2 * 0.5 * (double)held / 64 > 0.2 * (double)steps && every >= 2 * steps);
  }
  assert_true(twenties && fewer && single);
  const char *const *given = WITH("eval-every", "7", "eval-tokens", "1000000000");
  assert_int_equal(evaluations_in(1000, given, 1000000000000, &steps), 7);
}

static void an_evaluation_costs_what_it_reads_and_writes(void **state) {
  ink_settings *s = small_settings(WITH("beam", "3", "best-by", "bleu", "eval-examples", "50"));
  const Plan plan = {.eval_tokens = 1000, .context = 20, .step_tokens = 100};
  Material material = {.held = {.tokens = 400, .examples = 40}};
  assert_float_equal(budget_evaluation(&plan, &material, s), 0.5 * (400 + 40 * 20 * 3) / 100, 1e-9);
  material.held = (MaterialPart){.tokens = 40000, .examples = 400};
  assert_float_equal(budget_evaluation(&plan, &material, s), 0.5 * (1000 + 50 * 20 * 3) / 100, 1e-9);
  ink_settings_free(s);
  s = small_settings(WITH("eval-examples", "50"));
  assert_float_equal(budget_evaluation(&plan, &material, s), 0.5 * 1000 / 100, 1e-9);
  ink_settings_free(s);
}

#define IN_SCRATCH(test) cmocka_unit_test_setup_teardown(test, scratch_open, scratch_close)

int main(void) {
  const struct CMUnitTest tests[] = {
      IN_SCRATCH(a_given_shape_is_kept),
      IN_SCRATCH(a_given_size_is_kept),
      IN_SCRATCH(the_tokenizer_is_by_the_text),
      IN_SCRATCH(a_choice_needs_no_time_left),
      IN_SCRATCH(no_time_left_is_said),
      IN_SCRATCH(a_budget_and_steps_contradict),
      cmocka_unit_test(evaluations_fit_into_the_budget),
      cmocka_unit_test(an_evaluation_costs_what_it_reads_and_writes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
