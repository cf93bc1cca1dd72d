/* Characters as a terminal shows them, text as JSON can hold it, numbers as people read them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/memory.h"
#include "cli/glyph.h"

#include <cmocka.h> /* last: it defines fail() */

static void valid_characters(void **state) {
  static const struct {
    const char *text;
    size_t length;
    uint32_t code;
  } cases[] = {{"a", 1, 'a'},
               {"\x7f", 1, 0x7f},
               {"\xC2\x80", 2, 0x80},
               {"\xDF\xBF", 2, 0x7FF},
               {"\xE0\xA0\x80", 3, 0x800},
               {"\xED\x9F\xBF", 3, 0xD7FF},
               {"\xEE\x80\x80", 3, 0xE000},
               {"\xF0\x90\x80\x80", 4, 0x10000},
               {"\xF4\x8F\xBF\xBF", 4, 0x10FFFF}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    uint32_t code = 0;
    assert_int_equal(glyph_next(cases[i].text, strlen(cases[i].text), &code), cases[i].length);
    assert_int_equal(code, cases[i].code);
    for (size_t cut = 0; cut < cases[i].length; cut++)
      assert_int_equal(glyph_next(cases[i].text, cut, &code), 0);
  }
}

static void invalid_characters(void **state) {
  static const char *const cases[] = {
      "\x80",         "\xBF",         "\xC0\x80",         "\xC1\xBF",
      "\xE0\x9F\xBF", "\xED\xA0\x80", "\xED\xBF\xBF",     "\xF0\x8F\xBF\xBF",
      "\xC3(",        "\xE6\x9C(",    "\xF4\x90\x80\x80", "\xF8\x88\x80\x80\x80",
      "\xFF"};
  uint32_t code;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    assert_int_equal(glyph_next(cases[i], strlen(cases[i]), &code), 0);
    assert_false(glyph_valid(cases[i], strlen(cases[i])));
  }
  assert_true(glyph_valid("明月 moon", strlen("明月 moon")));
}

static void columns(void **state) {
  glyph_set_locale();
  assert_int_equal(glyph_columns("moon", 4), 4);
  assert_int_equal(glyph_columns("明月", 6), 4);
  assert_int_equal(glyph_columns("e\xCC\x81", 3), 1); /* a combining accent takes none */
  assert_int_equal(glyph_columns("a\xFF", 2), 2);
  assert_int_equal(glyph_fit("明月", 6, 4), 6);
  assert_int_equal(glyph_fit("明月", 6, 3), 3); /* not half of a character */
  assert_int_equal(glyph_fit("明月", 6, 1), 0);
  assert_int_equal(glyph_fit("moon", 4, 9), 4);
}

static void json_strings(void **state) {
  static const char bytes[] = "a\0\xE6\x9C\x88\xFF\xE6\x9C";
  json_t *json = glyph_json(bytes, sizeof bytes - 1);
  static const char expected[] = "a\0\xE6\x9C\x88\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD";
  assert_int_equal(json_string_length(json), sizeof expected - 1);
  assert_memory_equal(json_string_value(json), expected, sizeof expected - 1);
  json_decref(json);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(valid_characters), cmocka_unit_test(invalid_characters),
                                     cmocka_unit_test(columns), cmocka_unit_test(json_strings)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
