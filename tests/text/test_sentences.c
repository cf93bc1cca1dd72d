/* Sentences: cut where a reader would, every byte kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "text/sentences.h"

#include <cmocka.h> /* last: it defines a macro `fail` */

/* The text with a bar after each sentence. */
static void check(const char *text, const char *wanted) {
  char got[1024] = "";
  size_t length = strlen(text), out = 0;
  for (size_t n; length; text += n, length -= n) {
    n = sentence_length(text, length);
    assert_in_range(n, 1, length);
    memcpy(got + out, text, n);
    got[out + n] = '|';
    out += n + 1;
  }
  got[out] = '\0';
  assert_string_equal(got, wanted);
}

static void sentences_end_where_readers_end_them(void **state) {
  (void)state;
  check("One. Two! Three?  Four", "One. |Two! |Three?  |Four|");
  check("He said \"No.\" Then he left.", "He said \"No.\" |Then he left.|");
  check("It was Dr. No, or J. Smith. It cost 3.50 Euro.", "It was Dr. No, or J. Smith. |It cost 3.50 Euro.|");
  check("So do I. We go, e.g. Ann. About approx. five.", "So do I. |We go, e.g. Ann. |About approx. five.|");
  check("What?! Really... Yes.", "What?! |Really... |Yes.|");
  check("Line\n\nNext\n", "Line\n\n|Next\n|");
  check("www.debian.org is it", "www.debian.org is it|");
}

static void chinese_needs_no_space(void **state) {
  (void)state;
  check("明月几时有？把酒问青天。不知", "明月几时有？|把酒问青天。|不知|");
  check("他说：“走吧。”然后走了……好；行！", "他说：“走吧。”|然后走了……|好；|行！|");
  check("价格是3.5元。OK", "价格是3.5元。|OK|");
}

static void any_bytes(void **state) {
  (void)state;
  assert_int_equal(sentence_length("", 0), 0);
  assert_int_equal(sentence_length("\xff\xfe. A", 5), 4);
  assert_int_equal(sentence_length("a\0b. C", 6), 5);
  assert_int_equal(sentence_length("\xe3\x80", 2), 2);
}

/* A long run of marks must not be walked again and again. */
static void long_runs(void **state) {
  (void)state;
  static char dots[1 << 20];
  memset(dots, '.', sizeof dots);
  dots[sizeof dots - 1] = 'a';
  assert_int_equal(sentence_length(dots, sizeof dots), sizeof dots);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sentences_end_where_readers_end_them),
      cmocka_unit_test(chinese_needs_no_space),
      cmocka_unit_test(any_bytes),
      cmocka_unit_test(long_runs),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
