/* Protected spans: what is found in a text, and what of it an output lacks, changes or invents. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "text/numeral.h"
#include "text/span_check.h"

#include <cmocka.h> /* last: it defines a macro `fail` */

static void add(Buffer *b, const char *text, size_t length) {
  buffer_addf(b, "%.*s", (int)length, text);
}

/* "kind:text|kind:text|" */
static void found(const char *text, const char *wanted) {
  Error err = {0};
  Buffer got = {0};
  Spans spans = {0};
  SpanFinder *f = spans_open(NULL, &err);
  assert_non_null(f);
  assert_true(spans_find(f, text, strlen(text), false, &spans, &err));
  for (size_t i = 0; i < spans.count; i++) {
    if (spans.data[i].kind == SPAN_WORD_NUMBER) continue;
    buffer_addf(&got, "%.1s:", span_name(spans.data[i].kind));
    add(&got, text + spans.data[i].begin, spans.data[i].length);
    buffer_adds(&got, "|");
  }
  assert_string_equal(got.data ? got.data : "", wanted);
  buffer_free(&got);
  vec_free(&spans);
  spans_close(f);
}

static void spans_are_found(void **state) {
  (void)state;
  found("see https://a.org/x?y=1. Or www.b.de/z, ok", "U:https://a.org/x?y=1|U:www.b.de/z|");
  found("访问https://a.org/x。或写信给me.x@b-c.org。", "U:https://a.org/x|e:me.x@b-c.org|");
  found("<b>bold</b> &amp; a < b > c <br/> <|end|>", "t:<b>|t:</b>|t:&amp;|t:<br/>|t:<|end|>|");
  found("%s of %(name)d in %5.2f %1$s %% {user} ${x} {{x}} {0:.2f} %{n} %1",
        "p:%s|p:%(name)d|p:%5.2f|p:%1$s|p:%%|p:{user}|p:${x}|p:{{x}}|p:{0:.2f}|p:%{n}|p:%1|");
  found("50 % discount, 100% sure", "n:50|n:100|");
  found("AB-1234/5 M8x30 6ES7-214 COVID-19 GPT-4-based A4 the mid-1990s",
        "p:AB-1234/5|p:M8x30|p:6ES7-214|p:COVID-19|p:GPT-4|p:A4|n:1990|");
  found("1,250 1.250,5 １２５０ 5kg 1st 12.05.2026 8.30 -5 10-20", /* */
        "n:1,250|n:1.250,5|n:１２５０|n:5|n:1|n:12|n:05|n:2026|n:8.30|n:-5|n:10|n:20|");
  found("5 million 150万人 minus 5", "n:5 million|n:150万|n:minus 5|");
  found("", "");
}

static bool same(const char *a, const char *b) {
  Numeral x, y;
  numeral_read(&x, a, strlen(a));
  numeral_read(&y, b, strlen(b));
  return numerals_equal(&x, &y);
}

static void numbers_are_compared_by_value(void **state) {
  (void)state;
  static const char *const equal[][2] = {{"1250", "1,250"},
                                         {"1,250", "1.250"},
                                         {"1.250,50", "1,250.5"},
                                         {"１２５０", "1250"},
                                         {"1’250", "1250"},
                                         {"1\u00a0250", "1,250"},
                                         {"007", "7"},
                                         {"1.5 million", "150万"},
                                         {"5000", "5千"},
                                         {"5 miljoen", "5"},
                                         {"三百二十", "320"},
                                         {"十二", "12"},
                                         {"二〇二六", "2026"},
                                         {"一万五千", "15000"},
                                         {"twelve", "12"},
                                         {"Zwölf", "12"},
                                         {"minus 5", "-5"},
                                         {"负5", "−5"},
                                         {"1 billion", "10亿"},
                                         {"1,234,567", "1.234.567"},
                                         {"2 Milliarden", "2"},
                                         {"3.10", "3,1"},
                                         {"两", "two"}};
  static const char *const other[][2] = {{"1250", "120"},       {"12.50", "125.0"}, {"-5", "5"},
                                         {"5万", "5"},          {"1,25", "125"},    {"三百二十", "321"},
                                         {"1,250,000", "1250"}, {"one", "2"}};
  for (size_t i = 0; i < sizeof equal / sizeof *equal; i++)
    if (!same(equal[i][0], equal[i][1])) fail_msg("%s is %s", equal[i][0], equal[i][1]);
  for (size_t i = 0; i < sizeof other / sizeof *other; i++)
    if (same(other[i][0], other[i][1])) fail_msg("%s is not %s", other[i][0], other[i][1]);
}

