/* Pairs and conversations: every form, what is refused and where, what is left out and said, the split. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "data/pair_texts.h"

#include <cmocka.h> /* last: it defines fail() */

static const PairTrainingSettings *choose_training(Flags flags) {
  choose(flags, NULL);
  return settings_part(settings, &pair_training_settings_table);
}

static Pairs *open_texts(const char *const *texts, size_t count, bool conversations, Flags flags) {
  Error err = {0};
  Pairs *p = try_texts(texts, count, conversations, flags, &err);
  if (!p) fail_msg("%s", err.text);
  return p;
}

static Pairs *open_pairs(const char *text, Flags flags) {
  return open_texts(&text, 1, false, flags);
}

static void expect_turn(const Pairs *p, size_t example, size_t turn, Role role, const char *text) {
  assert_true(example < p->count);
  const Example *e = &p->examples[example];
  assert_true(turn < e->turns + e->references);
  const Document *d = example_turn(p, e, turn);
  if (d->length != strlen(text) || memcmp(d->text, text, d->length))
    fail_msg("\"%.*s\" is not \"%s\"", (int)d->length, d->text, text);
  assert_int_equal(p->roles[e->first + turn], role);
}

static void expect_pair(const Pairs *p, size_t index, const char *source, const char *target, size_t line) {
  expect_turn(p, index, 0, ROLE_USER, source);
  expect_turn(p, index, 1, ROLE_ASSISTANT, target);
  assert_int_equal(p->examples[index].turns, 2);
  assert_int_equal(p->examples[index].line, line);
}

static void expect_said(const char *what) {
  if (!strstr(told, what)) fail_msg("\"%s\" was not said:\n%s", what, told);
}

static void expect_refused(const char *const *texts, size_t count, bool conversations, Flags flags,
                           const char *const *parts) {
  Error err = {0};
  assert_null(try_texts(texts, count, conversations, flags, &err));
  assert_true(err.code == INK_FAILED || err.code == INK_USAGE);
  for (; *parts; parts++)
    if (!strstr(err.text, *parts)) fail_msg("\"%s\" does not say \"%s\"", err.text, *parts);
}
#define REFUSED(text, conversations, flags, ...) \
  expect_refused(&(const char *){text}, 1, conversations, flags, (const char *const[]){__VA_ARGS__, NULL})

/* ---- forms ---- */

static void tab_separated(void **state) {
  Pairs *p = open_pairs("\xef\xbb\xbfone\teins\r\n\r\n  two \t zwei  \nthree\tdrei", NULL);
  assert_int_equal(p->count, 3);
  expect_pair(p, 0, "one", "eins", 1);
  expect_pair(p, 1, "two", "zwei", 3);
  expect_pair(p, 2, "three", "drei", 4);
  expect_said("source TAB target");
  expect_said("byte-order mark");
  expect_said("CRLF");
  expect_said("left out: 1 blank line");
  pairs_free(p);
  p = open_pairs("x\teins\tone\ny\tzwei\ttwo\n", FLAGS("columns", "3,2"));
  expect_pair(p, 1, "two", "zwei", 2);
  pairs_free(p);
}

static void two_parallel_files(void **state) {
  const char *texts[] = {"one\ntwo\n\nfour\n", "eins\nzwei\ndrei\nvier"};
  Pairs *p = open_texts(texts, 2, false, NULL);
  assert_int_equal(p->count, 3);
  expect_pair(p, 2, "four", "vier", 4);
  assert_int_equal(p->left_out.empty_source, 1);
  expect_said("left out: 1 pair, 1 without a source and 0 without a target");
  pairs_free(p);
  texts[1] = "eins\nzwei\ndrei\n";
  expect_refused(texts, 2, false, NULL, FLAGS("a.txt has 4 lines", "b.txt has 3"));
  expect_refused(texts, 1, false, FLAGS("format", "parallel"),
                 FLAGS("two", "--format parallel with 1 file:"));
}

