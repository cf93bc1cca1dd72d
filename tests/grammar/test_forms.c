/* What each form of constraint accepts and refuses, byte by byte (test_peers.py compares with Python), and
 * hostile ones, which end in a sentence or stay within bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "reading.h"
#include "text/utf8.h"

#include <cmocka.h> /* last: it defines fail() */

typedef struct Case {
  const char *form, *text;
  const char *yes[8], *no[8]; /* ended by NULL */
} Case;

static const Case cases[] = {
    {"choices",
     "yes,no,not\\, now,好",
     {"yes", "no", "not, now", "好"},
     {"", "n", "not", "yes,", "y", "好好"}},
    {"choices", "a,ab,abc,a\\\\", {"a", "ab", "abc", "a\\"}, {"", "b", "abcd"}},
    {"regex", "a{2,3}b?", {"aa", "aaa", "aab", "aaab"}, {"a", "aaaa", "b", "aabb"}},
    {"regex", "(a|b)*abb", {"abb", "aabb", "babb"}, {"", "ab", "abba"}},
    {"regex", "(a*)*b|(c?d?)*", {"", "b", "aab", "cdcd", "dd"}, {"a", "ba", "cdb"}},
    {"regex", "(a?b?){2}", {"", "a", "ab", "abab", "aa"}, {"aaa", "ababa", "bab a"}},
    {"regex", "(a?){3,}", {"", "a", "aaaaaaaaaa"}, {"b"}},
    {"regex", "((ab?){2}){2}", {"aaaa", "abaaba"}, {"aaa", "aaaaa", "abab"}},
    {"regex", "^[^x-z\\d]+$", {"a", "你好", "😀"}, {"", "x", "1", "a\n1"}},
    {"regex", ".", {"é", "€", "😀", " "}, {"", "\n", "ab", "\xc3", "\xff"}},
    {"regex", "\\u4f60|\\x41|\\u{1F600}|\\.|\\/", {"你", "A", "😀", ".", "/"}, {"x", "u"}},
    {"regex",
     "[\\u0080-\\U0010ffff]",
     {"\xc2\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xf4\x8f\xbf\xbf"},
     {"\xed\xa0\x80", "\xf4\x90\x80\x80", "\xc0\x80", "\xe0\x80\x80", "\xf0\x80\x80\x80", "\x7f"}},
    {"regex", "[a-]b[]]", {"ab]", "-b]"}, {"b]", "cb]"}},
    {"regex", "a*?(?:b)(?<name>c)(?P<other>d)", {"bcd", "aabcd"}, {"ac"}},
    {"grammar",
     "# two lines\nroot ::= greeting \" \" name+ |\n  \"x\"{2} # end\ngreeting ::= (\"Hi\" |\n "
     "\"Hello\")\nname ::= "
     "[A-Z] [a-z]{1,3}\n",
     {"Hi Bob", "Hello AlBo", "xx"},
     {"Hi ", "x", "Hi bob", "Hi Bobby"}},
    {"grammar", "root ::= \"(\" root \")\" | \"\"", {"", "()", "((()))"}, {"(", ")(", "(()"}},
    {"grammar", "root ::= \"\\u597d\" . [^\\n\\]]* \"\\\"\"", {"好x\"", "好\nabc\""}, {"好\"", "好x]\""}},
    {"json_schema",
     "{}",
     {"1", "-0.5e+3", "[]", "{\"a\":[null,true]}", "\"\\ud83d\\ude00\\n好\"", "[1, 2]"},
     {"", "01", "\"\\ud83d\"", "[1,]", "nul", "\"\n\"", "1 "}},
    {"json_schema",
     "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\"},\"b\":{\"type\":\"string\"},\"c\":{}}"
     ","
     "\"required\":[\"b\"]}",
     {"{\"b\":\"\"}", "{\"a\":1, \"b\":\"x\"}", "{\n  \"a\": -7,\n  \"b\": \"好\", \"c\": []\n}"},
     {"{}", "{\"a\":1}", "{\"b\":\"\",\"a\":1}", "{\"b\":\"\",\"d\":1}", "{\"b\":1}"}},
    {"json_schema",
     "{\"properties\":{\"ab\":{},\"b\":{}},\"additionalProperties\":{\"type\":\"null\"}}",
     {"{}", "{\"a\":null}", "{\"ab\":1,\"abc\":null,\"\":null}", "{\"b\":2,\"c\":null}"},
     {"{\"c\":1}", "{\"b\":1,\"ab\":null}", "{\"\\u0061\":null}", "{\"c\":null,\"b\":1}"}},
    {"json_schema",
     "{\"type\":\"array\",\"items\":{\"enum\":[1,\"a\",null]},\"minItems\":1,\"maxItems\":2}",
     {"[1]", "[ \"a\", null ]"},
     {"[]", "[1,1,1]", "[2]"}},
    {"json_schema",
     "{\"type\":\"string\",\"minLength\":2,\"maxLength\":3}",
     {"\"ab\"", "\"你好😀\"", "\"\\u4f60\\n\"", "\"\\ud83d\\ude00a\""},
     {"\"a\"", "\"abcd\"", "\"\\ud83d\\ude00\""}},
    {"json_schema",
     "{\"type\":\"string\",\"pattern\":\"^a\\\"?[\\\\\\\\\\n]$\"}",
     {"\"a\\\"\\\\\"", "\"a\\n\""},
     {"\"a\"", "\"a\n\"", "\"a\"\\\\\""}},
    {"json_schema",
     "{\"type\":\"integer\",\"minimum\":-12,\"exclusiveMaximum\":105}",
     {"-12", "-1", "0", "9", "99", "104"},
     {"-13", "105", "-0", "00", "1.0"}},
    {"json_schema",
     "{\"type\":\"number\",\"exclusiveMinimum\":0}",
     {"0.5", "1", "12.25"},
     {"0", "-1", "0.0", "1e5"}},
    {"json_schema",
     "{\"$ref\":\"#/$defs/"
     "t\",\"$defs\":{\"t\":{\"anyOf\":[{\"type\":\"null\"},{\"type\":\"array\",\"items\":{\"$ref\":"
     "\"#/$defs/t\"}}]}}}",
     {"null", "[null,[[],[null]]]"},
     {"[", "[1]", "nulll"}},
    {"json_schema",
     "{\"const\":{\"a\":[1,\"\\u00e9\"]}}",
     {"{\"a\":[1,\"é\"]}"},
     {"{\"a\": [1,\"é\"]}", "{}"}},
    {"json_schema", "{\"type\":[\"integer\",\"null\"],\"maximum\":3}", {"3", "null", "-99"}, {"4", "\"\""}},
};

