/* Corpora: what is refused and where it says the mistake is, what is mended, how documents are cut and held
 * out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/scratch.h"
#include "data/corpus.h"

#include <cmocka.h> /* last: it defines fail() */

static Settings *settings;
static char told[4096]; /* all that was said since the corpus was opened */

static void listen(void *user, const ink_event *event) {
  if (!event->text) return;
  strncat(told, event->text, sizeof told - strlen(told) - 1);
  strncat(told, "\n", sizeof told - strlen(told) - 1);
}

static Corpus *try_files(const char *const *paths, size_t count, const char *const *pairs, Error *err) {
  static const SettingTable *const tables[] = {&text_settings_table, &document_settings_table};
  ink_settings_free(settings);
  settings = settings_new(tables, 2);
  for (; pairs && *pairs; pairs += 2) assert_true(ink_settings_set(settings, pairs[0], pairs[1], NULL));
  told[0] = '\0';
  return corpus_open(paths, count, settings_part(settings, &text_settings_table),
                     settings_part(settings, &document_settings_table), &(News){listen, NULL}, err);
}

static const char *put(const char *name, const void *bytes, size_t length) {
  assert_true(file_replace(in_scratch(name), bytes, length, NULL));
  return in_scratch(name);
}

static Corpus *open_bytes(const void *bytes, size_t length, const char *const *pairs) {
  const char *path = put("a.txt", bytes, length);
  Error err = {0};
  Corpus *c = try_files(&path, 1, pairs, &err);
  if (!c) fail_msg("%s", err.text);
  return c;
}

static Corpus *open_text(const char *text, const char *const *pairs) {
  return open_bytes(text, strlen(text), pairs);
}

static void expect_document(const Corpus *c, size_t index, const char *text) {
  assert_true(index < c->count);
  assert_int_equal(c->documents[index].length, strlen(text));
  assert_memory_equal(c->documents[index].text, text, strlen(text));
}

static void expect_refused(const char *path, const char *const *pairs, const char *const *parts) {
  Error err = {0};
  assert_null(try_files(&path, 1, pairs, &err));
  assert_true(err.code == INK_FAILED || err.code == INK_NOT_FOUND || err.code == INK_DAMAGED);
  if (!strstr(err.text, path)) fail_msg("\"%s\" does not name %s", err.text, path);
  for (; *parts; parts++)
    if (!strstr(err.text, *parts)) fail_msg("\"%s\" does not say \"%s\"", err.text, *parts);
}
#define REFUSED(bytes, ...) \
  expect_refused(put("bad.txt", bytes, sizeof(bytes) - 1), NULL, (const char *const[]){__VA_ARGS__, NULL})

/* ---- refused ---- */

static void no_text(void **state) {
  expect_refused("/nowhere/at/all.txt", NULL, (const char *const[]){"No such file", NULL});
  expect_refused(scratch, NULL, (const char *const[]){"directory", NULL});
  REFUSED("", "empty");
  const char *blank = put("blank.txt", "\n \n\t\n", 5);
  Error err = {0};
  assert_null(try_files(&blank, 1, NULL, &err));
  assert_non_null(strstr(err.text, "only blank lines"));
}

static void an_unreadable_file(void **state) {
  const char *path = put("secret.txt", "text\n", 5);
  if (geteuid() == 0) {
    print_message("SKIP: root may read anything\n");
    skip();
  }
  assert_int_equal(chmod(path, 0), 0);
  expect_refused(path, NULL, (const char *const[]){"ermission", NULL});
}

