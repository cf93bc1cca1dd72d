/* Conversations in JSON: every form, the roles and members of messages, and what is refused by name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "data/pair_texts.h"
#include "data/pairs_impl.h"

#include <cmocka.h> /* last: it defines fail() */

/* Conversations as "u:hi a:ho{members}|...": a letter for each role, G for a given reply; "-": without a
 * text. */
static const char *read_as(const char *text, Flags flags) {
  static Buffer all;
  Error err = {0};
  Pairs *p = try_texts(&text, 1, true, flags, &err);
  if (!p) fail_msg("%s", err.text);
  all.length = 0;
  for (size_t i = 0; i < p->count; i++)
    for (size_t k = 0; k < p->examples[i].turns; k++) {
      const size_t turn = p->examples[i].first + k;
      const TurnMembers *m = turn_members(p, turn);
      buffer_addf(&all, "%s%c:%.*s%s%s",
                  k   ? " "
                  : i ? "|"
                      : "",
                  "suaGtv"[p->roles[turn]], (int)p -> turns[turn].length, p->turns[turn].text,
                  m && m->textless ? "-" : "", m ? m->json : "");
    }
  pairs_free(p);
  return all.data;
}
#define READ(text, wanted) assert_string_equal(read_as(text, NULL), wanted)

static void expect_said(const char *what) {
  if (!strstr(told, what)) fail_msg("\"%s\" was not said:\n%s", what, told);
}

static void refused(const char *text, const char *const *parts) {
  Error err = {0};
  Pairs *p = try_texts(&text, 1, true, NULL, &err);
  if (p) fail_msg("read: %s", text);
  for (; *parts; parts++)
    if (!strstr(err.text, *parts)) fail_msg("\"%s\" does not say \"%s\"", err.text, *parts);
}
#define REFUSED(text, ...) refused(text, (const char *const[]){__VA_ARGS__, NULL})

#define USER      "{\"role\":\"user\",\"content\":\"q\"}"
#define ASSISTANT "{\"role\":\"assistant\",\"content\":\"r\"}"
#define CALL      "{\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":{\"x\":1}}}"

static void messages_of_openai(void **state) {
  READ("{\"messages\":[{\"role\":\"developer\",\"content\":\"d\"}," USER "," ASSISTANT "]}", "s:d u:q a:r");
  expect_said("OpenAI format");
  READ("{\"messages\":[" USER ",{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[" CALL
       "]},"
       "{\"role\":\"tool\",\"name\":\"f\",\"content\":\"2\"}," ASSISTANT "]}",
       "u:q a:{\"tool_calls\":[" CALL "],\"content\":null} t:2{\"name\":\"f\"} a:r");
  READ("{\"messages\":[" USER ",{\"role\":\"assistant\",\"tool_calls\":[" CALL "]}]}",
       "u:q a:-{\"tool_calls\":[" CALL "]}");
  READ("{\"messages\":[" USER ",{\"role\":\"assistant\",\"content\":\"x\",\"weight\":0}," USER
       ",{\"role\":\"assistant\",\"content\":\"y\",\"weight\":1}]}",
       "u:q G:x u:q a:y");
  READ("{\"messages\":[" USER
       ",{\"role\":\"assistant\",\"content\":\"x\",\"tool_calls\":[],\"name\":null,"
       "\"refusal\":\"\"}]}",
       "u:q a:x"); /* members without content are left out */
}

static void variables_of_the_template(void **state) {
  READ("{\"tools\":[{\"name\":\"f\"}],\"messages\":[" USER "," ASSISTANT "]}",
       "v:{\"tools\":[{\"name\":\"f\"}]} u:q a:r");
  READ("{\"tools\":\"[{\\\"name\\\":\\\"f\\\"}]\",\"system\":\"s\",\"messages\":[" USER "," ASSISTANT "]}",
       "v:{\"tools\":[{\"name\":\"f\"}]} s:s u:q a:r");
  READ("{\"chat_template_kwargs\":{\"enable_thinking\":false},\"tools\":[],\"messages\":[" USER "," ASSISTANT
       "]}",
       "v:{\"enable_thinking\":false} u:q a:r");
  REFUSED("{\"messages\":[]}", "a.txt:1", "\"messages\" is an empty list");
  REFUSED("{\"conversations\":[],\"prompt\":\"x\"}", "\"conversations\" is an empty list");
  REFUSED("{\"prompt\":[" USER "],\"completion\":[]}", "\"completion\" is an empty list");
  READ("{\"messages\":[],\"conversation\":[" USER "," ASSISTANT "]}", "u:q a:r");
  READ("{\"messages\":[],\"prompt\":[" USER "],\"completion\":[" ASSISTANT "]}", "u:q a:r");
  REFUSED("{\"tools\":[1],\"messages\":[" USER "," ASSISTANT "]}", "a.txt:1",
          "\"tools\" is not a list of objects");
  REFUSED("{\"tools\":\"x\",\"messages\":[" USER "," ASSISTANT "]}", "\"tools\" is not a list of objects");
  REFUSED("{\"documents\":{},\"tools\":3,\"messages\":[" USER "," ASSISTANT "]}", "\"tools\"");
  REFUSED("{\"chat_template_kwargs\":{\"messages\":[]},\"messages\":[" USER "," ASSISTANT "]}",
          "chat_template_kwargs", "\"messages\"");
}

