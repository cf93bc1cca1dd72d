/* Settings: every kind, ranges, names, who wins over whom, YAML in and out, exhaustion at any allocation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/scratch.h"
#include "base/settings.h"

#include <cmocka.h> /* last: it defines fail() */

#define SHAPE_SETTINGS                                               \
  SETTINGS_BEGIN(Shape, shape_table, "shape")                        \
  SETTING(INT, layers, "4", 1, 1000, "N", "blocks")                  \
  SETTING(REAL, top_p, "0.95", 0, 1, "P", "nucleus")                 \
  SETTING(CHOICE, arch, "llama", 0, 0, "llama|gpt2|lstm", "network") \
  SETTING(SWITCH, tied, "true", 0, 0, "", "one matrix")              \
  SETTINGS_END
#define RUN_SETTINGS                                         \
  SETTING(TEXT, out, "", 0, 0, "PATH", "where to")           \
  SETTING(BYTES, memory, "1G", 1e6, 1e15, "SIZE", "at most") \
  SETTING(SECONDS, budget, "0", 0, 1e8, "TIME", "how long")  \
  SETTING(LIST, stop, "", 0, 0, "TEXT", "ends before this")  \
  SETTING(LIST, words, "one", 0, 0, "TEXT", "has a default") \
  SETTING(INT, seed, "", -10, 9e18, "N", "may be unset")

SHAPE_SETTINGS
typedef struct Run {
  RUN_SETTINGS
} Run;

#include "base/settings_table.h"
SHAPE_SETTINGS
#undef SETTING
#define SETTING(...) SETTING_ITEM(Run, SETTING_FIXED, false, __VA_ARGS__),
static const Setting run_items[] = {RUN_SETTINGS{0}};
static const SettingTable run_table = {"run", sizeof(Run), run_items};

enum { SHAPE_COUNT = 4, RUN_COUNT = 6 };

typedef struct Both {
  Settings *settings;
  const Shape *shape;
  const Run *run;
} Both;

static Both open_both(void) {
  const SettingTable *const tables[] = {&shape_table, &run_table};
  Settings *s = settings_new(tables, 2);
  return (Both){s, settings_part(s, &shape_table), settings_part(s, &run_table)};
}

static void set(const Both *b, const char *name, const char *text) {
  Error err = {0};
  if (!ink_settings_set(b->settings, name, text, &err)) fail_msg("%s", err.text);
}

static void load(const Both *b, const char *yaml) {
  Error err = {0};
  if (!settings_load_text(b->settings, yaml, "r.yaml", &err)) fail_msg("%s", err.text);
}

static void check_text(const Both *b, const char *name, const char *expected) {
  char *text = ink_settings_get(b->settings, name);
  assert_string_equal(text, expected);
  ink_free(text);
}

static void defaults(void **state) {
  const Both b = open_both();
  assert_int_equal(b.shape->layers, 4);
  assert_true(b.shape->top_p == 0.95);
  assert_string_equal(b.shape->arch, "llama");
  assert_true(b.shape->tied);
  assert_null(b.run->out);
  assert_int_equal(b.run->memory, 1 << 30);
  assert_int_equal(b.run->seed, 0);
  assert_int_equal(b.run->stop.count, 0);
  assert_int_equal(b.run->words.count, 1);
  for (size_t i = 0; shape_table.items[i].name; i++)
    assert_false(settings_given(b.settings, shape_table.items[i].name));
  ink_settings_free(b.settings);
  ink_settings_free(NULL);
}