static void forms_match_what_they_should(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const Case *c = &cases[i];
    Reading r = reading_open(c->form, c->text, strlen(c->text));
    if (!r.automaton) fail_msg("%s: %s", c->text, r.error.text);
    for (int k = 0; k < 8 && c->yes[k]; k++)
      if (!reading_matches(&r, c->yes[k], strlen(c->yes[k])))
        fail_msg("%s: does not match %s", c->text, c->yes[k]);
    for (int k = 0; k < 8 && c->no[k]; k++)
      if (reading_matches(&r, c->no[k], strlen(c->no[k]))) fail_msg("%s: matches %s", c->text, c->no[k]);
    reading_close(&r);
  }
}

/* form, text, what the error says */
static const char *const refused[][3] = {
    {"choices", "a,,b", "empty choice"},
    {"choices", "a,", "empty choice"},
    {"regex", "a(b", "byte 4: a ) is missing"},
    {"regex", "a)b", "a ) without a ("},
    {"regex", "[a", "a ] is missing"},
    {"regex", "*a", "nothing to repeat"},
    {"regex", "a**", "a repeat of a repeat"},
    {"regex", "a*+", "possessive"},
    {"regex", "a{2", "no count"},
    {"regex", "a{3,2}", "minimum 3 above its maximum 2"},
    {"regex", "(?=a)b", "only groups"},
    {"regex", "(?<=a)b", "only groups"},
    {"regex", "(?i)b", "only groups"},
    {"regex", "(a)\\1", "references to groups"},
    {"regex", "\\bword", "places"},
    {"regex", "\\p{L}", "Unicode properties"},
    {"regex", "a^b", "at the beginning"},
    {"regex", "(^a)", "at the beginning"},
    {"regex", "[[:alpha:]]", "POSIX"},
    {"regex", "\\u{1f600", "hexadecimal digit"},
    {"regex", "\\u{}", "hexadecimal digit"},
    {"regex", "\\u{1234567}", "hexadecimal digit"},
    {"choices", ",", "empty choice"},
    {"choices", "a,b\xff", "byte 4: not UTF-8"},
    {"regex", "\\q", "this escape"},
    {"regex", "[z-a]", "ends before it begins"},
    {"regex", "\\ud800", "no such character"},
    {"regex", "\\012", "octal"},
    {"regex", "[^\\u0000-\\U0010ffff]", "no text matches"},
    {"regex", "a\xff", "not UTF-8"},
    {"grammar", "root ::= \"a\" root", "no text matches"},
    {"grammar", "root ::= root \"a\" | \"b\"", "\"root\" refers to itself"},
    {"grammar", "root ::= x? y\nx ::= \"x\"\ny ::= x? z\nz ::= root \"a\" | \"a\"", "left recursion"},
    {"grammar", "root ::= x", "\"x\" is not defined"},
    {"grammar", "start ::= \"x\"", "no rule \"root\""},
    {"grammar", "root ::= \"x\"\nroot ::= \"y\"", "line 2: this rule is defined twice"},
    {"grammar", "root = \"x\"", "\"::=\" is missing"},
    {"grammar", "root ::= \"x", "a \" is missing"},
    {"grammar", "root ::= <think>", "tokens"},
    {"grammar", "root ::= (\"x\"", "a ) is missing"},
    {"grammar", "root ::= [\"x\"", "a ] is missing"},
    {"grammar", "", "no rule \"root\""},
    {"json_schema", "{\"type\":\"text\"}", "no type \"text\""},
    {"json_schema", "{\"type\":\"string\",\"maxlength\":3}", "\"maxlength\" is not supported"},
    {"json_schema", "{\"not\":{}}", "\"not\" is not supported"},
    {"json_schema", "{\"type\":\"array\",\"uniqueItems\":true}", "\"uniqueItems\" is not supported"},
    {"json_schema", "{\"type\":\"integer\",\"multipleOf\":2}", "\"multipleOf\" is not supported"},
    {"json_schema", "{\"type\":\"object\",\"patternProperties\":{}}",
     "\"patternProperties\" is not supported"},
    {"json_schema", "{\"$ref\":\"#/$defs/x\"}", "nothing at \"#/$defs/x\""},
    {"json_schema", "{\"$ref\":\"http://x/y\"}", "no place in this schema"},
    {"json_schema", "{\"$ref\":\"#\"}", "left recursion"},
    {"json_schema",
     "{\"$ref\":\"#/$defs/a\",\"$defs\":{\"a\":{\"$ref\":\"#/$defs/b\"},\"b\":{\"$ref\":\"#/$defs/a\"}}}",
     "left recursion"},
    {"json_schema", "{\"allOf\":[{\"$ref\":\"#\"}]}", "too many schemas"},
    {"json_schema", "{\"allOf\":[{\"$ref\":\"#/$defs/a\",\"minLength\":2}],\"$defs\":{\"a\":{}}}",
     "beside \"$ref\""},
    {"json_schema", "{\"$ref\":\"#/$defs/a\",\"minLength\":2,\"$defs\":{\"a\":{}}}", "beside \"$ref\""},
    {"json_schema",
     "{\"type\":\"object\",\"properties\":{\"x\":{\"$ref\":\"#\"}},\"required\":[\"x\"],"
     "\"additionalProperties\":false}",
     "no text matches"},
    {"json_schema", "{\"oneOf\":[{\"type\":\"integer\"},{\"minimum\":1}]}", "several branches"},
    {"json_schema", "{\"oneOf\":[{\"type\":\"integer\"},{\"type\":\"number\"}]}", "several branches"},
    {"json_schema", "{\"enum\":[1],\"minimum\":2}", "\"minimum\" beside \"enum\""},
    {"json_schema", "{\"enum\":[]}", "no text matches"},
    {"json_schema", "{\"type\":\"string\",\"format\":\"regex\"}", "format \"regex\""},
    {"json_schema", "{\"type\":\"string\",\"pattern\":\"a\",\"maxLength\":2}", "only one"},
    {"json_schema", "{\"type\":\"number\",\"minimum\":0.5}", "whole"},
    {"json_schema", "{\"minLength\":1,\"minimum\":1}", "\"type\" is missing"},
    {"json_schema", "{\"type\":\"string\",\"minLength\":-1}", "not a number from 0"},
    {"json_schema",
     "{\"type\":\"object\",\"required\":[\"x\"],\"properties\":{},\"additionalProperties\":false}",
     "\"x\" is required"},
    {"json_schema", "{\"allOf\":[{\"properties\":{\"a\":{}}},{\"additionalProperties\":false}]}",
     "different \"additionalProperties\""},
    {"json_schema", "{\"allOf\":[{\"prefixItems\":[{}]},{\"items\":{\"type\":\"null\"}}]}",
     "different \"items\""},
    {"json_schema", "{\"a\":1,\"a\":2}", "not valid JSON"},
    {"json_schema", "{\"type\":", "not valid JSON"},
};

