/* JSON read from front to back: what it accepts, and gives, is what jansson does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/json.h"
#include "text/json_scan.h"

#include <cmocka.h> /* last: it defines fail() */

/* Read or refused, as jansson does. */
static void same_string(const char *json, size_t length) {
  JsonScan s = {.at = json, .end = json + length};
  json_t *known = json_loadb(json, length, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
  const bool read = json_scan_string(&s) && !json_scan_next(&s) && s.at == s.end;
  if (read != json_is_string(known)) print_error("%.*s\n", (int)length, json);
  assert_int_equal(read, json_is_string(known));
  if (read) {
    assert_int_equal(s.text.length, json_string_length(known));
    assert_memory_equal(s.text.data, json_string_value(known), s.text.length);
  }
  json_decref(known);
  buffer_free(&s.text);
}

static void strings_are_as_jansson_reads_them(void **state) {
  static const char *const texts[] = {
      "\"\"", "\"a b\"", " \"a\" ", "\"\\u0120the\"", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\xe6\x9c\x88\"",
      "\"\\ud83d\\ude00\"", "\"\\u00e9\\u6708\"", "\"\\u0000\"", "\"\\uD83D\\uDE0a\"",
      /* wrong: */
      "\"a", "\"\\", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"\\ud83d\"", "\"\\ude00\"", "\"\\ud83dx\"",
      "\"\\ud83d\\n\"", "\"\\ud83d\\u0041\"", "\"\n\"", "\"\xff\"", "\"\xc0\x80\"", "\"\xed\xa0\x80\"",
      "\"\xe6\x9c\"", "\"\xf4\x90\x80\x80\"", "a", "", "\"", "\"a\"b"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) same_string(texts[i], strlen(texts[i]));
  same_string("\"\\\0\"", 4);
  same_string("\"a\0\"", 4);
  for (int byte = 0; byte < 256; byte++) {
    same_string((const char[]){'"', (char)byte, '"'}, 3);
    same_string((const char[]){'"', '\\', (char)byte, '"'}, 4);
    same_string((const char[]){'"', (char)0xe0, (char)byte, (char)0x80, '"'}, 5);
  }
}

static void integers_are_as_jansson_reads_them(void **state) {
  static const char *const texts[] = {"0", "-0", "7", "-12", "9223372036854775807", "-9223372036854775808",
                                      /* wrong: */
                                      "01", "-", "1.0", "1e3", "9223372036854775808", "-9223372036854775809",
                                      "+1", "--1", "", "a", "0x1", "1E2", "-01", "0.5"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    JsonScan s = {.at = texts[i], .end = texts[i] + strlen(texts[i])};
    json_t *known = json_loads(texts[i], JSON_DECODE_ANY, NULL);
    int64_t value;
    const bool read = json_scan_integer(&s, &value) && s.at == s.end;
    if (read != json_is_integer(known)) print_error("%s\n", texts[i]);
    assert_int_equal(read, json_is_integer(known));
    if (read) assert_true(value == json_integer_value(known));
    json_decref(known);
  }
}

static void members_come_one_after_the_other(void **state) {
  static const char text[] =
      " { \"a\" : [ ] , \"b\":[1, -2 ,3],\"c\":{\"x]\\\"\":[{}],\"y\":null},\"d\":true }x";
  JsonScan s = {.at = text, .end = text + strlen(text)};
  int64_t sum = 0, value;
  assert_true(json_scan_enter(&s, '{'));
  assert_true(json_scan_more(&s, '}') && json_scan_name(&s));
  assert_true(json_scan_enter(&s, '[') && !json_scan_more(&s, ']'));
  assert_true(json_scan_more(&s, '}') && json_scan_name(&s) && json_scan_enter(&s, '['));
  while (json_scan_more(&s, ']') && json_scan_integer(&s, &value)) sum = 10 * sum + value;
  assert_int_equal(sum, 83);
  assert_true(json_scan_more(&s, '}') && json_scan_name(&s));
  assert_int_equal(json_scan_skip(&s), 2);
  assert_true(json_scan_more(&s, '}') && json_scan_name(&s));
  assert_string_equal(s.text.data, "d");
  assert_int_equal(json_scan_skip(&s), 0);
  assert_false(json_scan_more(&s, '}'));
  assert_false(s.wrong);
  assert_string_equal(s.at, "x");
  buffer_free(&s.text);
}

/* Entering, names, and as many integers as there are. */
static bool is_object_of_integers(const char *text) {
  JsonScan s = {.at = text, .end = text + strlen(text)};
  int64_t value;
  json_scan_enter(&s, '{');
  while (json_scan_more(&s, '}') && json_scan_name(&s) && json_scan_integer(&s, &value)) continue;
  buffer_free(&s.text);
  return !s.wrong && s.at == s.end;
}

static void what_is_no_object_is_refused(void **state) {
  static const char *const wrong[] = {"",           "{",
                                      "[]",         "{\"a\":1",
                                      "{\"a\":1,}", "{,}",
                                      "{\"a\" 1}",  "{\"a\":1 \"b\":2}",
                                      "{\"a\":}",   "{\"a\":1,,\"b\":2}",
                                      "{a:1}",      "{\"a\":1]"};
  assert_true(is_object_of_integers("{}") && is_object_of_integers("{ \"a\" : 1 , \"b\" : 2 }"));
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    if (is_object_of_integers(wrong[i])) print_error("%s\n", wrong[i]);
    assert_false(is_object_of_integers(wrong[i]));
  }
}

static void what_never_ends_is_passed_to_the_end(void **state) {
  static const char *const texts[] = {"", "[", "{\"a\":[", "\"", "\"\\", "[\"\\\"]", "true"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    JsonScan s = {.at = texts[i], .end = texts[i] + strlen(texts[i])};
    json_scan_skip(&s);
    assert_true(s.wrong && s.at == s.end);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(strings_are_as_jansson_reads_them),
      cmocka_unit_test(integers_are_as_jansson_reads_them),
      cmocka_unit_test(members_come_one_after_the_other),
      cmocka_unit_test(what_is_no_object_is_refused),
      cmocka_unit_test(what_never_ends_is_passed_to_the_end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
