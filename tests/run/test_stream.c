/* Text from tokens: whole characters only, and nothing of a stop text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "run/stream.h"

#include <cmocka.h> /* last: it defines fail() */

/* Adds each piece and says what could be shown after it, "|" between. */
static char *shown(const TextList *stops, const char *const *pieces, bool finish) {
  TextStream s = {.stops = stops};
  Buffer out = {0};
  for (; *pieces; pieces++) {
    stream_add(&s, *pieces, strlen(*pieces));
    buffer_add(&out, s.held.data ? s.held.data : "", s.ready);
    buffer_adds(&out, "|");
  }
  if (finish && !s.stopped) {
    stream_finish(&s);
    buffer_add(&out, s.held.data ? s.held.data : "", s.ready);
  }
  stream_free(&s);
  return buffer_take(&out);
}

static void expect(const TextList *stops, const char *const *pieces, const char *wanted) {
  char *got = shown(stops, pieces, true);
  assert_string_equal(got, wanted);
  mem_free(got);
}

static void characters_are_never_split(void **state) {
  (void)state;
  expect(NULL,
         (const char *const[]){"a\xe6", "\x98",
                               "\xa5"
                               "b",
                               NULL},
         "a||春b|");
  expect(NULL, (const char *const[]){"\xf0\x9f", "\x98\x80", NULL}, "|😀|");
  expect(NULL, (const char *const[]){"x\xe6\x98", NULL}, "x|\xe6\x98"); /* never finished: shown at the end */
  expect(NULL, (const char *const[]){"\xff\xfe", "a", NULL},
         "\xff\xfe|a|"); /* not the beginning of anything */
}

static void stop_texts_never_show(void **state) {
  (void)state;
  char *words[] = {"END", "\n\n"};
  const TextList stops = {words, 2};
  expect(&stops, (const char *const[]){"to the E", "N", "D of", NULL}, "to the |||");
  expect(&stops, (const char *const[]){"or\n\nEND", NULL},
         "or|"); /* the first of both, whatever their order */
  char *turned[] = {"\n\n", "END"};
  expect(&(TextList){turned, 2}, (const char *const[]){"or\n\nEND", NULL}, "or|");
}

static void half_a_stop_text_shows_when_it_is_none(void **state) {
  (void)state;
  char *words[] = {"END"};
  const TextList stops = {words, 1};
  expect(&stops, (const char *const[]){"an E", "N", "T!", NULL}, "an ||ENT!|");
  expect(&stops, (const char *const[]){"an EN", NULL}, "an |EN");
  expect(&stops, (const char *const[]){"EEN", "D", "more", NULL}, "E|||");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(characters_are_never_split),
      cmocka_unit_test(stop_texts_never_show),
      cmocka_unit_test(half_a_stop_text_shows_when_it_is_none),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