static void what_is_not_understood_is_refused(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
    Reading r = reading_open(refused[i][0], refused[i][1], strlen(refused[i][1]));
    if (r.automaton) fail_msg("%s: not refused", refused[i][1]);
    if (!strstr(r.error.text, refused[i][2])) fail_msg("%s: %s", refused[i][1], r.error.text);
    reading_close(&r);
  }
}

/* ---- hostile ---- */

static char *repeated(const char *front, const char *middle, int count, const char *back) {
  Buffer b = {0};
  buffer_adds(&b, front);
  for (int i = 0; i < count; i++) buffer_adds(&b, middle);
  buffer_adds(&b, back);
  return buffer_take(&b);
}

static char *around(const char *open, int count, const char *inside, const char *close) {
  char *behind = repeated(inside, close, count, ""), *all = repeated("", open, count, behind);
  mem_free(behind);
  return all;
}

/* Refused, or read: text bytes in a bounded number of steps, whatever comes. */
static void bounded(const char *form, char *text, const char *says) {
  Reading r = reading_open(form, text, strlen(text));
  if (!r.automaton && (!says || !strstr(r.error.text, says))) fail_msg("%.80s: %s", text, r.error.text);
  if (r.automaton && says) fail_msg("%.80s: not refused", text);
  int32_t state = STATE_START;
  int64_t steps = 0;
  for (int i = 0; r.automaton && i < 3000; i++) {
    const int64_t before = steps;
    state = automaton_step(r.automaton, state, "ab"[i % 7 == 0], &steps);
    assert_true(steps - before <= AUTOMATON_MOST_STEPS + 2);
  }
  if (r.automaton) assert_true(automaton_bytes(r.automaton) < 512 << 20);
  reading_close(&r);
  mem_free(text);
}

