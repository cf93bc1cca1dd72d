/* What a plan refuses: settings that an existing model or tokenizer has settled already. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "train/plan.h"

#include <cmocka.h> /* last: it defines fail() */

/* Is the flag, at its default value, refused with --from (or such), and both named? */
static bool refused(const char *source, const ink_setting_info *info) {
  Error err = {0};
  char flag[80];
  ink_settings *given = ink_settings_train();
  assert_true(ink_settings_set(given, source, "model", &err));
  assert_true(ink_settings_set(given, info->name, info->default_value, &err));
  ink_settings *own = settings_copy(given);
  const bool ok = plan_contradictions(given, own, &(News){0}, &err);
  snprintf(flag, sizeof flag, "--%s ", info->name);
  assert_true(ok || (strstr(err.text, flag) && strstr(err.text, source) && err.code == INK_USAGE));
  ink_settings_free(given);
  ink_settings_free(own);
  return !ok;
}

static bool is_one_of(const char *const *words, const char *word) {
  while (*words && strcmp(*words, word)) words++;
  return *words;
}

/* The count of settings that were tried. */
static int try_section(const char *section, const char *source, const char *const *free_names) {
  ink_settings *all = ink_settings_train();
  ink_setting_info info = INK_SETTING_INFO_INIT;
  int tried = 0;
  for (int i = 0; ink_settings_describe(all, i, &info); i++) {
    if (strcmp(info.section, section)) continue;
    tried++;
    if (refused(source, &info) == is_one_of(free_names, info.name))
      fail_msg("--%s with --%s", info.name, source);
  }
  ink_settings_free(all);
  return tried;
}

static void a_base_settles_network_and_tokenizer(void **state) {
  static const char *const free_names[] = {"context", "dropout", "memory", NULL};
  (void)state;
  assert_true(try_section("model", "from", free_names) >= 15);
  assert_true(try_section("tokenizer", "from", free_names) >= 5);
}

static void a_tokenizer_settles_itself(void **state) {
  static const char *const free_names[] = {"memory", NULL};
  (void)state;
  assert_true(try_section("tokenizer", "tokenizer-from", free_names) >= 5);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_base_settles_network_and_tokenizer),
      cmocka_unit_test(a_tokenizer_settles_itself),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