static void files_of_pairs_follow_one_another(void **state) {
  const char *texts[] = {"one\teins\n", "{\"source\":\"two\",\"target\":\"zwei\"}\n"};
  Pairs *p = open_texts(texts, 2, false, NULL);
  char place[PATH_CAPACITY];
  expect_pair(p, 0, "one", "eins", 1);
  expect_pair(p, 1, "two", "zwei", 1);
  assert_non_null(strstr(example_location(p, &p->examples[1], place), "b.txt:1"));
  pairs_free(p);
}

static void json_lines(void **state) {
  Pairs *p = open_pairs(
      "{\"id\":1,\"document\":\"a\\nb \\u00e9\\ud83d\\ude00\",\"summary\":\" s\\t\"}\n\n"
      "{\"document\":\"c\",\"summary\":[\"x\",\"y\",\"z\"]}\n"
      "{\"document\":\"d\",\"summary1\":\"1\",\"summary2\":\"2\"}\n",
      NULL);
  assert_int_equal(p->count, 3);
  expect_pair(p, 0, "a\nb \xc3\xa9\xf0\x9f\x98\x80", "s", 1);
  expect_pair(p, 1, "c", "x", 3);
  assert_int_equal(p->examples[1].references, 2);
  expect_turn(p, 1, 3, ROLE_ASSISTANT, "z");
  expect_pair(p, 2, "d", "1", 4);
  assert_int_equal(p->examples[2].references, 1);
  expect_turn(p, 2, 2, ROLE_ASSISTANT, "2");
  expect_said("source \"document\", target \"summary\"");
  pairs_free(p);
  p = open_pairs("{\"q\":\"a\",\"a\":\"b\"}\n{\"q\":\"c\",\"a\":\"d\"}", FLAGS("fields", "q,a"));
  expect_pair(p, 1, "c", "d", 2);
  pairs_free(p);
}

static void messages(void **state) {
  const char *text =
      "{\"messages\":[{\"role\":\"system\",\"content\":\"Be brief.\"},{\"role\":\"user\",\"content\":\"Hi\"},"
      "{\"role\":\"assistant\",\"content\":\"Hello\"}]}\n"
      "{\"messages\":[{\"role\":\"user\",\"content\":\"Anyone?\"}]}\n"
      "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"},{\"role\":\"user\",\"content\":\" \"},"
      "{\"role\":\"assistant\",\"content\":\"y\"}]}\n";
  Pairs *p = open_texts(&text, 1, true, NULL);
  assert_int_equal(p->count, 2);
  assert_int_equal(p->examples[0].turns, 3);
  assert_true(p->examples[0].roles);
  expect_turn(p, 0, 0, ROLE_SYSTEM, "Be brief.");
  expect_turn(p, 0, 2, ROLE_ASSISTANT, "Hello");
  assert_int_equal(p->examples[1].turns, 2);
  assert_int_equal(p->left_out.no_reply, 1);
  assert_int_equal(p->left_out.empty_turns, 1);
  expect_said("left out: 1 conversation without a reply");
  pairs_free(p);
  REFUSED("{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}", false, NULL, "a.txt:1", "train reply");
  REFUSED("\n{\"messages\":[{\"role\":\"critic\",\"content\":\"a\"}]}", true, NULL, "a.txt:2: message 1",
          "role");
  REFUSED("{\"messages\":[{\"role\":\"user\",\"content\":null}]}", true, NULL, "message 1", "not text");
  REFUSED("{\"messages\":{}}", true, NULL, "a.txt:1", "not a list");
}

