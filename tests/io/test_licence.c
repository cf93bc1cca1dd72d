/* What model cards and directories state of a licence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/scratch.h"
#include "io/licence.h"

#include <cmocka.h> /* last: it defines fail() */

/* `parts`: id, name and link, NULL if they are not stated. */
static void expect_parts(const json_t *licence, const char *const parts[LICENCE_PARTS]) {
  for (int i = 0; i < LICENCE_PARTS; i++) {
    const char *found = json_string_value(json_object_get(licence, licence_parts[i].part));
    if (!parts[i])
      assert_null(found);
    else if (!found || strcmp(found, parts[i]))
      fail_msg("%s: %s, not %s", licence_parts[i].part, found ? found : "nothing", parts[i]);
  }
}

static void expect_card(const char *text, const char *id, const char *name, const char *link) {
  json_t *licence = json_object();
  licence_of_card(licence, text, strlen(text));
  expect_parts(licence, (const char *const[]){id, name, link});
  json_decref(licence);
}

static void front_matter_is_read(void **state) {
  (void)state;
  expect_card("---\nlicense: mit\n---\n", "mit", NULL, NULL);
  expect_card("---\r\ntags:\r\n- a\r\nlicense:  'mit' \r\n---\r\n", "mit", NULL, NULL);
  expect_card("---\nlicense: other\nlicense_name: \"ours 1.0\"\nlicense_link: LICENSE\n---\nx", "other",
              "ours 1.0", "LICENSE");
  expect_card("---\nlicense: [mit, bsd]\n---\n", "mit, bsd", NULL, NULL);
  expect_card("---\nlicense:\n- mit\n  - 'bsd'\nlanguage: en\n---\n", "mit, bsd", NULL, NULL);
  expect_card("---\nlicense:\n- mit\n---\nlicense_name: text\n", "mit", NULL, NULL);
  expect_card("---\nlicense: mit", "mit", NULL, NULL);
}

static void what_states_nothing_adds_nothing(void **state) {
  (void)state;
  char longest[600] = "---\nlicense: ";
  memset(longest + strlen(longest), 'x', 550);
  expect_card("", NULL, NULL, NULL);
  expect_card("license: mit\n", NULL, NULL, NULL);
  expect_card("---\n---\nlicense: mit\n", NULL, NULL, NULL);
  expect_card("---\n license: mit\nlicenses: mit\nlicense:\n---\n", NULL, NULL, NULL);
  expect_card("---\nlicense: a\x01z\nlicense_name: \xff\n---\n", NULL, NULL, NULL);
  expect_card(longest, NULL, NULL, NULL);
}

static void put(const char *name, const char *text) {
  assert_true(file_replace(in_scratch(name), text, strlen(text), NULL));
}

/* config.json, which conversion writes, goes before the card. */
static void directories_have_cards_and_files(void **state) {
  (void)state;
  char directory[PATH_CAPACITY];
  snprintf(directory, sizeof directory, "%s", in_scratch("."));
  json_t *config = json_object(), *licence = licence_of_directory(directory, config);
  assert_int_equal(json_object_size(licence), 0);
  json_decref(licence);
  put("README.md", "---\nlicense: mit\nlicense_name: ours\n---\n");
  put("LICENSE.txt", "MIT");
  licence = licence_of_directory(directory, config);
  expect_parts(licence, (const char *const[]){"mit", "ours", NULL});
  assert_string_equal(json_string_value(json_object_get(licence, "text_file")), "LICENSE.txt");
  json_decref(licence);
  json_put(config, "license", json_string("bsd"));
  json_put(config, "license_link", json_integer(1));
  licence = licence_of_directory(directory, config);
  expect_parts(licence, (const char *const[]){"bsd", NULL, NULL});
  json_put(config, "license", json_string("lost"));
  licence_add_keys(licence, config);
  assert_string_equal(json_string_value(json_object_get(config, "license")), "bsd");
  json_decref(licence);
  json_decref(config);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(front_matter_is_read),
      cmocka_unit_test(what_states_nothing_adds_nothing),
      cmocka_unit_test_setup_teardown(directories_have_cards_and_files, scratch_open, scratch_close),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
