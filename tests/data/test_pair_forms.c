/* What files of pairs look like when people make them: tables with headers and quotes, JSON of other
 * projects, translation memories; and what only looks like one of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "data/pair_texts.h"

#include <cmocka.h> /* last: it defines fail() */

/* The pairs of texts as "source>target|...", turns of conversations divided by ">". */
static const char *read_as(const char *const *texts, size_t count, bool conversations, Flags flags) {
  static char all[4096];
  Error err = {0};
  Pairs *p = try_texts(texts, count, conversations, flags, &err);
  size_t at = 0;
  if (!p) fail_msg("%s", err.text);
  all[0] = '\0';
  for (size_t i = 0; i < p->count; i++)
    for (size_t k = 0; k < p->examples[i].turns; k++) {
      const Document *d = example_turn(p, &p->examples[i], k);
      at += (size_t)snprintf(all + at, sizeof all - at, "%s%.*s",
                             k   ? ">"
                             : i ? "|"
                                 : "",
                             (int)d->length, d->text);
    }
  pairs_free(p);
  return all;
}
#define READ(text, conversations, ...) read_as(&(const char *){text}, 1, conversations, FLAGS(__VA_ARGS__))

static void expect_said(const char *what) {
  if (!strstr(told, what)) fail_msg("\"%s\" was not said:\n%s", what, told);
}

static void refused(const char *const *texts, size_t count, bool conversations, Flags flags,
                    const char *const *parts) {
  Error err = {0};
  Pairs *p = try_texts(texts, count, conversations, flags, &err);
  if (p) fail_msg("read: %s", texts[0]);
  for (; *parts; parts++)
    if (!strstr(err.text, *parts)) fail_msg("\"%s\" does not say \"%s\"", err.text, *parts);
}
#define REFUSED(text, conversations, ...) \
  refused(&(const char *){text}, 1, conversations, NULL, (const char *const[]){__VA_ARGS__, NULL})

static void comma_separated(void **state) {
  assert_string_equal(READ("question,answer\nWhere?,Here\n\"Who, me?\",\"\"\"Yes\"\"\nyou\"\n", true, NULL),
                      "Where?>Here|Who, me?>\"Yes\"\nyou");
  expect_said("question, answer");
  expect_said("a table (CSV)");
  assert_string_equal(READ("原文,译文\n你好,hello\n", false, NULL), "你好>hello");
  assert_string_equal(READ("a,b\n\"c, d\",e\n", false, "format", "csv"), "a>b|c, d>e");
  assert_string_equal(READ("source;target\n1,5 m;5 feet\n", false, "format", "csv"), "1,5 m>5 feet");
  assert_string_equal(READ("id,question,note,answer\n1,a,x,b\n2,c,y,d\n", true, NULL), "a>b|c>d");
  assert_string_equal(READ("id,wrong,right\n1,a,b\n", true, "format", "csv", "columns", "wrong,right"),
                      "a>b");
  assert_string_equal(READ("id,wrong,right\n1,a,b\n", true, "format", "csv", "columns", "2,3"),
                      "wrong>right|a>b");
  assert_string_equal(READ("instruction,input,output\nSay,twice,ok\nGo,,gone\n", true, NULL),
                      "Say\ntwice>ok|Go>gone");
  refused(&(const char *){"a,b\n1,2\n"}, 1, false, FLAGS("format", "csv", "columns", "x,y"),
          (const char *const[]){"has no columns \"x\" and \"y\": choose from a, b", NULL});
  refused(&(const char *){"source,target\na,b\n\"c,d\ne,f\n"}, 1, false, NULL,
          (const char *const[]){"a.txt:3", "unterminated", NULL});
  refused(&(const char *){"source,target\na,b\nc\n"}, 1, false, NULL,
          (const char *const[]){"a.txt:3", "one column", NULL});
}

static void semicolons_separate_where_commas_are_punctuation(void **state) {
  static const char text[] = "Source 1, yes;Ziel 1, ja\nSource 2, no;Ziel 2, nein\n";
  assert_string_equal(READ(text, false, "format", "csv"),
                      "Source 1, yes>Ziel 1, ja|Source 2, no>Ziel 2, nein");
  expect_said("semicolons separate the columns");
  assert_string_equal(READ("1,a;2,b\n3,c;4,d\n", false, "format", "csv"), "1,a>2,b|3,c>4,d");
  assert_string_equal(READ("1,5 m;5 feet\n2,5 m;8 feet\n", false, "format", "csv"),
                      "1,5 m>5 feet|2,5 m>8 feet");
  assert_string_equal(READ("a;b,c\nd;e,f\n", false, "format", "csv"), "a;b>c|d;e>f");
  assert_string_equal(READ("id, source, target\n1, a;b, c\n2, d;e, f\n", false, "format", "csv"),
                      "a;b>c|d;e>f");
  assert_string_equal(READ("source;target\n\"a; b\";c, d\n", false, NULL), "a; b>c, d");
  assert_string_equal(READ("a\tb, c\nd\te, f\n", false, "format", "csv"), "a>b, c|d>e, f");
  expect_said("tabs separate the columns");
}