static void turns(void **state) {
  const char *text = "\nHi\nHello\nHow are you?\n\n \nalone\n\nA\nB";
  Pairs *p = open_texts(&text, 1, true, NULL);
  assert_int_equal(p->count, 2);
  assert_int_equal(p->examples[0].turns, 3);
  assert_int_equal(p->examples[0].line, 2);
  assert_false(p->examples[0].roles);
  expect_turn(p, 0, 2, ROLE_USER, "How are you?");
  expect_turn(p, 1, 1, ROLE_USER, "B");
  assert_int_equal(p->examples[1].line, 9);
  assert_int_equal(p->left_out.no_reply, 1);
  pairs_free(p);
  text = "Hi __eou__ Hello __eou__ Well __eou__\t1\tx\nA __eou__ __eou__ B\t2\ty\n";
  p = open_texts(&text, 1, true, FLAGS("turn_mark", "__eou__", "columns", "1"));
  assert_int_equal(p->count, 2);
  assert_int_equal(p->examples[0].turns, 3);
  expect_turn(p, 0, 2, ROLE_USER, "Well");
  expect_turn(p, 1, 1, ROLE_USER, "B");
  assert_int_equal(p->left_out.empty_turns, 1);
  pairs_free(p);
  REFUSED(text, true, FLAGS("turn_mark", "__eou__"), "a.txt:1: has 3 columns", "--columns");
  REFUSED("a\nb\n", false, FLAGS("format", "turns"), "train reply", "give pairs");
  REFUSED("a\tb\n", false, FLAGS("turn_mark", "x"), "--turn-mark is for conversations", "leave it out");
  text = "pairs are\tconversations too\n";
  p = open_texts(&text, 1, true, NULL);
  expect_pair(p, 0, "pairs are", "conversations too", 1);
  pairs_free(p);
}

/* ---- refused, or left out and said ---- */

static void mistakes_name_their_line(void **state) {
  REFUSED("one\teins\ntwo zwei\nthree\tdrei\n", false, NULL, "a.txt:2: has no tab");
  REFUSED("one\teins\ntwo\tzwei\tdos\n", false, NULL, "a.txt:2: has 3 columns", "--columns 1,2");
  REFUSED("one\teins\ta\ntwo\tzwei\n", false, FLAGS("columns", "1,3"),
          "a.txt:2: has only 2 columns, too few");
  REFUSED("no tabs\nat all\n", false, NULL, "a.txt:1: has no tabs", "source TAB target");
  REFUSED("[{\"source\":\"a\",\"target\":\"b\"}, 7]", false, NULL, "a.txt:1: not JSON");
  REFUSED("{\"source\":\"a\",\"target\":\"b\"}\n{\"source\":\"a\",\n", false, NULL, "a.txt:2: not valid JSON",
          "--skip-bad");
  REFUSED("{\"source\":\"a\",\"target\":\"b\"}\n[]\n", false, NULL, "a.txt:2: is not an object");
  REFUSED("{\"source\":\"a\",\"target\":\"b\"}\n{\"source\":\"a\"}", false, NULL,
          "a.txt:2: \"target\" is missing; the object has \"source\"");
  REFUSED("{\"source\":1,\"target\":\"b\"}", false, NULL, "a.txt:1: \"source\" is not text");
  REFUSED("{\"source\":\"a\",\"target\":[]}", false, NULL, "\"target\" is missing");
  REFUSED("{\"source\":\"a\",\"target\":[\"b\",2]}", false, NULL, "\"target\" is not text");
  REFUSED("{\"source\":\"a\\u0000\",\"target\":\"b\"}", false, NULL, "a.txt:1: \"source\" contains a NUL");
  REFUSED("{\"source\":\"a\",\"source\":\"a\",\"target\":\"b\"}", false, NULL,
          "a.txt:1: \"source\" occurs twice");
  REFUSED("{\"foo\":\"a\",\"bar\":\"b\"}", false, NULL, "a.txt:1: has no \"source\"", "but \"foo\", \"bar\"",
          "--fields");
  REFUSED("a\t\n\tb\n", false, NULL, "a.txt", "no example");
  REFUSED("one\teins\ntwo\tz\xfewei\n", false, NULL, "a.txt:2", "0xfe");
  REFUSED("a\tb\n", false, FLAGS("columns", "1,"), "--columns 1,");
  REFUSED("a\tb\n", false, FLAGS("columns", "0,1"), "--columns 0,1");
  REFUSED("a\tb\n", false, FLAGS("columns", "1,2,3"), "--columns 1,2,3");
  REFUSED("a\tb\n", false, FLAGS("fields", "source"), "--fields source");
}