static void every_kind_is_read_and_told(void **state) {
  static const char *const cases[][3] = {
      {"layers", "12", "12"},
      {"layers", "1k", "1000"},
      {"layers", "0.1K", "100"},
      {"layers", "1e2", "100"},
      {"seed", "2M", "2000000"},
      {"seed", "1.005k", "1005"},
      {"seed", "-3", "-3"},
      {"seed", "3g", "3000000000"},
      {"seed", "9000000000000000000", "9000000000000000000"},
      {"top-p", "0.1", "0.1"},
      {"top_p", "1e-3", "0.001"},
      {"top_p", "0.30000000000000004", "0.30000000000000004"},
      {"arch", "lstm", "lstm"},
      {"arch", "llama", "llama"},
      {"out", "", ""},
      {"out", "a b: #c", "a b: #c"},
      {"memory", "512M", "536870912"},
      {"memory", "2gb", "2147483648"},
      {"memory", "1e6", "1000000"},
      {"memory", "1T", "1099511627776"},
      {"budget", "90", "90"},
      {"budget", "30s", "30"},
      {"budget", "1.5m", "90"},
      {"budget", "2h", "7200"},
      {"budget", "1d", "86400"},
      {"tied", "false", "false"},
      {"tied", "Yes", "true"},
      {"tied", "off", "false"},
      {"tied", "1", "true"},
  };
  const Both b = open_both();
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    set(&b, cases[i][0], cases[i][1]);
    check_text(&b, cases[i][0], cases[i][2]);
    assert_true(settings_given(b.settings, cases[i][0]));
  }
  set(&b, "stop", "a");
  set(&b, "stop", "b c");
  check_text(&b, "stop", "a,b c");
  set(&b, "words", "two"); /* the default makes room */
  check_text(&b, "words", "two");
  assert_null(ink_settings_get(b.settings, "absent"));
  ink_settings_free(b.settings);
}

static void what_is_wrong_is_refused_and_changes_nothing(void **state) {
  static const char *const cases[][3] = {
      {"layers", "0", "from 1 to 1000"},
      {"layers", "1001", "from 1 to 1000"},
      {"layers", "1.5", "whole number"},
      {"layers", "", "whole number"},
      {"layers", "12x", "whole number"},
      {"layers", "k", "whole number"},
      {"layers", "4kk", "whole number"},
      {"layers", "nan", "whole number"},
      {"seed", "1e30", "out of range"},
      {"seed", "99999999999999999999", ""},
      {"top-p", "1.01", "from 0 to 1"},
      {"top-p", "-0.1", "from 0 to 1"},
      {"top-p", "nan", "not a number"},
      {"top-p", "inf", "not a number"},
      {"top-p", "0.5k", "not a number"},
      {"top-p", "0,5", "not a number"},
      {"arch", "lam", "llama|gpt2|lstm"},
      {"arch", "gpt2|lstm", "gpt2"},
      {"arch", "", "llama"},
      {"tied", "maybe", "true nor false"},
      {"memory", "10", "out of range"},
      {"memory", "1X", "512M"},
      {"memory", "-1G", "out of range"},
      {"budget", "10q", "10m"},
      {"budget", "-1", "from 0"},
      {"budget", "1h30", "2h"},
      {"out", "caf\xe9", "UTF-8"},
      {"stop", "\xed\xa0\x80", "UTF-8"},
  };
  const Both b = open_both();
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    Error err = {0};
    char *before = ink_settings_get(b.settings, cases[i][0]);
    assert_false(ink_settings_set(b.settings, cases[i][0], cases[i][1], &err));
    assert_int_equal(err.code, INK_USAGE);
    if (!strstr(err.text, cases[i][0]) || !strstr(err.text, cases[i][2]))
      fail_msg("%s=%s: %s", cases[i][0], cases[i][1], err.text);
    check_text(&b, cases[i][0], before);
    assert_false(settings_given(b.settings, cases[i][0]));
    ink_free(before);
  }
  ink_settings_free(b.settings);
}

static void check_unknown(const Both *b, const char *name, const char *expected) {
  Error err = {0};
  assert_false(ink_settings_set(b->settings, name, "1", &err));
  assert_int_equal(err.code, INK_USAGE);
  if (expected)
    assert_non_null(strstr(err.text, expected));
  else
    assert_null(strstr(err.text, "did you mean"));
}

