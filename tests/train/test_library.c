/* What a program can do that the command line does not: texts in memory, engines, error codes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/engine.h"
#include "train/runs.h"

#include <cmocka.h> /* last: it defines fail() */

#define WITH(...) ((const char *const[]){__VA_ARGS__, NULL})

static char lines[4096];

static ink_call memory_call(ink_text *text, const char *name) {
  Buffer b = {0};
  for (int i = 0; i < 100; i++) buffer_addf(&b, "%d moons sing\tmany sing: %d\n", i, i);
  CHECK(b.length < sizeof lines);
  memcpy(lines, b.data, b.length);
  *text = (ink_text){name, lines, b.length};
  buffer_free(&b);
  ink_call call = INK_CALL_INIT;
  call.texts = text;
  call.text_count = 1;
  return call;
}

static bool train_pairs(const char *file, const char *out, const char *const *pairs, const ink_call *call,
                        Error *err) {
  ink_settings *s = small_settings(pairs);
  const bool ok = ink_train("translate", file ? &file : NULL, file ? 1 : 0, in_scratch(out), s, call, err);
  ink_settings_free(s);
  return ok;
}

static void expect_same_weights(const char *a, const char *b) {
  char x[PATH_CAPACITY], y[PATH_CAPACITY];
  FileView one, other;
  path_join(x, in_scratch(a), "model.safetensors");
  path_join(y, in_scratch(b), "model.safetensors");
  assert_true(file_view(x, &one, NULL) && file_view(y, &other, NULL));
  assert_int_equal(one.size, other.size);
  assert_memory_equal(one.data, other.data, one.size);
  file_view_close(&one);
  file_view_close(&other);
}

/* The bytes of a file and the same bytes in memory give the same model. */
static void learning_from_memory(void **state) {
  static const char *const small[] = {"arch", "marian", "context", "48", NULL};
  Error err = {0}, gone = {0};
  ink_text text;
  const ink_call call = memory_call(&text, "pairs.tsv");
  char path[PATH_CAPACITY];
  path_join(path, scratch, "pairs.tsv");
  assert_true(file_replace(path, text.bytes, text.length, NULL));
  if (!train_pairs(path, "file", small, NULL, &err)) fail_msg("%s", err.text);
  if (!train_pairs("pairs.tsv", "memory", small, &call, &err)) fail_msg("%s", err.text);
  expect_same_weights("file", "memory");
  assert_int_equal(text.bytes[0], '0');                               /* left as it was */
  assert_false(train_pairs("pairs.tsv", "none", small, NULL, &gone)); /* another call has no such text */
  assert_int_equal(gone.code, INK_NOT_FOUND);
}

static void stop_at_four(void *user, const ink_event *event) {
  if (event->kind == INK_EVENT_EVAL && event->done == 4) ink_stop_request(user);
}

static void resuming_from_memory(void **state) {
  static const char *const small[] = {"arch", "marian", "context", "48", NULL};
  static const char *const resumed[] = {"arch", "marian", "context", "48", "resume", "true", NULL};
  Error err = {0}, stopped = {0}, without = {0};
  ink_text text;
  ink_stop stop = {0};
  ink_call call = memory_call(&text, "pairs.tsv");
  if (!train_pairs("pairs.tsv", "whole", small, &call, &err)) fail_msg("%s", err.text);
  call.stop = &stop;
  call.listener = stop_at_four;
  call.user = &stop;
  assert_false(train_pairs("pairs.tsv", "parts", small, &call, &stopped));
  assert_int_equal(stopped.code, INK_INTERRUPTED);
  assert_false(train_pairs(NULL, "parts", resumed, NULL, &without));
  ink_stop_clear(&stop);
  call.listener = NULL;
  if (!train_pairs(NULL, "parts", resumed, &call, &err)) fail_msg("%s", err.text);
  expect_same_weights("whole", "parts");
}

static void scoring_and_reading_from_memory(void **state) {
  Error err = {0};
  ink_text text;
  const ink_call call = memory_call(&text, "hypothesis");
  const char *reference = "hypothesis";
  ink_settings *score = ink_settings_score(), *reading = ink_settings_text();
  char *json = ink_score("hypothesis", &reference, 1, score, &call, &err);
  if (!json) fail_msg("%s", err.text);
  assert_non_null(strstr(json, "100.0"));
  ink_free(json);
  size_t length;
  char *read = ink_text_read("hypothesis", reading, &length, &call, &err);
  assert_int_equal(length, text.length);
  assert_memory_equal(read, text.bytes, length);
  ink_free(read);
  ink_settings_free(score);
  ink_settings_free(reading);
}

typedef struct Seen {
  const ink_engine *engine;
  int threads;
} Seen;

static bool see(void *user, const ink_token *token) {
  *(Seen *)user = (Seen){engine_now(), threads_count()};
  return true;
}