static void hostile_ones_are_refused_or_bounded(void **state) {
  (void)state;
  bounded("regex", repeated("", "(", 100000, ""), "nested too deeply");
  bounded("regex", around("(?:a", 140, "", ")*"), NULL);
  bounded("regex", around("(a{1,1000}", 100, "", "){1,1000}"), NULL);
  bounded("regex", mem_strdup("(a|a)*(a|aa)*(a|b|ab)*c"), NULL);
  bounded("regex", mem_strdup("((a?){0,1000}){0,1000}b"), NULL);
  bounded("regex", mem_strdup("(a|b)*a(a|b){1000000}"), NULL);
  bounded("regex", mem_strdup("a{1,1000001}"), "counts to more than");
  bounded("regex", repeated("", "a?", 50000, "b"), NULL);
  bounded("regex", repeated("", "[^\\u0100\\u0300-\\u0310]|", 60000, "b"), NULL);
  bounded("regex", repeated("", "ab", 2000000, ""), "too large");
  bounded("grammar", repeated("root ::= ", "(", 100000, ""), "nested too deeply");
  bounded("grammar",
          mem_strdup("root ::= a a a a\na ::= b b b b\nb ::= c c c c\nc ::= d d d d\nd ::= \"a\"?"), NULL);
  bounded("json_schema", around("{\"items\":", 120, "{}", "}"), "nested too deeply");
  bounded("json_schema", repeated("", "[", 100000, ""), "not valid JSON");
  bounded(
      "json_schema",
      mem_strdup(
          "{\"$ref\":\"#/$defs/a\",\"$defs\":{\"a\":{\"allOf\":[{\"$ref\":\"#/$defs/b\"},{\"$ref\":\"#/$defs/"
          "b\"}]},\"b\":{\"allOf\":[{\"$ref\":\"#/$defs/a\"},{\"$ref\":\"#/$defs/a\"}]}}}"),
      "too many schemas");
  bounded("json_schema", mem_strdup("{\"type\":\"string\",\"maxLength\":100000}"), NULL);
  bounded("json_schema", mem_strdup("{\"type\":\"string\",\"maxLength\":100000000}"), "counts to more than");
  bounded("json_schema", repeated("{\"prefixItems\":[{}", ",{}", 5000, "]}"), "more than 100");
}