static void messages_of_sharegpt(void **state) {
  READ(
      "{\"conversations\":[{\"from\":\"human\",\"value\":\"a\"},{\"from\":\"function_call\",\"value\":"
      "\"{\\\"name\\\": \\\"f\\\", \\\"arguments\\\": {}}\"},{\"from\":\"observation\",\"value\":\"o\"},"
      "{\"from\":\"gpt\",\"value\":\"b\"}]}",
      "u:a a:{\"tool_calls\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":{}}}]} t:o "
      "a:b");
  expect_said("ShareGPT format");
  READ("{\"conversation\":[{\"role\":\"human\",\"value\":\"a\"},{\"from\":\"model\",\"content\":\"b\"}]}",
       "u:a a:b");
  REFUSED(
      "{\"conversations\":[{\"from\":\"human\",\"value\":\"a\"},{\"from\":\"function_call\",\"value\":\"x\"}]"
      "}",
      "message 2", "function call");
}

static void a_list_as_prompt_and_one_as_completion(void **state) {
  READ("{\"prompt\":[" USER "," ASSISTANT "," USER "],\"completion\":[" ASSISTANT "]}", "u:q G:r u:q a:r");
  expect_said("replies of the completion are learnt");
  REFUSED("{\"prompt\":[" USER "],\"completion\":[1]}", "message 1", "not an object");
}

static void rows_of_alpaca_with_a_history(void **state) {
  READ(
      "{\"instruction\":\"i\",\"input\":\"j\",\"output\":\"o\",\"system\":\"s\",\"history\":[[\"x\",\"y\"]]}",
      "s:s u:x a:y u:i\nj a:o");
  READ("{\"instruction\":\"i\",\"output\":\"o\",\"system\":\"\",\"history\":[]}", "u:i a:o");
  REFUSED("{\"instruction\":\"i\",\"output\":\"o\",\"history\":[[\"x\"]]}",
          "\"history\" is not a list of pairs");
}

/* ms-swift's rows, and pairs with a system turn. */
static void pairs_with_rounds(void **state) {
  READ("{\"query\":\"q\",\"response\":\"r\",\"system\":\"s\",\"history\":[[\"x\",\"y\"]]}",
       "s:s u:x a:y u:q a:r");
  READ("{\"source\":\"q\",\"target\":\"r\",\"system\":\"s\"}", "s:s u:q a:r");
  REFUSED("{\"source\":\"q\",\"target\":[\"r\",\"t\"],\"system\":\"s\"}", "has several texts of \"target\"");
  REFUSED("{\"query\":\"q\",\"response\":\"r\",\"history\":\"x\"}", "\"history\" is not a list of pairs");
}

static void messages_say_whether_they_are_learnt(void **state) {
  static const char *const no[] = {"\"weight\":0", "\"train\":false", "\"loss\":false",
                                   "\"loss\":0,\"weight\":1"},
                           *const yes[] = {"\"weight\":1.0", "\"train\":true", "\"loss\":null"};
  char text[300];
  static const char format[] =
      "{\"messages\":[" USER ",{\"role\":\"assistant\",\"content\":\"n\",%s}," USER "," ASSISTANT "]}";
  for (size_t i = 0; i < sizeof no / sizeof *no; i++) {
    snprintf(text, sizeof text, format, no[i]);
    READ(text, "u:q G:n u:q a:r");
  }
  for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) {
    snprintf(text, sizeof text, format, yes[i]);
    READ(text, "u:q a:n u:q a:r");
  }
  snprintf(text, sizeof text, format, "\"train\":\"no\"");
  REFUSED(text, "message 2 has a \"train\" other than 0 and 1");
}

/* Each kind of object is said once, and how many there were. */
static void mixed_formats_are_counted(void **state) {
  static const char one[] = "{\"instruction\":\"i\",\"output\":\"o\"}\n",
                    two[] = "{\"messages\":[" USER "," ASSISTANT "]}\n";
  Buffer text = {0};
  for (int i = 0; i < 3; i++) buffer_addf(&text, "%s%s", one, i ? two : "");
  READ(text.data, "u:i a:o|u:i a:o|u:q a:r|u:i a:o|u:q a:r");
  expect_said("formats are mixed: 3 objects: Alpaca format");
  expect_said("formats are mixed: 2 objects: conversations in the OpenAI format");
  const char *first = strstr(told, "Alpaca format");
  first = strstr(first + 1, "Alpaca format");
  assert_null(strstr(first + 1, "Alpaca format"));
  buffer_free(&text);
}