static void bad_lines_are_counted_if_wished(void **state) {
  Pairs *p = open_pairs("one\teins\nbad\na\tb\tc\ntwo\tzwei\n", FLAGS("skip_bad", "true"));
  assert_int_equal(p->count, 2);
  assert_int_equal(p->left_out.bad, 2);
  expect_said("left out: 2 unreadable lines");
  expect_said("a.txt:2: has no tab");
  pairs_free(p);
  p = open_pairs("{\"x\":1}\n{\"source\":\"a\",\"target\":\"b\"}\n{\"source\":\"a\"\n{\"messages\":1}",
                 FLAGS("skip_bad", "true", "fields", "source,target"));
  assert_int_equal(p->count, 1);
  assert_int_equal(p->left_out.bad, 3);
  pairs_free(p);
  const char *text =
      "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":\"b\"},{}]}\n"
      "{\"messages\":[{\"role\":\"user\",\"content\":\"c\"},{\"role\":\"assistant\",\"content\":\"d\"}]}\n";
  p = open_texts(&text, 1, true, FLAGS("skip_bad", "true"));
  assert_int_equal(p->count, 1);
  expect_turn(p, 0, 0, ROLE_USER, "c"); /* nothing of the bad one is left */
  pairs_free(p);
}

/* ---- the split ---- */

static const char *many(int count, const char *format, Buffer *out) {
  for (int i = 0; i < count; i++) buffer_addf(out, format, i / 2, i, i);
  return out->data;
}

static void what_has_the_same_source_stays_together(void **state) {
  Buffer text = {0};
  Error err = {0};
  Pairs *p = open_pairs(many(400, "The SOURCE %d\ttarget %d of %d\n", &text), NULL);
  for (int i = 0; i < 200; i++) buffer_addf(&text, " the   source %d \tanother\n", i); /* spelt otherwise */
  pairs_free(p);
  p = open_pairs(text.data, NULL);
  Pairs *held = pairs_hold_out(p, 0.2, &err);
  assert_non_null(held);
  assert_int_equal(p->count + held->count, 600);
  assert_in_range(held->count, 60, 180);
  assert_int_equal(held->count % 3, 0);
  const PairTrainingSettings *s = choose_training(NULL);
  PairsReport report;
  assert_true(pairs_check(p, held, s, &report, &news, &err));
  assert_int_equal(report.overlap_sources, 0);
  assert_int_equal(report.held_overlap, 0);
  assert_int_not_equal(p->fingerprint, held->fingerprint);
  pairs_free(held);
  pairs_free(p);
  p = open_pairs("a\tb\n", NULL);
  assert_null(pairs_hold_out(p, 0.5, &err));
  assert_non_null(strstr(err.text, "two different sources"));
  pairs_free(p);
  buffer_free(&text);
}

/* ---- the first pass ---- */

static void the_first_pass_counts(void **state) {
  const char *train =
      "a\tb\na\tb\na\tc\nd\td\nheld\tout\nHeld \tup\nshort\tand a very very very very very very very "
      "very very very very very very long target\n";
  const char *valid = "held\tout\nheld\tout\nnew\tone\n";
  Error err = {0};
  Pairs *held = open_pairs(valid, NULL), *p = open_pairs(train, NULL);
  PairsReport r;
  assert_true(pairs_check(p, held, choose_training(NULL), &r, &news, &err));
  assert_int_equal(r.read, 7);
  assert_int_equal(r.kept, 7);
  assert_int_equal(r.duplicates, 1);
  assert_int_equal(r.same_source, 2);
  assert_int_equal(r.held_duplicates, 1);
  assert_int_equal(r.overlap_sources, 2);
  assert_int_equal(r.overlap_pairs, 1);
  assert_int_equal(r.held_overlap, 2);
  assert_int_equal(r.copies, 1);
  assert_int_equal(r.odd_ratios, 1);
  assert_int_equal(r.source.most, 5);
  assert_int_equal(r.source.least, 1);
  assert_int_equal(r.target.most, 82);
  expect_said("results will look too good");
  expect_said("a.txt:7");
  assert_true(pairs_check(p, held,
                          choose_training(FLAGS("overlap", "drop", "duplicates", "drop", "max_ratio", "3")),
                          &r, &news, &err));
  assert_int_equal(r.dropped, 4);
  assert_int_equal(p->count, 3);
  expect_pair(p, 0, "a", "b", 1);
  expect_pair(p, 1, "a", "c", 3);
  expect_pair(p, 2, "d", "d", 4);
  expect_said("dropped: 4 of 7, 3 remain");
  pairs_free(p);
  pairs_free(held);
}

