/* Training part of a base model: what is frozen keeps its values and their type, the rest learns, and a run
 * that is resumed continues only with the base it began with. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

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

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(frozen_parameters_keep_their_values),
      cmocka_unit_test(a_resumed_run_has_the_same_bytes),
      cmocka_unit_test(a_base_that_changed_is_refused),
      cmocka_unit_test(patterns_must_name_something),
  };
  return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