static void other_encodings(void **state) {
  static const char utf16[] = "\xff\xfe`O}Y\n\0", big[] = "\xfe\xff\0h\0i", gbk[] = "\xc4\xe3\xba\xc3\n";
  Corpus *c = open_bytes(utf16, sizeof utf16 - 1, NULL);
  expect_document(c, 0, "你好");
  assert_non_null(strstr(told, "converted from UTF-16"));
  corpus_free(c);
  c = open_bytes(big, sizeof big - 1, NULL);
  expect_document(c, 0, "hi");
  corpus_free(c);
  c = open_bytes("\xff\xfe\0\0h\0\0\0", 8, NULL);
  expect_document(c, 0, "h");
  corpus_free(c);
  c = open_bytes(gbk, sizeof gbk - 1, (const char *const[]){"encoding", "gb18030", NULL});
  expect_document(c, 0, "你好");
  corpus_free(c);
  REFUSED("w\0o\0r\0d\0s\0\n\0", "--encoding UTF-16LE");
  REFUSED("\0w\0o\0r\0d\0s\0\n", "--encoding UTF-16BE");
  REFUSED("w\0\0\0o\0\0\0r\0\0\0d\0\0\0", "--encoding UTF-32LE");
  REFUSED("\0\0\0w\0\0\0o\0\0\0r\0\0\0d", "--encoding UTF-32BE");
  const char *path = put("gbk.txt", gbk, sizeof gbk - 1);
  expect_refused(path, NULL, (const char *const[]){"looks like gb18030", "--encoding gb18030", NULL});
  expect_refused(path, (const char *const[]){"encoding", "ascii", NULL},
                 (const char *const[]){"is not valid ascii", NULL});
  path = put("latin.txt", "Un caf\xe9 tr\xe8s fort\n", 17);
  expect_refused(path, NULL, (const char *const[]){"looks like latin1", NULL});
  c = open_bytes(gbk, sizeof gbk - 1, (const char *const[]){"invalid", "replace", NULL});
  assert_non_null(strstr(told, "--encoding gb18030"));
  corpus_free(c);
}

/* What documents end with is seen, and what was meant said. */
static void separators_that_were_not_meant(void **state) {
  Corpus *c = open_text("one\n<|endoftext|>\ntwo\n", NULL);
  assert_non_null(strstr(told, "give --separator '<|endoftext|>'"));
  corpus_free(c);
  c = open_text("one\n%\ntwo\n", (const char *const[]){"separator", "\xef\xbc\x85", NULL});
  assert_non_null(strstr(told, "there are lines \"%\""));
  corpus_free(c);
  c = open_text("one\n%\ntwo\n", (const char *const[]){"separator", "###", NULL});
  assert_non_null(strstr(told, "no line is \"###\""));
  corpus_free(c);
}

static void lines_of_old(void **state) {
  Corpus *c = open_text("one\rtwo\r", (const char *const[]){"documents", "line", NULL});
  assert_int_equal(c->count, 2);
  expect_document(c, 1, "two");
  corpus_free(c);
  c = open_text("one\n\xe3\x80\x80\n\xe2\x80\x8b\n", (const char *const[]){"documents", "line", NULL});
  assert_int_equal(c->count, 1);
  assert_non_null(strstr(told, "2 empty documents left out"));
  corpus_free(c);
}

static void no_text_at_all(void **state) {
  REFUSED("some text, of 22 bytes\0a byte", "byte 23", "NUL", "binary");
  REFUSED(
      "\x7f"
      "ELF some text and then\0a byte",
      "is an executable");
}

static void invalid_bytes_name_their_line(void **state) {
  REFUSED("first\nsecond\nthi\xe9rd\n", "bad.txt:3", "byte 17", "0xe9", "--invalid replace",
          "--encoding latin1");
  REFUSED("\xc0\xaf overlong", "bad.txt:1", "byte 1", "0xc0");
  REFUSED("a\n\xed\xa0\x80 surrogate", "bad.txt:2", "byte 3");
  REFUSED("cut short \xe4\xb8", "byte 11");
  REFUSED(
      "\xef\xbb\xbf"
      "a\xff",
      "bad.txt:1", "byte 5"); /* of the file, mark included */
}

/* ---- mended ---- */

static void invalid_bytes_replaced(void **state) {
  const char *const replace[] = {"invalid", "replace", NULL};
  Corpus *c = open_text(
      "a\xff"
      "b\xe4\xb8 c\xf0\x9f\x98\x80\n",
      replace);
  expect_document(c, 0,
                  "a\xef\xbf\xbd"
                  "b\xef\xbf\xbd c\xf0\x9f\x98\x80");
  assert_non_null(strstr(told, "3 bytes"));
  assert_int_equal(c->characters, 7);
  corpus_free(c);
}

