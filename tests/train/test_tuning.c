/* Training part of a base model: what is frozen keeps its values and their type, the rest learns, and a run
 * that is resumed continues only with the base it began with. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "io/peft.h"
#include "io/safetensors.h"
#include "io/shards.h"
#include "train/runs.h"

#include <cmocka.h> /* last: it defines fail() */

#define WITH(...) ((const char *const[]){__VA_ARGS__, NULL})

static void weights_open(Safetensors *w, const char *run) {
  char path[PATH_CAPACITY];
  Error err = {0};
  if (!safetensors_open(w, path_join(path, in_scratch(run), WEIGHTS_FILE), &err)) fail_msg("%s", err.text);
}

/* Trains the base of the tests. */
static const char *base_model(void) {
  static char base[PATH_CAPACITY];
  Error err = {0};
  path_join(base, scratch, "base");
  if (!dir_exists(base) && !train(base, some_text(), WITH("layers", "2", "steps", "4"), NULL, &err))
    fail_msg("%s", err.text);
  return base;
}

static void convert(const char *from, const char *to, const char *type) {
  Error err = {0};
  ink_settings *s = ink_settings_convert();
  CHECK(ink_settings_set(s, "type", type, &err));
  if (!ink_convert(from, to, s, NULL, NULL, &err)) fail_msg("%s", err.text);
  ink_settings_free(s);
}

/* The same settings of runs that are not of the base's shape. */
static bool tune(const char *run, const char *base, const char *freeze, const char *const *more, Watch *watch,
                 Error *err) {
  ink_settings *s = ink_settings_train();
  static const char *const shared[] = {
      "steps",         "12", "batch",   "4", "context", "16", "eval-every", "4", "warmup", "2",
      "sample-tokens", "0",  "threads", "1", "seed",    "7",  NULL};
  const char *text = some_text();
  for (const char *const *p = shared; *p; p += 2) ink_settings_set(s, p[0], p[1], err);
  for (const char *const *p = more; *p; p += 2) ink_settings_set(s, p[0], p[1], err);
  if (base) ink_settings_set(s, "from", base, err);
  if (freeze) ink_settings_set(s, "freeze", freeze, err);
  const ink_call call = watch_call(watch);
  const bool ok = !err->code && ink_train("write", &text, 1, in_scratch(run), s, &call, err);
  ink_settings_free(s);
  return ok;
}

static bool is_frozen(const char *name) {
  return strstr(name, "embed_tokens") || strstr(name, "layers.0.");
}

/* Vectors are f32 in memory, and are written as that. */
static bool same_values(const Tensor *a, const Tensor *b) {
  const size_t bytes = (size_t)tensor_count(a) * sizeof(float);
  float *x = mem_alloc(bytes), *y = mem_alloc(bytes);
  tensor_to_f32(x, a);
  tensor_to_f32(y, b);
  const bool same = tensor_same_shape(a, b) && !memcmp(x, y, bytes);
  if (same && a->dims > 1) assert_int_equal(a->type, b->type);
  mem_free(x);
  mem_free(y);
  return same;
}

static void frozen_parameters_keep_their_values(void **state) {
  static const char *const types[] = {"f32", "bf16"};
  (void)state;
  for (int i = 0; i < 2; i++) {
    convert(base_model(), in_scratch(types[i]), types[i]);
    for (int recompute = 0; recompute < 2; recompute++) {
      Error err = {0};
      Safetensors before, after;
      if (!tune("tuned", in_scratch(types[i]), "embed_tokens,layers.0",
                WITH("overwrite", "true", "checkpoint-activations", recompute ? "true" : "false"), NULL,
                &err))
        fail_msg("%s", err.text);
      weights_open(&before, types[i]);
      weights_open(&after, "tuned");
      assert_int_equal(before.tensors.count, after.tensors.count);
      for (size_t k = 0; k < before.tensors.count; k++) {
        const NamedTensor *a = &before.tensors.items[k], *b = &after.tensors.items[k];
        const bool same = same_values(&a->tensor, &b->tensor);
        if (same != is_frozen(a->name))
          fail_msg("%s, %s: %s", types[i], a->name, same ? "learnt nothing" : "was trained");
      }
      safetensors_close(&before);
      safetensors_close(&after);
      ink_model *m = ink_model_open(in_scratch("tuned"), NULL, &err);
      if (!m) fail_msg("%s", err.text);
      ink_model_close(m);
    }
  }
}