static void excel_says_the_separator(void **state) {
  static const char *const firsts[] = {"sep=;\n", "SEP=;\r\n", "\"sep=;\"\n"};
  char text[100];
  for (size_t i = 0; i < 3; i++) {
    snprintf(text, sizeof text, "%ssource;target\na, b;c\n", firsts[i]);
    assert_string_equal(READ(text, false, "format", "csv"), "a, b>c");
    expect_said("the first line says what separates the columns: ;");
  }
  assert_string_equal(READ("sep=;\na;b\n", false, NULL), "a>b");
  assert_string_equal(READ("sep=\t\na\tb\nc\td\n", false, NULL), "a>b|c>d");
  assert_string_equal(READ("sep=,\na;b,c\n", false, "format", "csv"), "a;b>c");
  assert_string_equal(READ("sep=|\na;1,5|c\n", false, "format", "csv"), "a;1,5>c");
  refused(&(const char *){"sep=;\na;b\nc\n"}, 1, false, FLAGS("format", "csv"),
          (const char *const[]){":3: has only one column", NULL});
}

static void a_column_that_is_named_twice_is_refused(void **state) {
  refused(&(const char *){"x,x,y\na,b,c\n"}, 1, false, FLAGS("format", "csv", "columns", "x,y"),
          (const char *const[]){"a.txt:2: \"x\" is the name of two columns", "--columns 1,3", NULL});
  refused(&(const char *){"source,target,target\na,b,c\n"}, 1, false, NULL,
          (const char *const[]){"a.txt:2: \"target\" is the name of two columns", NULL});
  assert_string_equal(READ("note,note,source,target\n1,2,a,b\n", false, NULL), "a>b");
  assert_string_equal(READ("x,x,y\na,b,c\n", false, "format", "csv", "columns", "1,3"), "x>y|a>c");
}

static void translations_in_json(void **state) {
  static const char two[] =
      "{\"translation\": {\"en\": \"one\", \"de\": \"eins\"}}\n"
      "{\"id\": \"1\", \"translation\": {\"de\": \"zwei\", \"en\": \"two\"}}\n";
  static const char three[] = "{\"translation\": {\"en\": \"one\", \"de\": \"eins\", \"fr\": \"un\"}}\n";
  assert_string_equal(READ(two, false, NULL), "one>eins|two>zwei");
  expect_said("from en to de");
  assert_string_equal(READ(two, false, "languages", "de,en"), "eins>one|zwei>two");
  assert_string_equal(READ(three, false, "languages", "fr,en"), "un>one");
  REFUSED(three, false, "a.txt:1", "3 languages (en, de, fr)", "--languages");
  REFUSED("{\"translation\": {\"en\": \"one\", \"de\": 1}}\n", false, "a.txt:1: \"de\" is not text");
  refused(&(const char *){two}, 1, false, FLAGS("languages", "en,fr"),
          (const char *const[]){"a.txt:1: translation without fr", NULL});
}

static void tabs_with_quotes_and_headers(void **state) {
  assert_string_equal(READ("source\ttarget\none\teins\n", false, NULL), "one>eins");
  expect_said("is a header");
  assert_string_equal(READ("\"a\"x\tb\n\"c\"\td\n", false, NULL), "\"a\"x>b|\"c\">d");
  assert_string_equal(READ("English\tGerman\none\teins\n", false, "columns", "2,1"), "eins>one");
  assert_string_equal(READ("\"one\ntwo\"\teins\nthree\tdrei\n", false, "format", "tsv"),
                      "one\ntwo>eins|three>drei");
  expect_said("fields are quoted");
  assert_string_equal(READ("\"one\"\t\"eins\"\n\"two\"\t\"z\"\"wei\"\n", false, NULL), "one>eins|two>z\"wei");
  /* a quotation mark that is one of the text */
  assert_string_equal(READ("\"Go!\" he said.\t\"Geh!\"\nthree\tdrei\n", false, NULL),
                      "\"Go!\" he said.>\"Geh!\"|three>drei");
  assert_string_equal(READ("\"Go\tGeh\nthree\tdrei\"\n", false, NULL), "\"Go>Geh|three>drei\"");
}

