/* Errors and news: what they say, and that the first error wins. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/news.h"

#include <cmocka.h> /* last: it defines fail() */

static void the_first_error_wins(void **state) {
  Error err = {0};
  assert_false((fail_usage)(&err, "no %s", "first"));
  assert_false((fail)(&err, "no second"));
  assert_int_equal(err.code, INK_USAGE);
  assert_string_equal(err.text, "no first");
}

static void nobody_need_listen(void **state) {
  assert_false((fail)(NULL, "%d", 1));
  assert_false(fail_usage(NULL, "%d", 1));
  assert_false(fail_prefix(NULL, "%d", 1));
}

static void a_prefix_says_where(void **state) {
  Error err = {0};
  fail_prefix(&err, "nowhere");
  assert_int_equal(err.code, INK_OK);
  assert_string_equal(err.text, "");
  (fail)(&err, "bad number");
  fail_prefix(&err, "line %d", 7);
  assert_string_equal(err.text, "line 7: bad number");
  assert_int_equal(err.code, INK_FAILED);
}

static void long_texts_are_cut(void **state) {
  Error err = {0};
  char text[3000];
  memset(text, 'x', sizeof text - 1);
  text[sizeof text - 1] = '\0';
  (fail)(&err, "%s", text);
  assert_int_equal(strlen(err.text), sizeof err.text - 1);
  fail_prefix(&err, "%s", text);
  assert_true(strlen(err.text) < sizeof err.text);
  fail_prefix(&err, "place");
  assert_memory_equal(err.text, "place: xxx", 10);
}

static void hear(void *user, const ink_event *event) {
  char *heard = user;
  if (event->text) strcat(heard, event->text);
  if (event->kind == INK_EVENT_WARNING) strcat(heard, "!");
  if (event->stage)
    sprintf(heard + strlen(heard), " %s %d/%d %s", event->stage, (int)event->done, (int)event->total,
            event->unit);
}

static void news_reaches_its_listener(void **state) {
  char heard[200] = "";
  const News news = {hear, heard};
  news_note(&news, "%d tokens", 5);
  news_warning(&news, ", %d bytes lost", 3);
  news_progress(&news, "reading", 1, 9, "byte");
  assert_string_equal(heard, "5 tokens, 3 bytes lost! reading 1/9 byte");
  news_note(&(News){0}, "nobody listens");
  news_note(NULL, "nobody listens");
}

static void the_version_is_the_headers(void **state) {
  assert_string_equal(ink_version(), INK_VERSION);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_first_error_wins),      cmocka_unit_test(nobody_need_listen),
      cmocka_unit_test(a_prefix_says_where),       cmocka_unit_test(long_texts_are_cut),
      cmocka_unit_test(news_reaches_its_listener), cmocka_unit_test(the_version_is_the_headers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
