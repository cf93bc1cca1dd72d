/* Every kind of step gives the ids and texts of Hugging Face's tokenizers (scripts/golden_tokenizers.py). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/file.h"
#include "text/tokenizer.h"

#include <cmocka.h> /* last: it defines fail() */

static Tokenizer *read_tokenizer(const json_t *file, const char *path) {
  Error err = {0};
  char *text = json_text(json_object_get(file, "tokenizer"), 0);
  Tokenizer *t = tokenizer_parse(text, strlen(text), path, &err);
  if (!t) fail_msg("%s", err.text);
  mem_free(text);
  return t;
}

static bool same_ids(const Ids *ids, const json_t *wanted) {
  bool same = ids->count == json_array_size(wanted);
  for (size_t i = 0; same && i < ids->count; i++)
    same = ids->data[i] == json_integer_value(json_array_get(wanted, i));
  return same;
}

/* A run of bytes that is no UTF-8 is one U+FFFD a byte there: such texts are not compared. */
static bool same_text(const Tokenizer *t, const json_t *ids, const char *wanted) {
  Ids list = {0};
  Buffer out = {0};
  if (strstr(wanted, "\xef\xbf\xbd")) return true;
  for (size_t i = 0; i < json_array_size(ids); i++)
    vec_push(&list, (int32_t)json_integer_value(json_array_get(ids, i)));
  assert_true(tokenizer_decode(t, list.data, list.count, false, &out, NULL));
  const bool same = !strcmp(out.data ? out.data : "", wanted);
  if (!same) print_error("  decoded \"%s\", not \"%s\"\n", out.data ? out.data : "", wanted);
  vec_free(&list);
  buffer_free(&out);
  return same;
}

static size_t check(const Tokenizer *t, const json_t *sample, const char *path) {
  const char *text = json_get_text(sample, "text", NULL);
  const json_t *wanted = json_object_get(sample, "ids");
  Ids ids = {0};
  assert_true(
      tokenizer_encode(t, text, strlen(text), json_is_true(json_object_get(sample, "specials")), &ids, NULL));
  const bool same = same_ids(&ids, wanted) && same_text(t, wanted, json_get_text(sample, "decoded", ""));
  if (!same) print_error("%s: \"%s\" differs\n", path, text);
  vec_free(&ids);
  return !same;
}

static void as_hugging_face(void **state) {
  Names names;
  char path[PATH_CAPACITY];
  size_t wrong = 0;
  assert_true(dir_list(TESTS_DIR "/golden/tokenizers", &names, NULL));
  assert_true(names.count > 20);
  for (size_t i = 0; i < names.count; i++) {
    json_t *file = json_read(path_join(path, TESTS_DIR "/golden/tokenizers", names.items[i]), NULL);
    Tokenizer *t = read_tokenizer(file, path);
    const json_t *texts = json_object_get(file, "texts");
    assert_true(json_array_size(texts) > 20);
    for (size_t k = 0; k < json_array_size(texts); k++)
      wrong += check(t, json_array_get(texts, k), names.items[i]);
    tokenizer_free(t);
    json_decref(file);
  }
  names_free(&names);
  assert_int_equal(wrong, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(as_hugging_face)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