/* Of one and of several batches at once. */
static void a_resumed_run_has_the_same_bytes(void **state) {
  (void)state;
  for (int mix = 0; mix < 2; mix++) {
    const char *const settings[] = {"mix", mix ? "2" : "1", "ema", "0.5", "overwrite", "true", NULL};
    const char *const again[] = {"mix", mix ? "2" : "1", "ema",  "0.5", "threads",
                                 "3",   "resume",        "true", NULL};
    Error err = {0}, stopped = {0};
    Watch watch = {.interrupt_at = 8};
    if (!tune("whole", base_model(), "*norm*,layers.1.mlp", settings, NULL, &err)) fail_msg("%s", err.text);
    assert_false(tune("part", base_model(), "*norm*,layers.1.mlp", settings, &watch, &stopped));
    assert_int_equal(stopped.code, INK_INTERRUPTED);
    if (!tune("part", NULL, NULL, again, NULL, &err)) fail_msg("%s", err.text);
    assert_true(same_file("whole", "part", WEIGHTS_FILE));
    watch_free(&watch);
  }
}

static void expect(const Error *err, int code, const char *words) {
  if (err->code != code || !strstr(err->text, words))
    fail_msg("\"%s\" (%d) instead of \"%s\"", err->text, err->code, words);
}

static void a_base_that_changed_is_refused(void **state) {
  (void)state;
  Error err = {0}, changed = {0}, gone = {0};
  Watch watch = {.interrupt_at = 4};
  char path[PATH_CAPACITY];
  convert(base_model(), in_scratch("own"), "f32");
  assert_false(tune("stopped", in_scratch("own"), "embed_tokens", WITH("seed", "7"), &watch, &err));
  convert(in_scratch("tuned"), in_scratch("other"), "f32"); /* of the same shape */
  assert_true(file_link_over(path_join(path, in_scratch("other"), WEIGHTS_FILE),
                             path_join((char[PATH_CAPACITY]){0}, in_scratch("own"), WEIGHTS_FILE), NULL));
  assert_false(tune("stopped", NULL, NULL, WITH("resume", "true"), NULL, &changed));
  expect(&changed, INK_FAILED, "were changed since this run began");
  assert_true(dir_remove(in_scratch("own"), NULL));
  assert_false(tune("stopped", NULL, NULL, WITH("resume", "true"), NULL, &gone));
  expect(&gone, INK_NOT_FOUND, "own: no such model");
  watch_free(&watch);
}