static void json_of_other_projects(void **state) {
  assert_string_equal(READ("[\n  {\n    \"instruction\": \"Translate\",\n    \"input\": \"猫\",\n    "
                           "\"output\": \"cat\"\n  },\n"
                           "  {\"instruction\": \"Greet\", \"input\": \"\", \"output\": \"Hi\"}\n]\n",
                           true, NULL),
                      "Translate\n猫>cat|Greet>Hi");
  expect_said("Alpaca");
  assert_string_equal(
      READ("{\"conversations\":[{\"from\":\"system\",\"value\":\"s\"},{\"from\":\"human\",\"value\":\"a\"},"
           "{\"from\":\"gpt\",\"value\":\"b\"}]}\n",
           true, NULL),
      "s>a>b");
  expect_said("ShareGPT");
  assert_string_equal(
      READ("{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\"},"
           "{\"type\":\"text\",\"text\":\"b\"}]},{\"role\":\"assistant\",\"content\":\"c\"}]}\n",
           true, NULL),
      "ab>c");
  REFUSED("{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\"}]}]}", true, "image_url");
  REFUSED("{\"prompt\":\"a\",\"chosen\":\"b\",\"rejected\":\"c\"}", true, "preference");
}

static void what_is_not_read_is_no_mistake(void **state) {
  assert_string_equal(READ("{\"id\":18446744073709551615,\"source\":\"a\",\"target\":\"b\"}\n"
                           "{\"id\":-1e999,\"x\":[1E+400],\"source\":\"say \\\"9\\\" 8\",\"target\":\"d\"}\n",
                           false, NULL),
                      "a>b|say \"9\" 8>d");
  assert_string_equal(
      READ("{\"source\":\"a\\ud800b\",\"target\":\"\\ud83d\\ude00\"}\n", false, "invalid", "replace"),
      "a\xef\xbf\xbd"
      "b>\xf0\x9f\x98\x80");
  expect_said("1 unpaired surrogate replaced");
  REFUSED("{\"source\":\"a\\ud800b\",\"target\":\"b\"}\n", false, "--invalid replace", "--skip-bad");
}

static void brackets_are_not_json(void **state) {
  assert_string_equal(READ("[Music]\t[Musik]\n{laughs}\t{lacht}\n", false, NULL),
                      "[Music]>[Musik]|{laughs}>{lacht}");
  assert_string_equal(READ("{laughs}\nok\n\n[sighs]\nwell\n", true, NULL), "{laughs}>ok|[sighs]>well");
  assert_string_equal(read_as((const char *const[]){"[Music]\na\n", "[Musik]\nb\n"}, 2, false, NULL),
                      "[Music]>[Musik]|a>b");
}

static void files_that_do_not_belong_together(void **state) {
#define TWO(a, b, ...) \
  refused((const char *const[]){a, b}, 2, false, NULL, (const char *const[]){__VA_ARGS__, NULL})
  TWO("a\tb\nc\td\n", "e\nf\n", "a.txt looks like source TAB target", "b.txt like plain lines");
  TWO("{\"source\":\"a\",\"target\":\"b\"}\n", "e\n", "a.txt looks like JSON", "b.txt like plain lines");
  TWO("e\nf\n", "a\tb\nc\td\n", "a.txt looks like plain lines", "b.txt like source TAB target");
}

static void other_documents_are_named(void **state) {
  REFUSED("<!DOCTYPE html>\n<html><body>a</body></html>", true, "HTML");
  REFUSED("<?xml version=\"1.0\"?>\n<rss/>", true, "XML");
  REFUSED("<doc id='1'>\n<line>Hello</line>\n<line>there</line>\n</doc>\n\n", true, "<doc> ... </doc>",
          "--format");
  REFUSED("<seg id='1'>a</seg>\n<seg id='2'>b</seg>\n", true, "<seg> ... </seg>");
  assert_string_equal(READ("<ann> hello\n<bob> hello, ann\n", true, NULL), "<ann> hello><bob> hello, ann");
  assert_string_equal(READ("<b>a</b>\n<b>b</b>\n", true, "format", "turns"), "<b>a</b>><b>b</b>");
  REFUSED("a __eou__ b __eou__\nc __eou__ d __eou__\n", true, "--turn-mark '__eou__'");
  REFUSED("%PDF-1.4\n%\xe2\xe3\xcf\xd3\n", true, "PDF");
}

