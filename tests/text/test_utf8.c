/* Strict UTF-8: what RFC 3629 forbids is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "text/utf8.h"

#include <cmocka.h> /* last: it defines fail() */

static void every_code_point_and_back(void **state) {
  for (uint32_t code = 0; code < 0x110000; code++) {
    char bytes[4];
    uint32_t again = 0;
    if (code >= 0xd800 && code < 0xe000) continue;
    const size_t n = utf8_encode(code, bytes);
    assert_int_equal(utf8_decode(bytes, n, &again), n);
    assert_int_equal(again, code);
    assert_int_equal(utf8_character(bytes, n - 1), 0);
    assert_int_equal(utf8_count(bytes, n), 1);
  }
}

static void invalid_is_refused(void **state) {
  static const char *const invalid[] = {"\x80",
                                        "\xbf",
                                        "\xc0\x80",
                                        "\xc1\xbf", /* overlong */
                                        "\xe0\x9f\xbf",
                                        "\xf0\x8f\xbf\xbf", /* overlong */
                                        "\xed\xa0\x80",
                                        "\xed\xbf\xbf", /* surrogates */
                                        "\xf4\x90\x80\x80",
                                        "\xf5\x80\x80\x80",
                                        "\xff", /* beyond U+10FFFF */
                                        "\xc3(",
                                        "\xe2\x82(",
                                        "\xf0\x9f\x98("};
  for (size_t i = 0; i < sizeof invalid / sizeof *invalid; i++) {
    assert_int_equal(utf8_character(invalid[i], strlen(invalid[i])), 0);
    assert_int_equal(utf8_valid_prefix(invalid[i], strlen(invalid[i])), 0);
  }
}

static void valid_prefix_ends_at_the_first_bad_byte(void **state) {
  char text[64];
  for (size_t bad = 0; bad < sizeof text; bad++) { /* also inside of the words of eight bytes */
    memset(text, 'a', sizeof text);
    text[bad] = (char)0xff;
    assert_int_equal(utf8_valid_prefix(text, sizeof text), bad);
  }
  assert_int_equal(utf8_valid_prefix("12345678\xe4\xbd\xa0", 11), 11);
  assert_int_equal(utf8_valid_prefix("12345678\xe4\xbd\xa0", 10), 8);
  assert_int_equal(utf8_valid_prefix("", 0), 0);
}

static void unfinished_characters_are_held_back(void **state) {
  static const char text[] = "a\xc3\xa9\xe4\xbd\xa0\xf0\x9f\x98\x80";
  static const size_t whole[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10};
  for (size_t n = 0; n < sizeof whole / sizeof *whole; n++)
    assert_int_equal(utf8_whole_prefix(text, n), whole[n]);
  assert_int_equal(utf8_whole_prefix("\x80\x80\x80\x80\x80", 5), 5); /* nothing to wait for */
}

static void characters_are_counted(void **state) {
  assert_int_equal(utf8_count("a\xc3\xa9\xe4\xbd\xa0\0", 7), 4);
}

/* What Python makes of it: bytes.decode("utf-8", "replace"). */
static void repaired_as_others_do(void **state) {
  static const struct {
    const char *bytes, *repaired;
    int replaced;
  } cases[] = {
      {"\xe7\x8b\xe8\xa7\x81", "?\xe8\xa7\x81", 2},
      {"a\xff"
       "b",
       "a?b", 1},
      {"\xf0\x9f\x98", "?", 3},
      {"\xf0\x9f\x98x", "?x", 3},
      {"\xe0\x80\x80", "???", 3},
      {"\xed\xa0\x80", "???", 3},
      {"\xf4\x90\x80\x80", "????", 4},
      {"\xc3(", "?(", 1},
      {"\xc0\xaf", "??", 2},
      {"\xe7\x8b\xe7\x8b\x97", "?\xe7\x8b\x97", 2},
      {"whole", "whole", 0},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    Buffer out = {0}, wanted = {0};
    for (const char *p = cases[i].repaired; *p; p++)
      buffer_add(&wanted, *p == '?' ? "\xef\xbf\xbd" : p, *p == '?' ? 3 : 1);
    assert_int_equal(utf8_repair(cases[i].bytes, strlen(cases[i].bytes), &out), cases[i].replaced);
    assert_int_equal(out.length, wanted.length);
    assert_memory_equal(out.data, wanted.data, wanted.length);
    buffer_free(&out);
    buffer_free(&wanted);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_code_point_and_back),
      cmocka_unit_test(invalid_is_refused),
      cmocka_unit_test(valid_prefix_ends_at_the_first_bad_byte),
      cmocka_unit_test(unfinished_characters_are_held_back),
      cmocka_unit_test(characters_are_counted),
      cmocka_unit_test(repaired_as_others_do),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
