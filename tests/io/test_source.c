/* A model source: what is written is what is read; what is no model is named, with the mend. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/scratch.h"
#include "io/source.h"

#include <cmocka.h> /* last: it defines fail() */

static void write_model(const char *source_tokenizer, const char *template) {
  Error err = {0};
  json_t *configuration = json_build("{s:s}", "model_type", "llama"),
         *names = json_build("{s:s?}", "chat_template", template);
  const ModelParts parts = {.configuration = configuration,
                            .tokenizer_config = names,
                            .tokenizer = "{\"target\": 1}\n",
                            .source_tokenizer = source_tokenizer};
  if (!source_write(scratch, &parts, &err)) fail_msg("%s", err.text);
  json_decref(configuration);
  json_decref(names);
}

static ModelSource open_model(void) {
  ModelSource s;
  Error err = {0};
  if (!source_open(&s, scratch, &err)) fail_msg("%s", err.text);
  return s;
}

static void what_is_written_is_read(void **state) {
  (void)state;
  Error err = {0};
  write_model(NULL, NULL);
  ModelSource s = open_model();
  assert_string_equal(s.format->name, "huggingface");
  assert_string_equal(json_get_text(s.configuration, "model_type", ""), "llama");
  assert_null(s.generation);
  assert_int_equal(json_object_size(s.card), 0);
  source_close(&s);
  /* a part by itself leaves the others as they are */
  json_t *card = json_build("{s:s}", "task", "write");
  assert_true(source_write(scratch, &(ModelParts){.card = card, .generation = card}, &err));
  json_decref(card);
  s = open_model();
  assert_string_equal(json_get_text(s.card, "task", ""), "write");
  assert_string_equal(json_get_text(s.generation, "task", ""), "write");
  assert_string_equal(json_get_text(s.configuration, "model_type", ""), "llama");
  source_close(&s);
}

/* One vocabulary after two leaves no file behind. */
static void tokenizers_of_sources(void **state) {
  (void)state;
  for (int two = 1; two >= 0; two--) {
    SourceTokenizer t;
    Error err = {0};
    write_model(two ? "{\"source\": 1}\n" : NULL, NULL);
    ModelSource s = open_model();
    assert_true(source_find_tokenizer(&s, &t, &err));
    assert_int_equal(*t.source_path != '\0', two);
    assert_int_equal(file_exists(in_scratch("source_tokenizer.json")), two);
    source_close(&s);
  }
}

static void templates(void **state) {
  (void)state;
  static const char *const files[] = {NULL, "of the file"};
  static const char *const names[] = {NULL, "of the names"};
  for (int i = 0; i < 4; i++) {
    const char *file = files[i / 2], *name = names[i % 2], *wanted = file ? file : name;
    Error err = {0};
    json_t *got;
    write_model(NULL, name);
    if (file) assert_true(file_replace(in_scratch("chat_template.jinja"), file, strlen(file), &err));
    ModelSource s = open_model();
    assert_true(source_read_template(&s, &got, &err));
    assert_int_equal(got && json_is_string(got), wanted != NULL);
    if (wanted) assert_string_equal(json_string_value(got), wanted);
    json_decref(got);
    source_close(&s);
  }
}

static void what_is_no_model_is_named(void **state) {
  (void)state;
  static const struct {
    const char *path, *says;
  } cases[] = {{"none", "no such model directory"},
               {"model.gguf", "does not begin as a GGUF file does"},
               {"x.safetensors", "give the directory that contains it"},
               {"notes", "give a model directory, or a model file"},
               {".", "it has no config.json"}};
  for (size_t i = 1; i < 4; i++) assert_true(file_replace(in_scratch(cases[i].path), "x", 1, NULL));
  assert_true(dir_make(in_scratch("empty"), NULL));
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    ModelSource s;
    Error err = {0};
    assert_false(source_open(&s, in_scratch(i == 4 ? "empty" : cases[i].path), &err));
    if (!strstr(err.text, cases[i].says)) fail_msg("%s: %s", cases[i].path, err.text);
    source_close(&s);
  }
}

/* By its first bytes, whatever its name, also in the place of another file. */
static void what_is_another_kind_of_file_is_named(void **state) {
  (void)state;
#define BYTES(text) text, sizeof(text) - 1
  static const char zip[] = "PK\3\4..........................";
  static const struct {
    const char *bytes;
    size_t length;
    const char *says;
  } cases[] = {{BYTES("version https://git-lfs.github.com/spec/v1\noid sha256:1\n"), "a pointer of Git LFS"},
               {BYTES("<!DOCTYPE html>\n<title>404</title>"), "an HTML page"},
               {BYTES("<html>"), "an HTML page"},
               {BYTES("lmgg\1\0\0\0"), "before GGUF"},
               {BYTES("tjgg\3\0\0\0"), "before GGUF"},
               {BYTES("PK\3\4..........................weights.npy"), "NumPy arrays"},
               {BYTES("PK\3\4..........................archive/data.pkl"), "weights saved by PyTorch"},
               {BYTES("PK\3\4..........................notes.txt"), "a zip archive: unpack it"},
               {zip, 30, "a zip archive"},
               {zip, 4, "a zip archive"},
               {BYTES("\x93NUMPY\1"), "an array of NumPy"},
               {BYTES("\x89HDF\r\n\x1a\n"), "an HDF5 file"},
               {BYTES("\x08\x07\x12\x07pytorch"), "an ONNX graph"},
               {BYTES("\x1f\x8b\x08"), "gzip"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    ModelSource s;
    Error err = {0}, of_json = {0};
    assert_true(file_replace(in_scratch("model.gguf"), cases[i].bytes, cases[i].length, NULL));
    assert_false(source_open(&s, in_scratch("model.gguf"), &err));
    source_close(&s);
    assert_null(json_read(in_scratch("model.gguf"), &of_json));
    if (!strstr(err.text, cases[i].says) || strcmp(err.text, of_json.text))
      fail_msg("%s\n%s\n  and not: %s", err.text, of_json.text, cases[i].says);
  }
}

#define IN_SCRATCH(test) cmocka_unit_test_setup_teardown(test, scratch_open, scratch_close)
int main(void) {
  const struct CMUnitTest tests[] = {
      IN_SCRATCH(what_is_written_is_read),
      IN_SCRATCH(tokenizers_of_sources),
      IN_SCRATCH(templates),
      IN_SCRATCH(what_is_no_model_is_named),
      IN_SCRATCH(what_is_another_kind_of_file_is_named),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