/* Calls follow the engine that the model was opened in, unless they name another. */
static void a_models_calls_work_in_its_engine(void **state) {
  Error err = {0};
  Seen seen = {0};
  ink_engine_options options = INK_ENGINE_OPTIONS_INIT;
  ink_call opening = INK_CALL_INIT, other = INK_CALL_INIT;
  options.threads = 3;
  opening.engine = ink_engine_open(&options, &err);
  options.threads = 2;
  other.engine = ink_engine_open(&options, &err);
  if (!train(in_scratch("model"), some_text(), WITH("steps", "1", "warmup", "0"), NULL, &err))
    fail_msg("%s", err.text);
  ink_settings *s = ink_settings_write();
  assert_true(ink_settings_set_int(s, "max-tokens", 3, &err));
  ink_model *m = ink_model_open(in_scratch("model"), &opening, &err);
  assert_true(m && ink_write(m, "The", 3, s, see, &seen, NULL, NULL, &err));
  assert_ptr_equal(seen.engine, opening.engine);
  assert_int_equal(seen.threads, 3);
  assert_true(ink_write(m, "The", 3, s, see, &seen, NULL, &other, &err));
  assert_ptr_equal(seen.engine, other.engine);
  assert_int_equal(seen.threads, 2);
  assert_ptr_not_equal(engine_now(), other.engine);
  ink_model_close(m);
  ink_engine_close(opening.engine);
  ink_engine_close(other.engine);
  ink_settings_free(s);
}

static void a_models_tokenizer(void **state) {
  Error err = {0};
  int32_t *ids;
  size_t count, length;
  char *text;
  if (!train(in_scratch("model"), some_text(), WITH("steps", "1", "warmup", "0", "resume", "true"), NULL,
             &err))
    fail_msg("%s", err.text);
  ink_model *m = ink_model_open(in_scratch("model"), NULL, &err);
  ink_tokenizer *t = ink_model_tokenizer(m, false);
  assert_ptr_equal(ink_tokenizer_size(t), ink_tokenizer_size(ink_model_tokenizer(m, true)));
  assert_true(ink_tokenizer_encode(t, "moon", 4, false, &ids, &count, &err));
  assert_int_equal(count, 4);
  assert_true(ink_tokenizer_decode(t, ids, count, false, &text, &length, &err));
  assert_string_equal(text, "moon");
  ink_free(ids);
  ink_free(text);
  ink_model_close(m);
}

static void keep_note(void *user, const ink_event *event) {
  if (event->kind == INK_EVENT_NOTE) buffer_adds(user, event->text);
}

/* What a tokenizer.json asks for in vain is told to who opens the model. */
static void opening_tells(void **state) {
  static const char before[] = "\"truncation\"";
  Error err = {0};
  Buffer notes = {0}, changed = {0};
  FileView old;
  char path[PATH_CAPACITY];
  ink_call call = INK_CALL_INIT;
  call.listener = keep_note;
  call.user = &notes;
  if (!train(in_scratch("told"), some_text(), WITH("steps", "1", "warmup", "0"), NULL, &err))
    fail_msg("%s", err.text);
  assert_true(file_view(path_join(path, in_scratch("told"), "tokenizer.json"), &old, &err));
  buffer_add(&changed, old.data, old.size);
  file_view_close(&old);
  char *at = strstr(changed.data, before);
  assert_non_null(at);
  at = strstr(at, "null"); /* as many bytes as there are */
  assert_non_null(at);
  memcpy(at, "{}  ", 4);
  assert_true(file_replace(path, changed.data, changed.length, NULL));
  ink_model *m = ink_model_open(in_scratch("told"), &call, &err);
  assert_non_null(m);
  assert_non_null(strstr(notes.data, "is not applied"));
  ink_model_close(m);
  buffer_free(&notes);
  buffer_free(&changed);
}

static int code_of_opening(const char *file, const char *contents) {
  Error err = {0};
  char path[PATH_CAPACITY];
  CHECK(file_replace(path_join(path, in_scratch("model"), file), contents, strlen(contents), NULL));
  ink_model *m = ink_model_open(in_scratch("model"), NULL, &err);
  ink_model_close(m);
  return err.code;
}

static void errors_tell_apart(void **state) {
  Error missing = {0}, err = {0}, wrong = {0};
  assert_null(ink_tokenizer_open(in_scratch("nowhere"), &missing));
  assert_int_equal(missing.code, INK_NOT_FOUND);
  assert_false(train(in_scratch("m"), in_scratch("nothing"), WITH("steps", "1"), NULL, &wrong));
  assert_int_equal(wrong.code, INK_NOT_FOUND);
  if (!train(in_scratch("model"), some_text(), WITH("steps", "1", "warmup", "0", "resume", "true"), NULL,
             &err))
    fail_msg("%s", err.text);
  assert_int_equal(code_of_opening("config.json", "{"), INK_DAMAGED);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(learning_from_memory),
      cmocka_unit_test(resuming_from_memory),
      cmocka_unit_test(scoring_and_reading_from_memory),
      cmocka_unit_test(a_models_calls_work_in_its_engine),
      cmocka_unit_test(a_models_tokenizer),
      cmocka_unit_test(opening_tells),
      cmocka_unit_test(errors_tell_apart),
  };
  return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