static void unknown_names_get_the_nearest(void **state) {
  const Both b = open_both();
  check_unknown(&b, "layer", "did you mean \"layers\"?");
  check_unknown(&b, "top_pp", "did you mean \"top-p\"?");
  check_unknown(&b, "bugdet", "did you mean \"budget\"?");
  check_unknown(&b, "quantum-flux", NULL);
  check_unknown(&b, "", NULL);
  check_unknown(&b, "a-name-that-is-much-longer-than-any-setting-could-sensibly-have-in-this-program", NULL);
  ink_settings_free(b.settings);
  assert_int_equal(text_distance("kitten", "sitting"), 3);
  assert_int_equal(text_distance("", "abc"), 3);
  assert_int_equal(text_distance("abc", "abc"), 0);
}

static void an_explicit_value_wins_in_any_order(void **state) {
  for (int order = 0; order < 2; order++) {
    const Both b = open_both();
    if (order) load(&b, "layers: 5\ntop_p: 0.5\nstop: [x, y]\n");
    set(&b, "layers", "7");
    set(&b, "stop", "z");
    if (!order) load(&b, "layers: 5\ntop-p: 0.5\nstop: [x, y]\n");
    assert_int_equal(b.shape->layers, 7);
    assert_true(b.shape->top_p == 0.5);
    check_text(&b, "stop", "z");
    ink_settings_free(b.settings);
  }
}

static void filling_leaves_what_was_given(void **state) {
  const Both b = open_both();
  Error err = {0};
  set(&b, "layers", "7");
  load(&b, "top_p: 0.5\nwords: []\n");
  assert_true(settings_fill(b.settings, "layers", "9", &err));
  assert_true(settings_fill(b.settings, "top_p", "0.9", &err));
  assert_true(settings_fill(b.settings, "seed", "3", &err));
  assert_true(settings_fill(b.settings, "words", "filled", &err));
  assert_int_equal(b.shape->layers, 7);
  assert_true(b.shape->top_p == 0.5);
  assert_int_equal(b.run->seed, 3);
  assert_int_equal(b.run->words.count, 0);
  assert_false(settings_given(b.settings, "seed"));
  assert_true(settings_fill(b.settings, "seed", "4", &err)); /* filled is not given */
  load(&b, "seed: 5");
  assert_int_equal(b.run->seed, 5);
  assert_false(settings_fill(b.settings, "seed", "x", &err));
  ink_settings_free(b.settings);
}

static void yaml_lists(void **state) {
  const Both b = open_both();
  load(&b, "stop:\n  - \"\\n\\n\"\n  - 'b'\nwords: single\n");
  assert_int_equal(b.run->stop.count, 2);
  assert_string_equal(b.run->stop.items[0], "\n\n");
  check_text(&b, "words", "single");
  load(&b, "stop: [c]"); /* another file: anew */
  check_text(&b, "stop", "c");
  load(&b, "stop: []");
  assert_int_equal(b.run->stop.count, 0);
  assert_true(settings_given(b.settings, "stop"));
  load(&b, "");
  load(&b, "# nothing\n");
  load(&b, "---\nlayers: 3\n...\n");
  assert_int_equal(b.shape->layers, 3);
  ink_settings_free(b.settings);
}

