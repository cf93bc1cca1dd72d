/* Where text is cut into words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/buffer.h"
#include "text/words.h"

#include <cmocka.h> /* last: it defines fail() */

/* The words of a text with "|" between. */
static void expect(const char *pattern, const char *text, const char *wanted) {
  Error err = {0};
  WordPattern *p = pattern ? words_compile(pattern, "here", &err) : NULL;
  Words words;
  const char *word;
  size_t length;
  Buffer out = {0};
  buffer_adds(&out, "");
  words_open(&words, p);
  words_over(&words, text, strlen(text));
  while (words_next(&words, &word, &length)) {
    if (out.length) buffer_adds(&out, "|");
    buffer_add(&out, word, length);
  }
  assert_true(words_ok(&words, &err));
  assert_string_equal(out.data, wanted);
  words_close(&words);
  words_free(p);
  buffer_free(&out);
}

static void gpt2(void **state) {
  expect(words_gpt2, "It's 2,048  words!", "It|'s| 2|,|048| | words|!");
  expect(words_gpt2,
         "a \xe1\xa0\x8e b\xe3\x80\x80"
         "c",
         "a| \xe1\xa0\x8e| b|\xe3\x80\x80|c"); /* U+180E is no space */
  expect(words_gpt2, "x\n\ny  ", "x|\n|\n|y|  ");
}

static void ours(void **state) {
  expect(words_ours, "It's 205  words!\n\nYes (no).", "It|'s| 2|0|5| | words|!\n\n|Yes| (|no|).");
  expect(words_ours, "床前明月光，疑是地上霜。", "床前明月光|，|疑是地上霜|。");
  expect(words_ours, "二〇二四年，人々ok", "二〇二四年|，|人々|ok");
  expect(words_ours, "“你好！”他说", "“|你好|！”|他说");
  expect(words_ours, "a \n b", "a| \n| b");
}

/* As Oniguruma, not PCRE2: numbers in circles are no word characters, letters in circles are. */
static void word_characters(void **state) {
  expect("\\w+", "a①b②", "a|①|b|②");
  expect("\\w+", "aⒷⅧ\xcc\x81!", "aⒷⅧ\xcc\x81|!");
  expect("\\w+", "a²!", "a²|!");
  expect("[\\w]+", "a²!", "a|²!"); /* a table of Latin-1 serves only outside of classes */
  expect("\\W+", "a①b", "a|①|b");
  expect("a\\b", "a①ab", "a|①ab");
  expect("\\Bb", "①bab", "①ba|b");
  expect("[[:alpha:]]+", "aⒷ1", "aⒷ|1");
  expect("[[:^alpha:]]", "aⒷ12", "aⒷ|1|2");
  expect("[[:punct:]]+", "a+。b", "a|+。|b");
  expect("[^\\S]+", "a\xe1\xa0\x8e b", "a\xe1\xa0\x8e| |b");
}

static void classes_without_a_rewriting_are_refused(void **state) {
  Error err = {0};
  assert_null(words_compile("[[:graph:]]", "here", &err));
  assert_non_null(strstr(err.text, "such a class as [:graph:]"));
}

static void without_a_pattern_all_is_one_word(void **state) {
  expect(NULL, "a b, c", "a b, c");
}

static void what_does_not_match_is_a_word(void **state) {
  expect("b+", "aabbcc", "aa|bb|cc");
  expect("x*", "ab", "a|b"); /* an empty match cuts */
  expect("zzz", "ab", "ab");
}

static void wrong_patterns_are_refused(void **state) {
  Error err = {0};
  assert_null(words_compile("a(b", "file.json", &err));
  assert_non_null(strstr(err.text, "file.json"));
  assert_non_null(strstr(err.text, "byte 3"));
}

/* A pattern that needs ages is given up, and it is said. */
static void slow_patterns_are_given_up(void **state) {
  Error err = {0};
  WordPattern *p = words_compile("(?:a|aa)+[bc]", "here", &err);
  char text[5000];
  Words words;
  const char *word;
  size_t length;
  memset(text, 'a', sizeof text);
  words_open(&words, p);
  words_over(&words, text, sizeof text);
  assert_false(words_next(&words, &word, &length));
  assert_false(words_ok(&words, &err));
  assert_non_null(strstr(err.text, "pattern fails"));
  words_close(&words);
  words_free(p);
}

/* A pattern that looks at all of the rest for each letter: given up before it takes time by the square. */
static void patterns_that_look_far_ahead_are_given_up(void **state) {
  enum { LENGTH = 100000 };
  Error err = {0};
  WordPattern *p = words_compile("a*b|.", "here", &err);
  char *text = mem_alloc(LENGTH);
  Words words;
  const char *word;
  size_t length, count = 0;
  memset(text, 'a', LENGTH);
  words_open(&words, p);
  words_over(&words, text, 1000); /* short texts are cut all the same */
  while (words_next(&words, &word, &length)) count++;
  assert_int_equal(count, 1000);
  words_over(&words, text, LENGTH);
  while (words_next(&words, &word, &length)) count++;
  assert_true(count < 10000);
  assert_false(words_ok(&words, &err));
  assert_non_null(strstr(err.text, "far ahead"));
  words_close(&words);
  words_free(p);
  mem_free(text);
}

/* Words, gaps and what is looked at behind them may be of any length. */
static void long_words_are_cut_as_short_ones(void **state) {
  Error err = {0};
  WordPattern *p = words_compile("b+(?=c)|c$|d+|e", "here", &err);
  static const struct {
    char byte;
    size_t length;
  } parts[] = {{'b', 70000}, {'c', 1}, {'x', 5000}, {'e', 1}, {'b', 30000}, {'d', 1023}, {'d', 1}, {'c', 1}};
  static const size_t wanted[] = {70000, 5001, 1, 30000, 1024, 1};
  Buffer text = {0};
  Words words;
  const char *word;
  size_t length, count = 0;
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
    for (size_t k = 0; k < parts[i].length; k++) buffer_add(&text, &parts[i].byte, 1);
  words_open(&words, p);
  words_over(&words, text.data, text.length);
  for (; words_next(&words, &word, &length); count++) assert_int_equal(length, wanted[count]);
  assert_int_equal(count, 6);
  assert_true(words_ok(&words, &err));
  words_close(&words);
  words_free(p);
  buffer_free(&text);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(gpt2),
      cmocka_unit_test(ours),
      cmocka_unit_test(word_characters),
      cmocka_unit_test(classes_without_a_rewriting_are_refused),
      cmocka_unit_test(without_a_pattern_all_is_one_word),
      cmocka_unit_test(what_does_not_match_is_a_word),
      cmocka_unit_test(wrong_patterns_are_refused),
      cmocka_unit_test(slow_patterns_are_given_up),
      cmocka_unit_test(patterns_that_look_far_ahead_are_given_up),
      cmocka_unit_test(long_words_are_cut_as_short_ones),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