static const char tmx[] =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE tmx SYSTEM \"tmx14.dtd\">\n<tmx version=\"1.4\">\n"
    "<header srclang=\"en\" note=\"a>b\"/><body>\n<!-- <tu> -->\n"
    "<tu><tuv xml:lang=\"en-US\"><seg>Save &amp; <bpt i=\"1\">&lt;b&gt;</bpt>close<ept "
    "i=\"1\">&lt;/b&gt;</ept></seg></tuv>\n"
    "<tuv xml:lang=\"zh-CN\"><seg>保存并<hi>关闭</hi>&#x21;</seg></tuv></tu>\n"
    "<tu><tuv lang='EN-us'><seg><![CDATA[a<b]]></seg></tuv><tuv "
    "xml:lang=\"zh-CN\"><seg>甲\n乙</seg></tuv></tu>\n"
    "</body></tmx>\n";

static void translation_memories(void **state) {
  assert_string_equal(READ(tmx, false, NULL), "Save & close>保存并关闭!|a<b>甲 乙");
  expect_said("from en-us to zh-cn");
  expect_said("2 formatting codes");
  assert_string_equal(
      READ("<tu><tuv xml:lang='en'><seg>one<ph/></seg></tuv><tuv xml:lang='de'><seg>eins</seg></tuv></tu>\n",
           true, NULL),
      "one>eins");
  expect_said("1 formatting code ");
  assert_string_equal(READ(tmx, false, "languages", "zh,en"), "保存并关闭!>Save & close|甲 乙>a<b");
  REFUSED(
      "<tmx><tu><tuv xml:lang='a'><seg>x</seg></tuv><tuv xml:lang='b'><seg>y</seg></tuv><tuv xml:lang='c'>"
      "<seg>z</seg></tuv></tu></tmx>",
      false, "a, b, c", "--languages");
  REFUSED("<tmx><tu><tuv xml:lang='a'><seg>&evil;</seg></tuv></tu></tmx>", false, "entity");
  REFUSED("<!DOCTYPE tmx [<!ENTITY x \"y\">]><tmx/>", false, "entity declarations");
  REFUSED("<tmx><tu><tuv xml:lang='a'><seg>x", false, "ends within a segment");
  REFUSED("<tmx><tu><tuv><seg>x</seg></tuv></tu></tmx>", false, "xml:lang");
  REFUSED("<tmx><tu><tuv xml:lang='a'><seg>&#xd800;</seg></tuv></tu></tmx>", false, "character reference");
  refused(&(const char *){tmx}, 1, false, FLAGS("languages", "en,fr"),
          (const char *const[]){"without fr", NULL});
}

/* Sides that show nothing are empty ones. */
static void spaces_of_all_kinds_are_nothing(void **state) {
  assert_string_equal(READ("a\t\xe3\x80\x80\nb\t\xe2\x80\x8b\xef\xbb\xbf\nc\t　d\n", false, NULL), "c>　d");
  expect_said("2 without a target");
}

static void few_sources_are_told(void **state) {
  Buffer text = {0};
  Error err = {0};
  for (int i = 0; i < 2000; i++) buffer_addf(&text, "the same\ttarget %d\n", i);
  Pairs *p = try_texts(&(const char *){text.data}, 1, false, NULL, &err);
  assert_non_null(p);
  assert_null(pairs_hold_out(p, 0.1, &err));
  assert_non_null(strstr(err.text, "two different sources"));
  pairs_free(p);
  buffer_free(&text);
}

/* The hash of few sources may put none of them, or all, below the share: then their number is the share. */
static void few_sources_are_held_out_by_number(void **state) {
  for (int first = 0; first < 200; first++)
    for (int count = 2; count <= 30; count += 14) {
      Buffer text = {0};
      Error err = {0};
      for (int i = 0; i < 2 * count; i++) buffer_addf(&text, "source %d\ttarget %d\n", first + i / 2, i);
      Pairs *p = try_texts(&(const char *){text.data}, 1, false, NULL, &err);
      assert_non_null(p);
      Pairs *held = pairs_hold_out(p, 0.1, &err);
      if (!held) fail_msg("%d from %d: %s", count, first, err.text);
      assert_true(held->count && held->count % 2 == 0 && held->count + p->count == (size_t)(2 * count));
      if (count == 2) assert_int_equal(held->count, 2);
      pairs_free(held);
      pairs_free(p);
      buffer_free(&text);
    }
}