static void yaml_errors_say_the_line(void **state) {
  static const char *const cases[][2] = {
      {"layers: 2\n\ntop-q: 1\n", "r.yaml:3: unknown setting \"top-q\"; did you mean \"top-p\"?"},
      {"layers: many\n", "r.yaml:1: --layers: \"many\" is not a whole number"},
      {"layers: 2\nlayers: 3\n", "r.yaml:2: \"layers\" is given twice"},
      {"top_p: 0.1\ntop-p: 0.2\n", "r.yaml:2: \"top-p\" is given twice"},
      {"layers: 2\n}\n", "r.yaml:2: not valid YAML"},
      {"a: [1\n", "r.yaml:"},
      {"- layers\n", "r.yaml:1: expected lines of the form \"name: value\""},
      {"just text\n", "r.yaml:1: expected lines"},
      {"layers:\n  deep: 1\n", "r.yaml:2: \"layers\" needs a value"},
      {"stop: [[a]]\n", "r.yaml:1: \"stop\": a list cannot contain"},
      {"layers: [1, 2]\n", "r.yaml:1: --layers: needs one value, not a list"},
      {"stop: [a, \"\"]\n", "r.yaml:1: --stop: the text is empty"},
      {"layers: []\n", "r.yaml:1: --layers: needs one value, not a list"},
      {"? [layers]\n: 1\n", "r.yaml:1: expected the name"},
      {"layers: 1\n---\nlayers: 2\n", "r.yaml:2: expected a single document"},
      {"layers: &a 1\nseed: *a\n", "r.yaml:2: \"seed\" needs a value"},
      {"layers: *a\n", "r.yaml:1:"},
      {"out: \"a\\0b\"\n", "r.yaml:1: a setting cannot contain a NUL"},
      {"\"layers\\0x\": 1\n", "r.yaml:1: a setting cannot contain a NUL"},
      {"out: \"\xff\"\n", "r.yaml:1: not valid YAML"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const Both b = open_both();
    Error err = {0};
    assert_false(settings_load_text(b.settings, cases[i][0], "r.yaml", &err));
    if (strncmp(err.text, cases[i][1], strlen(cases[i][1]))) fail_msg("%s: %s", cases[i][0], err.text);
    ink_settings_free(b.settings);
  }
}

static void deep_yaml_is_refused(void **state) {
  const Both b = open_both();
  Buffer deep = {0};
  buffer_adds(&deep, "stop: ");
  for (int i = 0; i < 100000; i++) buffer_adds(&deep, "[");
  Error err = {0};
  assert_false(settings_load_text(b.settings, deep.data, "r.yaml", &err));
  buffer_free(&deep);
  ink_settings_free(b.settings);
}

static void a_file_is_named_in_its_errors(void **state) {
  const Both b = open_both();
  Error err = {0}, absent = {0};
  const char *path = in_scratch("recipe.yaml");
  file_replace(path, "layers: 6\narch: cnn\n", 20, NULL);
  assert_false(ink_settings_load(b.settings, path, &err));
  assert_memory_equal(err.text, path, strlen(path));
  assert_memory_equal(err.text + strlen(path), ":2: ", 4);
  assert_false(ink_settings_load(b.settings, in_scratch("absent.yaml"), &absent));
  assert_non_null(strstr(absent.text, "No such file"));
  ink_settings_free(b.settings);
}

/* The YAML of `b` sets another object to the same. */
static void check_reload(const Both *b) {
  const Both again = open_both();
  char *yaml = settings_to_yaml(b->settings);
  load(&again, yaml);
  ink_setting_info info = INK_SETTING_INFO_INIT;
  for (int i = 0; ink_settings_describe(b->settings, i, &info); i++) {
    char *text = ink_settings_get(b->settings, info.name);
    check_text(&again, info.name, text);
    ink_free(text);
  }
  assert_int_equal(again.run->stop.count, b->run->stop.count);
  for (size_t i = 0; i < b->run->stop.count; i++)
    assert_string_equal(again.run->stop.items[i], b->run->stop.items[i]);
  char *second = settings_to_yaml(again.settings);
  assert_string_equal(second, yaml);
  mem_free(second);
  mem_free(yaml);
  ink_settings_free(again.settings);
}

static void what_was_given_reloads(void **state) {
  const Both b = open_both();
  check_reload(&b);
  load(&b, "words: []\ntied: no\nmemory: 3M\n");
  set(&b, "top_p", "0.1");
  set(&b, "budget", "1m");
  set(&b, "out", "");
  settings_fill(b.settings, "seed", "-4", NULL);
  char *yaml = settings_to_yaml(b.settings);
  assert_string_equal(
      yaml, "top-p: 0.1\ntied: false\nout: \"\"\nmemory: 3145728\nbudget: 60\nwords: []\nseed: -4\n");
  mem_free(yaml);
  check_reload(&b);
  ink_settings_free(b.settings);
}

static size_t encode(uint32_t code, char out[5]) {
  const size_t n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
  out[n] = '\0';
  for (size_t i = n - 1; i > 0; i--, code >>= 6) out[i] = (char)(0x80 | (code & 0x3f));
  out[0] = (char)(lead[n] | code);
  return n;
}

static void every_character_reloads(void **state) {
  Buffer text = {0};
  for (uint32_t code = 1; code <= 0x10ffff; code++) {
    char character[5];
    if (code >= 0xd800 && code < 0xe000) continue;
    buffer_add(&text, character, encode(code, character));
    if (text.length < 100000 && code != 0x10ffff) continue;
    const Both b = open_both();
    set(&b, "out", text.data);
    set(&b, "stop", text.data);
    check_reload(&b);
    ink_settings_free(b.settings);
    buffer_clear(&text);
  }
  buffer_free(&text);
}

static void texts_that_look_like_yaml_reload(void **state) {
  static const char *const texts[] = {" ",
                                      "  lead",
                                      "trail ",
                                      "- a",
                                      "a: b",
                                      "#",
                                      "null",
                                      "~",
                                      "true",
                                      "\"",
                                      "'",
                                      "\\",
                                      "\n",
                                      "a\nb\n",
                                      "\t",
                                      "a\r\nb",
                                      "{",
                                      "[",
                                      "%",
                                      "@",
                                      "!!x",
                                      "&a",
                                      "*a",
                                      "|",
                                      ">",
                                      "---",
                                      "a \xe2\x80\xa8 b",
                                      "a \xe2\x80\xa9 b",
                                      "a \xc2\x85 b",
                                      "..."};
  const Both b = open_both();
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    set(&b, "out", texts[i]);
    set(&b, "stop", texts[i]);
    check_reload(&b);
  }
  ink_settings_free(b.settings);
}

