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
  if (!material || !budget_choose(s, material, clock_seconds() + seconds, &news, &err))
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
    assert_true(material && budget_choose(s, material, clock_seconds() + 1, &(News){0}, &err));
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

/* ---- by the task ---- */

static char *value_in(const ink_settings *s, const char *name) {
  return ink_settings_get(s, name);
}

static void expect_setting(const ink_settings *s, const char *name, const char *value) {
  char *now = value_in(s, name);
  if (strcmp(now, value)) fail_msg("--%s is %s, not %s", name, now, value);
  ink_free(now);
}

/* Chooses for material of this task, which a test makes up: nothing is read. */
static void choose_for(ink_settings *s, const char *task, MaterialPart train, Watch *watch) {
  const News news = {watch_event, watch};
  const Task *t = task_find(task);
  const Material material = {.kind = t->material, .task = t, .train = train, .has_held = true};
  Error err = {0};
  if (!budget_choose(s, &material, clock_seconds() + 1, &news, &err)) fail_msg("%s", err.text);
}

/* What the recipes of pairs have, and why. */
static void pairs_are_learnt_as_in_the_recipes(void **state) {
  static const MaterialPart captions = {.examples = 29000, .bytes = 3900000, .characters = 3900000};
  ink_settings *s = settings_with(WITH("size", "nano"));
  Watch watch = {0};
  choose_for(s, "translate", captions, &watch);
  static const char *const recipe[] = {"arch",      "marian", "optimizer", "muon", "lr",  "0.007",
                                       "schedule",  "linear", "beta2",     "0.98", "mix", "2",
                                       "tokenizer", "bpe",    "average",   "3",    NULL};
  for (int i = 0; recipe[i]; i += 2) expect_setting(s, recipe[i], recipe[i + 1]);
  assert_int_equal(value_of(s, "vocab"), 10000);
  assert_true(heard(&watch.notes, "budget: --optimizer muon: "));
  watch_free(&watch);
  ink_settings_free(s);
}

/* A given optimizer has its own rate; given sequences are not given tokens as well. */
static void what_is_given_changes_the_advice(void **state) {
  static const MaterialPart part = {.examples = 1000, .bytes = 60000, .characters = 60000};
  ink_settings *s = settings_with(WITH("size", "nano", "optimizer", "adamw", "batch", "3"));
  Watch watch = {0};
  choose_for(s, "translate", part, &watch);
  expect_setting(s, "optimizer", "adamw");
  char *rate = value_in(s, "lr");
  assert_true(strcmp(rate, "0.007") != 0);
  ink_free(rate);
  assert_int_equal(value_of(s, "batch_tokens"), 0);
  assert_int_equal(value_of(s, "mix"), 1);
  assert_int_equal(value_of(s, "vocab"), 6000);
  watch_free(&watch);
  ink_settings_free(s);
}

static void labels_have_a_small_network(void **state) {
  static const MaterialPart part = {.examples = 1000, .bytes = 60000, .characters = 60000};
  ink_settings *s = ink_settings_train();
  Watch watch = {0};
  choose_for(s, "classify", part, &watch);
  assert_int_equal(value_of(s, "layers"), 2);
  assert_int_equal(value_of(s, "width"), 128);
  expect_setting(s, "dropout", "0.2");
  watch_free(&watch);
  ink_settings_free(s);
}

/* ---- as many updates as teach something ---- */

/* The steps of a model that is changed, where there is time for a million. */
static int64_t steps_of_tuning(const char *task, double text_tokens, const char *const *pairs, Watch *watch) {
  ink_settings *s = settings_with(pairs);
  const News news = {watch_event, watch};
  const Task *t = task_find(task);
  const Material material = {.kind = t->material, .task = t, .has_held = true, .held.tokens = 100};
  Plan plan = {.step_tokens = 100, .text_tokens = text_tokens, .learning_rate = 1};
  Error err = {0};
  if (!budget_set_steps(s, &plan, &material, 0.01, 10870, &news, &err)) fail_msg("%s", err.text);
  assert_int_equal(value_of(s, "patience"), 5); /* a quarter of twenty evaluations */
  ink_settings_free(s);
  return plan.steps;
}

static void tuning_has_few_passes(void **state) {
  const char *const *from = WITH("from", "base");
  Watch watch = {0};
  assert_int_equal(steps_of_tuning("reply", 100000, from, &watch), 3000);
  assert_true(heard(&watch.notes, "by heart"));
  assert_int_equal(steps_of_tuning("reply", 4000, from, &watch), 200); /* of few examples more */
  assert_int_equal(steps_of_tuning("reply", 1000, from, &watch), 100); /* but ten at the most */
  assert_int_equal(steps_of_tuning("classify", 100000, WITH("size", "nano"), &watch), 10000);
  watch_free(&watch);
  watch = (Watch){0};
  assert_true(steps_of_tuning("write", 100, WITH("size", "nano"), &watch) > 900000); /* held-out loss tells */
  assert_true(steps_of_tuning("write", 1e9, from, &watch) > 900000);
  assert_false(heard(&watch.notes, "by heart"));
  watch_free(&watch);
}

/* A rate that changes nothing: no evaluation is better than the first. */
static void time_that_is_left_is_offered(void **state) {
  ink_settings *s = settings_with(WITH("size", "nano", "tokenizer", "byte", "context", "16", "batch", "2",
                                       "lr", "1e-20", "schedule", "constant", "warmup", "0", "eval-every",
                                       "1", "patience", "3", "budget", "100", "sample-tokens", "0"));
  const char *text = some_text();
  Watch watch = {0};
  const ink_call call = watch_call(&watch);
  Error err = {0};
  if (!ink_train("write", &text, 1, in_scratch("m"), s, &call, &err)) fail_msg("%s", err.text);
  assert_true(heard(&watch.notes, "of the budget are left"));
  assert_int_equal(watch.evaluations, 4);
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
  Material material = {.kind = &material_text, .task = task_find("write"), .held.tokens = held};
  const TrainSettings *train = settings_part(s, &train_settings_table);
  assert_true(config_from_settings(&config, settings_part(s, &model_settings_table), 257, &err));
  assert_true(plan_open(&plan, &config, &(Tuning){0}, 16, train, &material, &err));
  plan.step_tokens = 64;
  if (!budget_set_steps(s, &plan, &material, 0.01, seconds, &(News){0}, &err)) fail_msg("%s", err.text);
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
  Material material = {
      .kind = &material_pairs, .task = task_find("translate"), .held = {.tokens = 400, .examples = 40}};
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
      cmocka_unit_test(pairs_are_learnt_as_in_the_recipes),
      cmocka_unit_test(what_is_given_changes_the_advice),
      cmocka_unit_test(labels_have_a_small_network),
      cmocka_unit_test(tuning_has_few_passes),
      IN_SCRATCH(time_that_is_left_is_offered),
      IN_SCRATCH(no_time_left_is_said),
      IN_SCRATCH(a_budget_and_steps_contradict),
      cmocka_unit_test(evaluations_fit_into_the_budget),
      cmocka_unit_test(an_evaluation_costs_what_it_reads_and_writes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