static void marks_and_line_ends(void **state) {
  Corpus *c = open_text("\xef\xbb\xbfone\r\ntwo\rtwo\r\n", NULL);
  expect_document(c, 0, "one\ntwo\rtwo");
  assert_non_null(strstr(told, "byte-order mark dropped"));
  assert_non_null(strstr(told, "2 lines"));
  corpus_free(c);
  c = open_text("plain\n", NULL);
  assert_null(strstr(told, "mark"));
  assert_null(strstr(told, "CR"));
  corpus_free(c);
}

/* ---- cut ---- */

static void documents_by_rule(void **state) {
  static const char text[] = "\none\ntwo\n\n \nthree\n%\n\n%\nfour\n";
  Corpus *c = open_text(text, (const char *const[]){"documents", "line", NULL});
  assert_int_equal(c->count, 6);
  expect_document(c, 3, "%");
  corpus_free(c);
  c = open_text(text, (const char *const[]){"documents", "paragraph", NULL});
  assert_int_equal(c->count, 3);
  expect_document(c, 0, "one\ntwo");
  expect_document(c, 1, "three\n%");
  expect_document(c, 2, "%\nfour");
  corpus_free(c);
  c = open_text(text, (const char *const[]){"documents", "line", "separator", "%", NULL});
  assert_int_equal(c->count, 2);
  expect_document(c, 0, "one\ntwo\n\n \nthree");
  expect_document(c, 1, "four");
  assert_non_null(strstr(told, "1 empty"));
  corpus_free(c);
  c = open_text(text, (const char *const[]){"documents", "file", NULL});
  assert_int_equal(c->count, 1);
  expect_document(c, 0, "one\ntwo\n\n \nthree\n%\n\n%\nfour");
  assert_int_equal(c->bytes, 26);
  corpus_free(c);
}

static size_t count_by_auto(const char *unit, int times) {
  Buffer text = {0};
  for (int i = 0; i < times; i++) buffer_adds(&text, unit);
  Corpus *c = open_bytes(text.data, text.length, NULL);
  const size_t count = c->count;
  corpus_free(c);
  buffer_free(&text);
  return count;
}

static void documents_by_themselves(void **state) {
  assert_int_equal(count_by_auto("床前明月光,疑是地上霜。举头望明月,低头思故乡。\n", 40), 40);
  assert_non_null(strstr(told, "one per line"));
  assert_int_equal(count_by_auto("A sentence that is long enough to be a text.\n", 40), 40);
  assert_int_equal(count_by_auto("First Citizen:\nBefore we proceed any further, hear me speak.\n\n", 40), 1);
  assert_non_null(strstr(told, "one per file"));
  assert_int_equal(
      count_by_auto("prose that was broken into lines wherever one\nwas full, as in books.\n", 40), 1);
  const char *both[] = {put("a.txt", "one", 3), put("b.txt", "two", 3)};
  Corpus *c = try_files(both, 2, NULL, NULL);
  assert_int_equal(c->count, 2);
  expect_document(c, 1, "two");
  corpus_free(c);
}

/* Nothing looks at a line again for each of its bytes: this would take hours then. */
static void a_very_long_line(void **state) {
  enum { LENGTH = 30000000 };
  char *line = mem_alloc(LENGTH);
  memset(line, 'x', LENGTH);
  for (int i = 0; i < LENGTH; i += 3) line[i] = (char)0xff;
  Corpus *c =
      open_bytes(line, LENGTH, (const char *const[]){"invalid", "replace", "documents", "line", NULL});
  assert_int_equal(c->count, 1);
  assert_int_equal(c->bytes, LENGTH / 3 * 5);
  corpus_free(c);
  mem_free(line);
}

/* ---- held out ---- */

static void documents_held_out(void **state) {
  Buffer text = {0};
  for (int i = 0; i < 2000; i++) buffer_addf(&text, "line number %d\n", i % 1000);
  Corpus *c = open_bytes(text.data, text.length, (const char *const[]){"documents", "line", NULL});
  const int64_t bytes = c->bytes;
  const uint64_t before = c->fingerprint;
  Corpus *held = corpus_hold_out(c, 0.1, NULL);
  assert_int_equal(held->count + c->count, 2000);
  assert_in_range(held->count, 120, 280);
  assert_int_equal(held->bytes + c->bytes, bytes);
  assert_true(c->fingerprint != before);
  for (size_t i = 0; i < held->count; i++)
    for (size_t k = 0; k < c->count; k++)
      assert_false(held->documents[i].length == c->documents[k].length &&
                   !memcmp(held->documents[i].text, c->documents[k].text, c->documents[k].length));
  corpus_free(held);
  corpus_free(c);
  buffer_free(&text);
}