static void numbers_and_switches(void **state) {
  const Both b = open_both();
  Error err = {0}, unknown = {0}, other = {0}, wide = {0};
  int64_t whole = 0;
  double real = 0;
  bool on = false;
  assert_true(ink_settings_set_real(b.settings, "top-p", 0.1, &err));
  assert_true(ink_settings_get_real(b.settings, "top_p", &real, &err));
  assert_true(real == 0.1);
  assert_false(ink_settings_get_int(b.settings, "top-p", &whole, &other));
  assert_int_equal(other.code, INK_USAGE);
  assert_non_null(strstr(other.text, "--top-p is a number"));
  assert_false(ink_settings_get_bool(b.settings, "top-q", &on, &unknown));
  assert_non_null(strstr(unknown.text, "top-p"));
  assert_false(ink_settings_set_real(b.settings, "top-p", 1e9, &wide));
  assert_int_equal(wide.code, INK_USAGE);
  ink_setting_info info = INK_SETTING_INFO_INIT;
  for (int i = 0; ink_settings_describe(b.settings, i, &info); i++) {
    Error none = {0};
    if (info.is_switch) {
      assert_true(ink_settings_set_bool(b.settings, info.name, true, &none));
      assert_true(ink_settings_get_bool(b.settings, info.name, &on, &none) && on);
      assert_false(ink_settings_set_int(b.settings, info.name, 1, &none));
    }
  }
  ink_settings_free(b.settings);
}

/* A program of an older version has a shorter struct: what is behind it is not written. */
static void description_of_an_older_program(void **state) {
  const Both b = open_both();
  ink_setting_info info = INK_SETTING_INFO_INIT;
  info.size = offsetof(ink_setting_info, help);
  info.help = "mine";
  assert_true(ink_settings_describe(b.settings, 1, &info));
  assert_string_equal(info.name, "top-p");
  assert_string_equal(info.help, "mine");
  assert_int_equal(info.size, offsetof(ink_setting_info, help));
  ink_settings_free(b.settings);
}

static void description(void **state) {
  const Both b = open_both();
  ink_setting_info info = INK_SETTING_INFO_INIT;
  int count = 0;
  while (ink_settings_describe(b.settings, count, &info)) count++;
  assert_int_equal(count, SHAPE_COUNT + RUN_COUNT);
  assert_false(ink_settings_describe(b.settings, -1, &info));
  assert_true(ink_settings_describe(b.settings, 1, &info));
  assert_string_equal(info.name, "top-p");
  assert_string_equal(info.section, "shape");
  assert_string_equal(info.arg, "P");
  assert_string_equal(info.default_value, "0.95");
  assert_string_equal(info.help, "nucleus");
  assert_false(info.is_switch || info.repeats);
  assert_true(ink_settings_describe(b.settings, 3, &info) && info.is_switch);
  assert_true(ink_settings_describe(b.settings, SHAPE_COUNT + 3, &info) && info.repeats);
  ink_settings_free(b.settings);
}