static void nothing_left_is_an_error(void **state) {
  Error err = {0};
  PairsReport r;
  Pairs *held = open_pairs("a\tb\n", NULL), *p = open_pairs("a\tc\n", NULL);
  assert_false(pairs_check(p, held, choose_training(FLAGS("overlap", "drop")), &r, &news, &err));
  assert_non_null(strstr(err.text, "examples were dropped"));
  pairs_free(p);
  pairs_free(held);
}

static void characters_are_counted_not_bytes(void **state) {
  Error err = {0};
  PairsReport r;
  Pairs *p = open_pairs("\xe6\x9c\x88\xe6\x97\xa5\tmoon, sun\n", NULL);
  assert_true(pairs_check(p, NULL, choose_training(NULL), &r, &news, &err));
  assert_int_equal(r.source.median, 2);
  assert_int_equal(r.target.median, 9);
  assert_true(r.ratio == 4.5);
  pairs_free(p);
}

/* Lengths are those of one kind of example. */
static void pairs_among_conversations_are_conversations(void **state) {
  const char *text =
      "{\"source\":\"ab\",\"target\":\"cde\"}\n"
      "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":\"b\"},"
      "{\"role\":\"user\",\"content\":\"c\"},{\"role\":\"assistant\",\"content\":\"d\"}]}\n";
  Error err = {0};
  PairsReport r;
  Pairs *p = open_texts(&text, 1, true, NULL);
  assert_true(pairs_check(p, NULL, choose_training(NULL), &r, &news, &err));
  expect_said("2 conversations, 0 more held out");
  expect_said("a conversation: 5 characters at the median, 4.5 on average");
  expect_said("a turn: 1 characters at the median, 1.5 on average");
  pairs_free(p);
}

/* ---- as a source of texts ---- */

static void sides_as_a_source(void **state) {
  const char *wanted[] = {"eins", "zwei"}, *text;
  size_t length, count = 0;
  Pairs *p = open_pairs("one\teins\ntwo\tzwei\n", NULL);
  TextSource source = pairs_source(p, 1u << ROLE_ASSISTANT);
  assert_int_equal(source.bytes, 8);
  for (int pass = 0; pass < 2; pass++, source.rewind(source.self))
    for (count = 0; source.next(source.self, &text, &length, NULL); count++)
      assert_memory_equal(text, wanted[count], length);
  assert_int_equal(count, 2);
  mem_free(source.self);
  source = pairs_source(p, ~0u);
  assert_int_equal(source.bytes, 14);
  mem_free(source.self);
  pairs_free(p);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(tab_separated),
      cmocka_unit_test(two_parallel_files),
      cmocka_unit_test(files_of_pairs_follow_one_another),
      cmocka_unit_test(json_lines),
      cmocka_unit_test(messages),
      cmocka_unit_test(turns),
      cmocka_unit_test(mistakes_name_their_line),
      cmocka_unit_test(bad_lines_are_counted_if_wished),
      cmocka_unit_test(what_has_the_same_source_stays_together),
      cmocka_unit_test(the_first_pass_counts),
      cmocka_unit_test(nothing_left_is_an_error),
      cmocka_unit_test(characters_are_counted_not_bytes),
      cmocka_unit_test(pairs_among_conversations_are_conversations),
      cmocka_unit_test(sides_as_a_source),
  };
  const int failed = cmocka_run_group_tests(tests, scratch_open, scratch_close);
  ink_settings_free(settings);
  return failed;
}