static void ends_held_out(void **state) {
  Corpus *c = open_text("one\ntwo\nthree\nfour\nfive\nsix\n", NULL);
  Corpus *held = corpus_hold_out(c, 0.4, NULL);
  expect_document(c, 0, "one\ntwo\nthree\nfour\n");
  expect_document(held, 0, "five\nsix");
  assert_int_equal(c->bytes + held->bytes, 27);
  corpus_free(held);
  corpus_free(c);
  c = open_text("春眠不觉晓", NULL); /* one line: at a character */
  held = corpus_hold_out(c, 0.5, NULL);
  expect_document(c, 0, "春眠不");
  expect_document(held, 0, "觉晓");
  corpus_free(held);
  corpus_free(c);
  const char *both[] = {put("a.txt", "1234567890", 10), put("b.txt", "abcdefghijabcdefghij", 20)};
  c = try_files(both, 2, NULL, NULL);
  held = corpus_hold_out(c, 0.1, NULL);
  assert_int_equal(c->count, 2);
  expect_document(held, 0, "0");
  expect_document(held, 1, "ij");
  corpus_free(held);
  corpus_free(c);
}

static void too_little_to_hold_out(void **state) {
  Error err = {0};
  Corpus *c = open_text("a", NULL);
  assert_null(corpus_hold_out(c, 0.1, &err));
  assert_non_null(strstr(err.text, "too short"));
  expect_document(c, 0, "a");
  corpus_free(c);
}

static void fingerprints(void **state) {
  Corpus *a = open_text("one\ntwo\n", (const char *const[]){"documents", "line", NULL});
  const uint64_t first = a->fingerprint;
  corpus_free(a);
  a = open_text("one\ntwo\n", (const char *const[]){"documents", "line", NULL});
  assert_true(a->fingerprint == first);
  corpus_free(a);
  a = open_text("one\ntwp\n", (const char *const[]){"documents", "line", NULL});
  assert_true(a->fingerprint != first);
  corpus_free(a);
  a = open_text("one\ntwo\n", NULL); /* the same bytes, cut otherwise */
  assert_true(a->fingerprint != first);
  corpus_free(a);
}

static void as_a_source(void **state) {
  Corpus *c = open_text("one\ntwo\n", (const char *const[]){"documents", "line", NULL});
  TextSource source = corpus_source(c);
  const char *text;
  size_t length;
  for (int pass = 0; pass < 2; pass++) {
    source.rewind(source.self);
    for (size_t i = 0; i < 2; i++) {
      assert_true(source.next(source.self, &text, &length, NULL));
      assert_ptr_equal(text, c->documents[i].text);
      assert_int_equal(length, 3);
    }
    assert_false(source.next(source.self, &text, &length, NULL));
  }
  mem_free(source.self);
  corpus_free(c);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(no_text),
      cmocka_unit_test(an_unreadable_file),
      cmocka_unit_test(other_encodings),
      cmocka_unit_test(separators_that_were_not_meant),
      cmocka_unit_test(lines_of_old),
      cmocka_unit_test(no_text_at_all),
      cmocka_unit_test(invalid_bytes_name_their_line),
      cmocka_unit_test(invalid_bytes_replaced),
      cmocka_unit_test(marks_and_line_ends),
      cmocka_unit_test(documents_by_rule),
      cmocka_unit_test(documents_by_themselves),
      cmocka_unit_test(a_very_long_line),
      cmocka_unit_test(documents_held_out),
      cmocka_unit_test(ends_held_out),
      cmocka_unit_test(too_little_to_hold_out),
      cmocka_unit_test(fingerprints),
      cmocka_unit_test(as_a_source),
  };
  const int failed = cmocka_run_group_tests(tests, scratch_open, scratch_close);
  ink_settings_free(settings);
  return failed;
}