static void what_is_odd_is_named(void **state) {
  READ("{\"id\":1,\"source\":\"x\",\"messages\":[" USER
       ",{\"role\":\"assistant\",\"content\":\"r\",\"mood\":2}]}",
       "u:q a:r{\"mood\":2}");
  expect_said("not read: \"id\", \"source\"");
  expect_said("messages have \"mood\", which is given to the model's chat template");
  REFUSED("{\"images\":[\"a.png\"],\"messages\":[" USER "," ASSISTANT "]}", "a.txt:1: has \"images\"");
  REFUSED("{\"functions\":[{}],\"messages\":[" USER "," ASSISTANT "]}", "has \"functions\"");
  REFUSED("{\"chosen\":[{}],\"messages\":[" USER "," ASSISTANT "]}", "has \"chosen\"");
  REFUSED("{\"messages\":[" USER ",{\"role\":\"assistant\",\"function_call\":{\"name\":\"f\"}}]}",
          "message 2", "write it as \"tool_calls\"");
  REFUSED("{\"messages\":[" USER ",{\"role\":\"critic\",\"content\":\"x\"}]}",
          "message 2 has the role \"critic\"");
}

static void bad_conversations_may_be_skipped(void **state) {
  assert_string_equal(
      read_as("{\"messages\":[" USER ",{\"role\":\"assistant\",\"content\":\"x\",\"mood\":2},1]}\n"
              "{\"messages\":[" USER "," ASSISTANT "]}\n",
              FLAGS("skip_bad", "true")),
      "u:q a:r");
  expect_said("1 unreadable line");
}

/* Conversations that differ in a call alone are different. */
static void members_tell_conversations_apart(void **state) {
  Error err = {0};
  uint64_t seen[3], sources[3];
  for (int i = 0; i < 3; i++) {
    char text[300];
    snprintf(text, sizeof text,
             "{\"messages\":[" USER ",{\"role\":\"assistant\",\"tool_calls\":[{\"x\":%d}]}," USER
             "," ASSISTANT "]}",
             i / 2);
    Pairs *p = try_texts(&(const char *){text}, 1, true, NULL, &err);
    if (!p) fail_msg("%s", err.text);
    seen[i] = p->fingerprint;
    sources[i] = source_key(p, p->examples);
    pairs_free(p);
  }
  assert_true(seen[0] == seen[1] && seen[0] != seen[2]);
  assert_true(sources[0] == sources[1] && sources[0] != sources[2]);
}

static void tools_need_a_template(void **state) {
  Error err = {0};
  const char *texts[] = {"{\"tools\":[{}],\"messages\":[" USER "," ASSISTANT "]}",
                         "{\"messages\":[" USER "," ASSISTANT ",{\"role\":\"tool\",\"content\":\"x\"}]}",
                         "{\"messages\":[" USER ",{\"role\":\"assistant\",\"tool_calls\":[{}]}]}",
                         "{\"messages\":[" USER "," ASSISTANT "]}"};
  const char *wanted[] = {"tools or other variables", "results of tools", "tool calls", NULL};
  for (size_t i = 0; i < 4; i++) {
    Pairs *p = try_texts(&texts[i], 1, true, NULL, &err);
    if (!p) fail_msg("%s", err.text);
    const char *what = example_needs_template(p, p->examples);
    assert_true(wanted[i] ? what && strstr(what, wanted[i]) : !what);
    pairs_free(p);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(messages_of_openai),
                                     cmocka_unit_test(variables_of_the_template),
                                     cmocka_unit_test(messages_of_sharegpt),
                                     cmocka_unit_test(a_list_as_prompt_and_one_as_completion),
                                     cmocka_unit_test(rows_of_alpaca_with_a_history),
                                     cmocka_unit_test(pairs_with_rounds),
                                     cmocka_unit_test(messages_say_whether_they_are_learnt),
                                     cmocka_unit_test(mixed_formats_are_counted),
                                     cmocka_unit_test(what_is_odd_is_named),
                                     cmocka_unit_test(bad_conversations_may_be_skipped),
                                     cmocka_unit_test(members_tell_conversations_apart),
                                     cmocka_unit_test(tools_need_a_template)};
  const int failed = cmocka_run_group_tests(tests, scratch_open, scratch_close);
  ink_settings_free(settings);
  return failed;
}
