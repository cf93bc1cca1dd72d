/* Names of repositories, names of files in them, and which of the files are the model. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "io/repository.h"

#include <cmocka.h> /* last: it defines fail() */

static void expect_name(const char *text, const char *id, const char *revision, const char *file) {
  RepositoryName n;
  assert_true(repository_name(&n, text, NULL));
  assert_string_equal(n.id, id);
  assert_string_equal(n.revision, revision);
  assert_string_equal(n.file, file);
}

static void names_are_parsed(void **state) {
  expect_name("a/b", "a/b", "", "");
  expect_name("HuggingFaceTB/SmolLM2-1.7B_x", "HuggingFaceTB/SmolLM2-1.7B_x", "", "");
  expect_name("a/b@refs/pr/1:sub/x-00001-of-00002.gguf", "a/b", "refs/pr/1", "sub/x-00001-of-00002.gguf");
  expect_name("a/b:Q4_K_M", "a/b", "", "Q4_K_M");
}

static void what_is_no_name_is_refused(void **state) {
  static const char *const wrong[] = {
      "",         "a",     "a/",     "/a",       "a/b/c",  "../b",     "a/..",    "a/.b",   "-a/b",
      "a/b@",     "a/b:",  "a/b@:x", "a/b@../x", "a/b@x/", "a/b@-x",   "a/b@x y", "a/b:/x", "a/b:../x",
      "a/b:x/..", "a b/c", "a/b\\c", "a/b\n",    "a/ö",    "a/b:x\\y", "a/b@x//y"};
  RepositoryName n;
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    Error err = {0};
    if (repository_name(&n, wrong[i], &err)) fail_msg("accepted: %s", wrong[i]);
    assert_int_equal(err.code, INK_USAGE);
  }
  char longest[300];
  snprintf(longest, sizeof longest, "a/%0200d", 1);
  assert_false(repository_name(&n, longest, NULL));
}

static void files_that_lead_elsewhere_are_unsafe(void **state) {
  static const char *const wrong[] = {"..", ".",      "../x", "a/..", "a/./b", "/a",   "a//b",
                                      "a/", ".git/x", "a\\b", "~/x",  "a\tb",  "a\nb", "\x7f"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
    if (repository_safe(wrong[i], strlen(wrong[i]))) fail_msg("safe: %s", wrong[i]);
  assert_false(repository_safe("a\0b", 3));
  assert_false(repository_safe("", 0));
  assert_true(repository_safe("sub dir/月.gguf", strlen("sub dir/月.gguf")));
  assert_true(repository_safe("a..b", 4));
}

enum { MOST = 16 };

/* `names`: separated by blanks. `expected`: those chosen; NULL: refused with an error that contains `says`.
 */
static void expect_choice(const char *names, const char *file, const char *expected, const char *main,
                          const char *says) {
  char copy[1000], got[1000] = "";
  const char *list[MOST], *opened;
  bool chosen[MOST] = {0};
  size_t count = 0;
  Error err = {0};
  snprintf(copy, sizeof copy, "%s", names);
  for (char *at = strtok(copy, " "); at; at = strtok(NULL, " ")) list[count++] = at;
  const bool ok = repository_choose(list, count, file, "a/b", chosen, &opened, &err);
  if (!expected) {
    assert_false(ok);
    assert_non_null(strstr(err.text, says));
    return;
  }
  if (!ok) fail_msg("%s", err.text);
  for (size_t i = 0; i < count; i++)
    if (chosen[i]) snprintf(got + strlen(got), sizeof got - strlen(got), "%s%s", *got ? " " : "", list[i]);
  assert_string_equal(got, expected);
  assert_string_equal(opened ? opened : "", main);
}

static void directories_are_chosen(void **state) {
  expect_choice("README.md config.json model.safetensors model.gguf pytorch_model.bin tokenizer.json", "",
                "README.md config.json model.safetensors tokenizer.json", "", NULL);
  expect_choice(
      "config.json model-00001-of-00002.safetensors model-00002-of-00002.safetensors "
      "model.safetensors.index.json pytorch_model.bin spiece.model onnx/model.onnx",
      "",
      "config.json model-00001-of-00002.safetensors model-00002-of-00002.safetensors "
      "model.safetensors.index.json spiece.model",
      "", NULL);
  expect_choice("config.json pytorch_model.bin source.spm target.spm vocab.json tf_model.h5", "",
                "config.json pytorch_model.bin source.spm target.spm vocab.json", "", NULL);
  expect_choice("config.json sub/model.safetensors tokenizer.json", "", NULL, "",
                "no model that Inkstone reads");
  expect_choice("config.json model.safetensors", "config.json", "config.json", "config.json", NULL);
}

static void gguf_files_are_chosen(void **state) {
  expect_choice("config.json x.gguf mmproj-x.gguf x.imatrix.gguf", "", "x.gguf", "x.gguf", NULL);
  expect_choice("x-Q2_K.gguf x-q4_k_m.gguf x-Q8_0.gguf", "", "x-q4_k_m.gguf", "x-q4_k_m.gguf", NULL);
  expect_choice("x-Q2_K.gguf x-Q8_0.gguf", "", NULL, "", "x-Q2_K.gguf, x-Q8_0.gguf");
  expect_choice("x-Q4_K_M.gguf x-Q4_K_S.gguf x.Q4_K.gguf", "q4_k", "x.Q4_K.gguf", "x.Q4_K.gguf", NULL);
  expect_choice("x-Q8_0.gguf y-Q8_0.gguf", "Q8_0", NULL, "", "several files");
  expect_choice("x-Q8_0.gguf", "Q4_0", NULL, "", "no such file or type");
  expect_choice("s/x-00001-of-00002.gguf s/x-00002-of-00002.gguf", "",
                "s/x-00001-of-00002.gguf s/x-00002-of-00002.gguf", "s/x-00001-of-00002.gguf", NULL);
  expect_choice("x-00001-of-00002.gguf y-00002-of-00002.gguf", "", NULL, "", "only 1 of the 2 files");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(names_are_parsed), cmocka_unit_test(what_is_no_name_is_refused),
      cmocka_unit_test(files_that_lead_elsewhere_are_unsafe), cmocka_unit_test(directories_are_chosen),
      cmocka_unit_test(gguf_files_are_chosen)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