/* Rules that double what may be alive at each step: too many ways, and the state says so. */
static void too_many_ways_are_told(void **state) {
  (void)state;
  Buffer b = {0};
  buffer_adds(&b, "root ::= r0\n");
  for (int i = 0; i < 16; i++)
    buffer_addf(&b, "r%d ::= \"a\"? r%d \"b\" | \"a\"? r%d \"c\"\n", i, i + 1, i + 1);
  buffer_adds(&b, "r16 ::= \"a\"");
  Reading r = reading_open("grammar", b.data, b.length);
  assert_non_null(r.automaton);
  assert_int_equal(automaton_ways(r.automaton, STATE_START), 0);
  assert_false(automaton_accepts(r.automaton, STATE_START));
  reading_close(&r);
  buffer_free(&b);
}

/* Every text that can be read on is the beginning of one that matches: along random ways, the bytes are valid
 * UTF-8 up to an incomplete character. */
static void no_text_is_invalid_utf8(void **state) {
  (void)state;
  Reading r = reading_open("regex", "[^a]*", 5);
  uint64_t random = 1;
  char text[400];
  for (int round = 0; round < 200; round++) {
    int32_t at = STATE_START;
    size_t length = 0;
    for (int64_t steps = 0; length < sizeof text;) {
      random = random * 6364136223846793005U + 1442695040888963407U;
      const int32_t next = automaton_step(r.automaton, at, (unsigned char)(random >> 56), &steps);
      if (next == STATE_DEAD) continue;
      at = next;
      text[length++] = (char)(random >> 56);
    }
    const size_t valid = utf8_valid_prefix(text, length);
    assert_true(length - valid < 4 && valid == utf8_whole_prefix(text, length));
    assert_int_equal(automaton_accepts(r.automaton, at), valid == length);
  }
  reading_close(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(forms_match_what_they_should),
      cmocka_unit_test(what_is_not_understood_is_refused),
      cmocka_unit_test(hostile_ones_are_refused_or_bounded),
      cmocka_unit_test(too_many_ways_are_told),
      cmocka_unit_test(no_text_is_invalid_utf8),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
