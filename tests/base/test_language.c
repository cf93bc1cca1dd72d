/* Which language messages have, and that catalogues are found and read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/language.h"

#include <cmocka.h> /* last: it defines fail() */

static bool is_chinese(void) {
  return strcmp(language_text("interrupted"), "interrupted") != 0;
}

/* Sets the variables, all others that count are unset, and asks for the language of the environment. */
static bool chinese_with(const char *const *variables) {
  static const char *const all[] = {"INKSTONE_LANG", "LANGUAGE", "LC_ALL", "LC_MESSAGES", "LC_CTYPE", "LANG"};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) unsetenv(all[i]);
  for (; *variables; variables += 2) setenv(variables[0], variables[1], 1);
  assert_true(ink_set_language(NULL, NULL));
  return is_chinese();
}
#define CHINESE(...) chinese_with((const char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL})

static void environment(void **state) {
  (void)state;
  assert_false(CHINESE());
  assert_true(CHINESE("LANG", "zh_CN.UTF-8"));
  assert_true(CHINESE("LANG", "zh"));
  assert_true(CHINESE("LANG", "zh_TW.UTF-8")); /* simplified rather than English */
  assert_false(CHINESE("LANG", "zhuang"));
  assert_false(CHINESE("LANG", "fr_FR.UTF-8"));
  assert_false(CHINESE("LANG", "zh_CN.UTF-8", "LC_MESSAGES", "en_US.UTF-8"));
  assert_false(CHINESE("LANG", "zh_CN.UTF-8", "LC_ALL", "C.UTF-8"));
  assert_true(CHINESE("LANG", "en_US.UTF-8", "LC_ALL", "", "LC_MESSAGES", "zh_CN"));
  assert_true(CHINESE("LANG", "zh_CN.UTF-8", "LC_CTYPE", "UTF-8")); /* as macOS passes it on */
  assert_false(CHINESE("LANG", "zh_CN.UTF-8", "LC_CTYPE", "C"));
  assert_false(CHINESE("LANG", "zh_XX")); /* not installed: the C library has ASCII */
  assert_true(CHINESE("LANG", "fr_FR.UTF-8", "LANGUAGE", "fr:zh:en"));
  assert_false(CHINESE("LANG", "zh_CN.UTF-8", "LANGUAGE", "fr:en:zh"));
  assert_false(CHINESE("LANG", "C", "LANGUAGE", "zh")); /* as gettext has it */
  assert_false(CHINESE("LANG", "zh_CN.GB18030"));       /* messages are UTF-8 */
  assert_false(CHINESE("LANG", "zh_CN.UTF-8", "LC_CTYPE", "zh_CN.gbk"));
  assert_true(CHINESE("LANG", "zh_CN.GB18030", "LC_CTYPE", "zh_CN.utf8"));
  assert_true(CHINESE("LANG", "zh_CN.GB18030", "INKSTONE_LANG", "zh"));
  assert_true(CHINESE("LANG", "C", "INKSTONE_LANG", "zh"));
  assert_false(CHINESE("LANG", "zh_CN.UTF-8", "INKSTONE_LANG", "en"));
}

static void unknown(void **state) {
  (void)state;
  ink_error err = {0};
  assert_true(ink_set_language("zh-Hans", NULL));
  assert_false(ink_set_language("fr", &err)); /* the language stays as it was */
  assert_int_equal(err.code, INK_USAGE);
  assert_non_null(strstr(err.text, "fr"));
  assert_true(is_chinese());
  assert_true(ink_set_language("en", NULL));
  assert_false(is_chinese());
}

static void errors(void **state) {
  (void)state;
  ink_error err = {0};
  assert_true(ink_set_language("zh", NULL));
  assert_string_equal(language_text("no such message"), "no such message");
  assert_string_equal(language_text(""), "");
  assert_false(fail_interrupted(&err));
  assert_string_equal(err.text, language_text("interrupted"));
  assert_string_not_equal(err.text, "interrupted");
  assert_true(ink_set_language("en", NULL));
}

static uint32_t number_at(const unsigned char *bytes, uint32_t offset) {
  uint32_t number;
  memcpy(&number, bytes + offset, sizeof number);
  return number;
}

/* The header's third to fifth number: how many, where the originals are listed, and the translations. */
static void every_message_is_found(void **state) {
  static const unsigned char bytes[] = {
#include "base/zh_CN.mo.inc"
  };
  (void)state;
  const uint32_t count = number_at(bytes, 8), originals = number_at(bytes, 12),
                 translations = number_at(bytes, 16);
  assert_true(count > 1000 && ink_set_language("zh", NULL));
  for (uint32_t i = 1; i < count; i++) /* the first is the header, of "" */
    assert_string_equal(language_text((const char *)bytes + number_at(bytes, originals + 8 * i + 4)),
                        (const char *)bytes + number_at(bytes, translations + 8 * i + 4));
  assert_true(ink_set_language("en", NULL));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(environment), cmocka_unit_test(unknown),
                                     cmocka_unit_test(errors), cmocka_unit_test(every_message_is_found)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