/* Each changed what was learnt without a word. */
static void what_changes_the_meaning_is_read_or_refused(void **state) {
  assert_string_equal(READ("{\"system\":\"Be kind\",\"conversations\":[{\"from\":\"human\",\"value\":\"a\"},"
                           "{\"from\":\"gpt\",\"value\":\"b\"}]}\n",
                           true, NULL),
                      "Be kind>a>b");
  REFUSED("{\"messages\":[{\"role\":\"user\",\"content\":\"a\",\"weight\":0.5}]}\n", true, "message 1",
          "weight");
  REFUSED("{\"instruction\":\"a\",\"output\":\"b\",\"history\":[[\"x\",\"y\"]]}\n", false, "history");
  assert_string_equal(read_as((const char *const[]){"{\"source\":\"a\",\"target\":\"b\"}\n",
                                                    "{\"question\":\"c\",\"answer\":\"d\"}\n"},
                              2, false, NULL),
                      "a>b|c>d");
  assert_string_equal(READ("编号,问题,回答\n1,在吗?,在\n", true, NULL), "在吗?>在");
}

static void members_that_are_not_read_refuse_nothing(void **state) {
  static const char *const unused[] = {"-99999999999999999999", "1e999", "{\"a\":1,\"a\":2}",
                                       "{\"\\u0000\":1}", "\"\\ud800\""};
  char line[200];
  for (size_t i = 0; i < sizeof unused / sizeof *unused; i++) {
    snprintf(line, sizeof line, "{\"id\":%s,\"source\":\"a\",\"target\":\"b\"}\n", unused[i]);
    assert_string_equal(READ(line, false, NULL), "a>b");
    snprintf(line, sizeof line, "{\"source\":%s,\"target\":\"b\"}\n", unused[i]);
    REFUSED(line, false, "a.txt:1: \"source\"");
  }
  REFUSED("{\"id\":01,\"source\":\"a\",\"target\":\"b\"}\n", false, "not valid JSON");
  REFUSED("{\"id\":99999999999999999999,\"x\":tru,\"source\":\"a\",\"target\":\"b\"}\n", false,
          "not valid JSON");
}

static void quotation_marks_of_texts_stay(void **state) {
  Buffer text = {0};
  assert_string_equal(READ("\"Yes.\"\t\"Ja.\"\none\teins\n", false, NULL), "\"Yes.\">\"Ja.\"|one>eins");
  for (int i = 0; i < 600; i++) buffer_addf(&text, "\"a %d\"\t\"b\"\n", i); /* more than one look */
  buffer_adds(&text, "\"Go!\" he said.\t\"Geh!\"\n");
  Error err = {0};
  Pairs *p = try_texts(&(const char *){text.data}, 1, false, NULL, &err);
  if (!p) fail_msg("%s", err.text);
  assert_int_equal(p->count, 601);
  pairs_free(p);
  buffer_free(&text);
  assert_string_equal(READ("source,target\na,b\n\"c,d\ne,f\n", false, "skip_bad", "true"), "a>b|e>f");
}

static void a_memory_says_which_is_the_source(void **state) {
  assert_string_equal(READ("<tmx><header o=\"srclang='x'\" srclang=\"en\"/><tu><tuv note='lang' "
                           "xml:lang='zh-CN'><seg>一</seg></tuv>"
                           "<tuv xml:lang='en-US'><seg>one</seg></tuv></tu></tmx>",
                           false, NULL),
                      "one>一");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(comma_separated),
      cmocka_unit_test(semicolons_separate_where_commas_are_punctuation),
      cmocka_unit_test(excel_says_the_separator),
      cmocka_unit_test(a_column_that_is_named_twice_is_refused),
      cmocka_unit_test(translations_in_json),
      cmocka_unit_test(tabs_with_quotes_and_headers),
      cmocka_unit_test(json_of_other_projects),
      cmocka_unit_test(what_is_not_read_is_no_mistake),
      cmocka_unit_test(brackets_are_not_json),
      cmocka_unit_test(files_that_do_not_belong_together),
      cmocka_unit_test(other_documents_are_named),
      cmocka_unit_test(translation_memories),
      cmocka_unit_test(spaces_of_all_kinds_are_nothing),
      cmocka_unit_test(few_sources_are_told),
      cmocka_unit_test(few_sources_are_held_out_by_number),
      cmocka_unit_test(what_changes_the_meaning_is_read_or_refused),
      cmocka_unit_test(members_that_are_not_read_refuse_nothing),
      cmocka_unit_test(quotation_marks_of_texts_stay),
      cmocka_unit_test(a_memory_says_which_is_the_source),
  };
  const int failed = cmocka_run_group_tests(tests, scratch_open, scratch_close);
  ink_settings_free(settings);
  return failed;
}