/* "source>output|": - stands for none. */
static void check_with(const Glossary *g, bool complete, const char *source, const char *output,
                       const char *wanted) {
  Error err = {0};
  Buffer got = {0};
  SpanMismatches all = {0};
  size_t spans;
  SpanChecker *c = span_checker_open(g, &err);
  assert_non_null(c);
  assert_true(span_check(c, source, strlen(source), output, strlen(output), complete, &all, &spans, &err));
  for (size_t i = 0; i < all.count; i++) {
    const SpanMismatch *m = &all.data[i];
    add(&got, m->source ? m->source : "-", m->source ? m->source_length : 1);
    buffer_adds(&got, ">");
    add(&got, m->output ? m->output : "-", m->output ? m->output_length : 1);
    buffer_adds(&got, "|");
  }
  if (strcmp(got.data ? got.data : "", wanted))
    fail_msg("%s -> %s: %s, not %s", source, output, got.data ? got.data : "", wanted);
  buffer_free(&got);
  vec_free(&all);
  span_checker_close(c);
}
static void check(const char *source, const char *output, const char *wanted) {
  check_with(NULL, true, source, output, wanted);
}

static void changes_are_found(void **state) {
  (void)state;
  check("Torque 1250 Nm", "Drehmoment 120 Nm", "1250>120|");
  check("%s files by {user}", "%d Dateien von {name}", "%s>%d|{user}>{name}|");
  check("open <b>it</b>", "<b>öffnen", "</b>>-|");
  check("no number", "Nummer 7", "->7|");
  check("see https://a.org/x", "siehe https://a.org/y", "https://a.org/x>https://a.org/y|");
  check("write to a@b.org", "schreiben", "a@b.org>-|");
  check("part AB-12", "Teil AC-12", "AB-12>AC-12|");
  check("%s and %s", "%s und", "%s>-|");
  check("%s", "%s %s", "->%s|");
  check("12.50", "125.0", "12.50>125.0|");
}

static void other_notations_are_no_changes(void **state) {
  (void)state;
  check("1,250.50 Euro", "1 250,50 Euro", "");
  check("at 8.30", "um 8:30 Uhr", "");
  check("COVID-19 and COVID 20", "COVID 19 und COVID-20", "");
  check("on 2026-05-12", "am 12.05.2026", "");
  check("two dogs", "2 Hunde", "");
  check("3 books", "三本书", "");
  check("150万人", "1.5 million people", "");
  check("AB-12 is 5 m", "ＡＢ－１２ ist ５ m", "");
  check("in 2019", "2019, ja 2019", "");
}

/* A summary leaves out, but must not invent; nor may it repeat what the source has. */
static void summaries_may_leave_out(void **state) {
  (void)state;
  check_with(NULL, false, "From 1990 to 2010 it sold 17 cars.", "It sold 18 cars from 1990.", "->18|");
  check_with(NULL, false, "{user} wrote %s", "{user} or {user}", "");
}

static Term term(const char *source, const char *target) {
  return (Term){source, target, strlen(source), strlen(target)};
}

static void terms_are_looked_up(void **state) {
  (void)state;
  Glossary g = {0};
  assert_true(glossary_add(&g, term("pump", "Pumpe")));
  assert_true(glossary_add(&g, term("feed pump", "Speisepumpe")));
  assert_true(glossary_add(&g, term("水泵", "pump unit")));
  assert_true(glossary_add(&g, term("Zimmermann", "Zimmermann")));
  assert_false(glossary_add(&g, term("pump", "other")));
  check_with(&g, true, "The pump", "Das Ding", "pump>-|");
  check_with(&g, true, "Pump and feed pump", "Pumpen und Speisepumpe", "");
  check_with(&g, true, "Pumps pumpkin", "Kürbis", "");
  check_with(&g, true, "这个水泵很大", "this pump unit is big", "");
  check_with(&g, true, "Mr Zimmermann", "Herr Schmidt", "Zimmermann>-|");
  check_with(&g, true, "nothing", "eine Pumpe", "");
  glossary_free(&g);
}

/* However long a text is, and whatever it consists of. */
static void long_texts(void **state) {
  (void)state;
  enum { LONG = 1 << 17 };
  static char text[LONG];
  static const char *const parts[] = {"a",  "1",  "1,",      "<", "{",    "%",
                                      "a@", "A-", "http://", ".", "www.", "${"};
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
    Error err = {0};
    Spans spans = {0};
    const size_t n = strlen(parts[i]);
    for (size_t k = 0; k + n <= LONG; k += n) memcpy(text + k, parts[i], n);
    SpanFinder *f = spans_open(NULL, &err);
    assert_true(spans_find(f, text, LONG / n * n, false, &spans, &err));
    vec_free(&spans);
    spans_close(f);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(spans_are_found),
                                     cmocka_unit_test(numbers_are_compared_by_value),
                                     cmocka_unit_test(changes_are_found),
                                     cmocka_unit_test(other_notations_are_no_changes),
                                     cmocka_unit_test(summaries_may_leave_out),
                                     cmocka_unit_test(terms_are_looked_up),
                                     cmocka_unit_test(long_texts)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