/* Whichever allocation fails, the call says so and the settings stay usable. */
static void loading_survives_exhaustion(void **state) {
  const char *path = in_scratch("recipe.yaml");
  static const char yaml[] = "layers: 6\narch: gpt2\nout: some/where\nstop: [a, b, c]\nwords: [d]\nseed: 2\n";
  file_replace(path, yaml, sizeof yaml - 1, NULL);
  const Both b = open_both();
  leaks_allowed(true);
  int failures = 0;
  for (bool failed = true; failed; failures += failed) {
    Error err = {0};
    mem_fail_after(failures + 1);
    failed = !ink_settings_load(b.settings, path, &err);
    mem_fail_after(0);
    if (!failed) break;
    assert_int_equal(err.code, INK_MEMORY);
    assert_memory_equal(err.text, "out of memory", 13);
    check_reload(&b);
  }
  leaks_allowed(false);
  assert_true(failures > 10);
  assert_int_equal(b.shape->layers, 6);
  assert_string_equal(b.shape->arch, "gpt2");
  check_text(&b, "stop", "a,b,c");
  ink_settings_free(b.settings);
}

static void setting_and_getting_survive_exhaustion(void **state) {
  const Both b = open_both();
  Error err = {0};
  set(&b, "out", "old");
  mem_fail_after(1);
  assert_false(ink_settings_set(b.settings, "out", "new", &err));
  assert_int_equal(err.code, INK_MEMORY);
  check_text(&b, "out", "old");
  mem_fail_after(1);
  assert_null(ink_settings_get(b.settings, "out"));
  mem_fail_after(0);
  ink_settings_free(b.settings);
}

/* A list grows by more than the item that is added: 1.5 allocations each are more than enough. */
static void long_lists_take_linear_time(void **state) {
  enum { COUNT = 20000 };
  char path[PATH_CAPACITY];
  const Both b = open_both();
  Buffer yaml = {0};
  Error err = {0};
  buffer_adds(&yaml, "stop:\n");
  for (int i = 0; i < COUNT; i++) buffer_addf(&yaml, "- s%d\n", i);
  assert_true(file_replace(path_join(path, scratch, "long.yaml"), yaml.data, yaml.length, &err));
  buffer_free(&yaml);
  mem_fail_after(COUNT + COUNT / 2);
  const bool ok = ink_settings_load(b.settings, path, &err);
  mem_fail_after(0);
  if (!ok) fail_msg("%s", err.text);
  ink_settings_free(b.settings);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(defaults),
      cmocka_unit_test(every_kind_is_read_and_told),
      cmocka_unit_test(what_is_wrong_is_refused_and_changes_nothing),
      cmocka_unit_test(unknown_names_get_the_nearest),
      cmocka_unit_test(an_explicit_value_wins_in_any_order),
      cmocka_unit_test(filling_leaves_what_was_given),
      cmocka_unit_test(yaml_lists),
      cmocka_unit_test(yaml_errors_say_the_line),
      cmocka_unit_test(deep_yaml_is_refused),
      cmocka_unit_test(a_file_is_named_in_its_errors),
      cmocka_unit_test(what_was_given_reloads),
      cmocka_unit_test(every_character_reloads),
      cmocka_unit_test(texts_that_look_like_yaml_reload),
      cmocka_unit_test(description),
      cmocka_unit_test(numbers_and_switches),
      cmocka_unit_test(description_of_an_older_program),
      cmocka_unit_test(loading_survives_exhaustion),
      cmocka_unit_test(long_lists_take_linear_time),
      cmocka_unit_test(setting_and_getting_survive_exhaustion),
  };
  return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