static void patterns_must_name_something(void **state) {
  (void)state;
  static const struct {
    const char *freeze, *words;
  } cases[] = {{"embed_tokens,layers.7", "no parameter's name matches \"layers.7\""},
               {"embed", "no parameter's name matches \"embed\""},
               {"*", "leaves nothing to train"},
               {"model", "leaves nothing to train"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    Error err = {0};
    assert_false(tune("none", base_model(), cases[i].freeze, WITH("seed", "7"), NULL, &err));
    expect(&err, INK_USAGE, cases[i].words);
  }
  Error alone = {0}, blocks = {0};
  assert_false(tune("none", NULL, "embed_tokens", WITH("seed", "7"), NULL, &alone));
  expect(&alone, INK_USAGE, "give it with --from");
  convert(base_model(), in_scratch("blocks.gguf"), "q8_0");
  assert_false(tune("none", in_scratch("blocks.gguf"), "mlp", WITH("seed", "7"), NULL, &blocks));
  expect(&blocks, INK_USAGE, "q8_0");
}

/* ---- adapters ---- */

static bool adapt(const char *run, const char *base, const char *const *more, Watch *watch, Error *err) {
  const char *all[32] = {"adapter", "lora", "rank", "4", "lr", "0.01", "overwrite", "true"};
  for (int i = 8; *more; i++) all[i] = *more++;
  return tune(run, base, NULL, all, watch, err);
}

static double scored(const char *model, const char *adapter, double weight) {
  Error err = {0};
  ink_scores scores = INK_SCORES_INIT;
  const char *text = some_text();
  char path[PATH_CAPACITY];
  const char *adapters[] = {path};
  snprintf(path, sizeof path, "%s/%s:%g", scratch, adapter ? adapter : "", weight);
  ink_settings *s = ink_settings_eval();
  ink_model *m = ink_model_open_adapted(model, adapters, adapter != NULL, NULL, &err);
  if (!m || !ink_eval(m, &text, 1, s, &scores, NULL, &err)) fail_msg("%s", err.text);
  ink_free(scores.written);
  ink_model_close(m);
  ink_settings_free(s);
  return scores.nats;
}

/* A directory with an adapter is a model, and the adapter can be given to its base: the same results. */
static void an_adapter_learns_beside_its_base(void **state) {
  static const char *const types[] = {"f32", "bf16", "q8_0", "q4_0"};
  (void)state;
  for (int i = 0; i < 4; i++) {
    char base[PATH_CAPACITY], name[32];
    Error err = {0};
    snprintf(name, sizeof name, i < 2 ? "over-%s" : "over-%s.gguf", types[i]);
    path_join(base, scratch, name);
    convert(base_model(), base, types[i]);
    if (!adapt("adapter", base, WITH("precision", i == 1 ? "bf16" : "f32"), NULL, &err))
      fail_msg("%s: %s", types[i], err.text);
    const double before = scored(base, NULL, 1), after = scored(in_scratch("adapter"), NULL, 1);
    if (!(after < before - 50)) fail_msg("%s: %g nats, %g before", types[i], after, before);
    assert_true(scored(base, "adapter", 1) == after);
    assert_true(scored(base, "adapter", 0.5) != after);
    if (i == 0) assert_true(scored(base_model(), "adapter", 0) == scored(base_model(), NULL, 1));
    assert_false(file_exists(in_scratch("adapter/config.json")));
    if (i == 0) assert_true(fabs(result_of(in_scratch("adapter"), "valid_loss")) > 0);
  }
}

/* Whichever number of threads, with dropout, stopped and resumed. */
static void an_adapters_run_has_the_same_bytes(void **state) {
  static const char *const all[] = {"mix", "2", "adapter-dropout", "0.2", "average", "2", "threads",
                                    "1",   NULL};
  static const char *const threads[] = {"mix", "2", "adapter-dropout", "0.2", "average", "2", "threads",
                                        "3",   NULL};
  static const char *const again[] = {"mix", "2", "resume", "true", "threads", "2", NULL};
  (void)state;
  Error err = {0}, stopped = {0};
  Watch watch = {.interrupt_at = 8};
  if (!adapt("whole", base_model(), all, NULL, &err)) fail_msg("%s", err.text);
  if (!adapt("threads", base_model(), threads, NULL, &err)) fail_msg("%s", err.text);
  assert_true(same_file("whole", "threads", PEFT_WEIGHTS));
  if (!adapt("without", base_model(), WITH("mix", "2", "average", "2"), NULL, &err)) fail_msg("%s", err.text);
  assert_false(same_file("whole", "without", PEFT_WEIGHTS)); /* without dropout */
  assert_false(adapt("part", base_model(), all, &watch, &stopped));
  assert_int_equal(stopped.code, INK_INTERRUPTED);
  if (!tune("part", NULL, NULL, again, NULL, &err)) fail_msg("%s", err.text);
  static const char *const files[] = {PEFT_WEIGHTS, PEFT_CONFIG, "tokenizer.json", "generation_config.json"};
  for (int i = 0; i < 4; i++)
    if (!same_file("whole", "part", files[i])) fail_msg("%s differs", files[i]);
  watch_free(&watch);
}

/* Of the same shapes; in another type it is the same base. */
static void the_base_is_recognized(void **state) {
  (void)state;
  Error err = {0}, other = {0};
  if (!adapt("over", base_model(), WITH("seed", "7"), NULL, &err)) fail_msg("%s", err.text);
  convert(base_model(), in_scratch("small.gguf"), "q4_0");
  convert(base_model(), in_scratch("half"), "f16");
  scored(in_scratch("small.gguf"), "over", 1);
  scored(in_scratch("half"), "over", 1);
  if (!tune("sibling", base_model(), NULL, WITH("lr", "0.01", "overwrite", "true"), NULL, &err))
    fail_msg("%s", err.text);
  const char *adapter = in_scratch("over");
  assert_null(ink_model_open_adapted(in_scratch("sibling"), &adapter, 1, NULL, &other));
  expect(&other, INK_FAILED, "was trained over another model");
}

static void what_an_adapter_cannot_be(void **state) {
  static const struct {
    const char *settings[8], *words;
    int code;
  } cases[] = {{{"rank", "17"}, "--rank 17 is above the width of the layer", INK_USAGE},
               {{"rank", "0"}, "", INK_USAGE},
               {{"target", "q_proj,r_proj"}, "no linear layer's name matches \"r_proj\"", INK_USAGE},
               {{"target", "embed_tokens"}, "no linear layer's name matches \"embed_tokens\"", INK_USAGE},
               {{"freeze", "embed_tokens"}, "--freeze has no effect with --adapter", INK_USAGE},
               {{"adapter", "none"}, "--rank is for adapters", INK_USAGE}};
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    Error err = {0};
    assert_false(adapt("none", base_model(), cases[i].settings, NULL, &err));
    expect(&err, cases[i].code, cases[i].words);
  }
  Error alone = {0}, twice = {0}, made = {0};
  assert_false(adapt("none", NULL, WITH("seed", "7"), NULL, &alone));
  expect(&alone, INK_USAGE, "give it with --from");
  if (!adapt("first", base_model(), WITH("seed", "7"), NULL, &made)) fail_msg("%s", made.text);
  assert_false(adapt("none", in_scratch("first"), WITH("seed", "7"), NULL, &twice));
  expect(&twice, INK_USAGE, "is an adapter itself");
}

/* Training all weights from a model with an adapter begins with the sum of both. */
static void training_from_an_adapter_begins_with_it(void **state) {
  (void)state;
  Error err = {0};
  if (!adapt("first", base_model(), WITH("seed", "7"), NULL, &err)) fail_msg("%s", err.text);
  if (!tune("merged", in_scratch("first"), NULL,
            WITH("steps", "1", "warmup", "0", "lr", "1e-9", "overwrite", "true"), NULL, &err))
    fail_msg("%s", err.text);
  assert_float_equal(scored(in_scratch("merged"), NULL, 1), scored(in_scratch("first"), NULL, 1), 0.1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(frozen_parameters_keep_their_values),
      cmocka_unit_test(a_resumed_run_has_the_same_bytes),
      cmocka_unit_test(a_base_that_changed_is_refused),
      cmocka_unit_test(patterns_must_name_something),
      cmocka_unit_test(an_adapter_learns_beside_its_base),
      cmocka_unit_test(an_adapters_run_has_the_same_bytes),
      cmocka_unit_test(the_base_is_recognized),
      cmocka_unit_test(what_an_adapter_cannot_be),
      cmocka_unit_test(training_from_an_adapter_begins_with_it),
  };
  return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
