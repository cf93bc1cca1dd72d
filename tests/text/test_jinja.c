/* Templates print what transformers prints (tests/golden/jinja.jsonl, by scripts/golden_jinja.py), and what
 * is too much or unknown is one sentence. INKSTONE_JINJA_CASES: another file of such cases. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "text/jinja.h"

#include <cmocka.h> /* last: it defines fail() */

static bool render(const char *text, const json_t *variables, Buffer *out, JinjaSpans *spans, Error *err) {
  Jinja *t = jinja_parse(text, strlen(text), err);
  const bool ok = t && jinja_render(t, variables, out, spans, err);
  jinja_free(t);
  assert_true(ok == !err->code);
  return ok;
}

static bool same_spans(const JinjaSpans *got, const json_t *wanted) {
  bool same = got->count == json_array_size(wanted);
  for (size_t i = 0; same && i < got->count; i++) {
    const json_t *span = json_array_get(wanted, i);
    same = (json_int_t)got->data[i].begin == json_integer_value(json_array_get(span, 0)) &&
           (json_int_t)got->data[i].end == json_integer_value(json_array_get(span, 1));
  }
  return same;
}

/* NULL, or what is wrong. What is valid and refused says so. */
static const char *problem_of(const json_t *c, const char *got, const JinjaSpans *spans, const Error *err) {
  const char *wanted = json_string_value(json_object_get(c, "out"));
  const json_t *generated = json_object_get(c, "spans");
  if (!wanted) return got ? "is an error" : NULL;
  if (!got) return strstr(err->text, "support") || strstr(err->text, "64 bits") ? NULL : "is refused";
  return strcmp(got, wanted) ? "differs" : generated && !same_spans(spans, generated) ? "spans differ" : NULL;
}

static int check_case(const json_t *c, const json_t *plain, int line, int *refused) {
  const char *text = json_string_value(json_object_get(c, "t")),
             *wanted = json_string_value(json_object_get(c, "out"));
  const json_t *variables = json_object_get(c, "v");
  Buffer out = {0};
  JinjaSpans spans = {0};
  Error err = {0};
  const bool ok = render(text, variables ? variables : plain, &out, &spans, &err);
  const char *got = ok ? (out.data ? out.data : "") : NULL, *problem = problem_of(c, got, &spans, &err);
  if (problem)
    print_error("line %d %s: %s\n  wanted %s\n  got    %s\n", line, problem, text, wanted,
                got ? got : err.text);
  *refused += wanted && !got;
  buffer_free(&out);
  vec_free(&spans);
  return problem != NULL;
}

static void templates_print_what_transformers_prints(void **state) {
  (void)state;
  const char *path = getenv("INKSTONE_JINJA_CASES");
  FileView file;
  Error err = {0};
  json_t *cases = json_array(), *plain = NULL;
  if (!file_view_regular(path ? path : TESTS_DIR "/golden/jinja.jsonl", &file, &err))
    fail_msg("%s", err.text);
  for (const char *at = file.data, *end = at + file.size, *next; at < end; at = next + 1) {
    next = memchr(at, '\n', (size_t)(end - at));
    json_t *c = json_parse(at, (size_t)(next - at), "jinja.jsonl", &err);
    if (!c) fail_msg("%s", err.text);
    if (json_object_get(c, "plain")) plain = json_incref(json_object_get(c, "plain"));
    json_array_append_new(cases, c);
  }
  const size_t count = json_array_size(cases) - (plain != NULL);
  int refused = 0, wrong = 0;
  assert_true(count > 0);
  for (size_t i = 0; i < count; i++)
    wrong += check_case(json_array_get(cases, i), plain, (int)i + 1, &refused);
  print_message("%zu templates, %d of them refused as not supported\n", count, refused);
  assert_int_equal(wrong, 0);
  assert_true((size_t)refused * 20 <= count);
  json_decref(cases);
  json_decref(plain);
  file_view_close(&file);
}

static void refuse(const char *text, const char *what) {
  Buffer out = {0};
  Error err = {0};
  json_t *variables = json_build("{s:s}", "s", "text");
  if (render(text, variables, &out, NULL, &err)) fail_msg("%s is accepted: %s", text, out.data);
  if (!strstr(err.text, what)) fail_msg("%s: %s", text, err.text);
  assert_int_equal(out.length, 0);
  json_decref(variables);
  buffer_free(&out);
}

static void what_is_unknown_is_refused_by_name_with_its_line(void **state) {
  (void)state;
  refuse("a\n{{ s | urlize }}", "line 2: the filter \"urlize\" is not supported");
  refuse("\n\n{{ s is escaped }}", "line 3: the test \"escaped\" is not supported");
  refuse("{{ s.zfill(3) }}", "line 1: the attribute 'zfill' of 'str' is not supported");
  refuse("{% include 'x' %}", "line 1: the tag {% include %} is not supported");
  refuse("\n{{ cycler(1) }}", "line 2: \"cycler\" is not supported");
  refuse("{% for x in [] recursive %}{% endfor %}", "recursive loops are not supported");
  refuse("{{ s.upper(*[]) }}", "arguments with * and ** are not supported");
  refuse("{{ raise_exception('only users') }}", "only users");
  refuse("{% if s %}\n{{ s }", "line 2: \"}\" closes no bracket");
  refuse("{% if s %}x", "line 1: {% endif %} expected, not the end");
}

static char *repeated(const char *before, const char *text, int times, const char *after) {
  Buffer b = {0};
  buffer_adds(&b, before);
  for (int i = 0; i < times; i++) buffer_adds(&b, text);
  buffer_adds(&b, after);
  return buffer_take(&b);
}

static void refuse_repeated(const char *before, const char *text, int times, const char *after,
                            const char *what) {
  char *template = repeated(before, text, times, after);
  refuse(template, what);
  mem_free(template);
}

static void bombs_end_in_one_sentence(void **state) {
  (void)state;
  refuse("{{ 'a' * 1000000000000 }}", "the template");
  refuse(
      "{% set ns = namespace(x='aaaaaaaa') %}{% for i in range(99) %}{% set ns.x = ns.x ~ ns.x %}{% endfor "
      "%}",
      "memory");
  refuse("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}", "the template");
  refuse("{% for a in range(99999) %}{% for b in range(99) %}{{ s * 999 }}{% endfor %}{% endfor %}",
         "the template");
  refuse("{% set r = range(99999) %}{% for a in r %}{{ 1 if -1 in r }}{% endfor %}",
         "does not come to an end");
  refuse("{% set s = 'a' * 9999999 %}{% for a in range(99999) %}{{ 1 if s != 'b' ~ s }}{% endfor %}",
         "the template");
  refuse("{% set s = 'a' * 9999999 %}{% for a in range(99999) %}{{ s.count('b') }}{% endfor %}",
         "not come to an end");
  refuse("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "levels are nested");
  refuse(
      "{% set ns = namespace(x=[]) %}{% for i in range(999) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x }}",
      "levels are nested");
  refuse("{% set ns = namespace() %}{% set ns.x = [ns] %}{{ ns.x == ns.x }}{{ ns.x }}", "not supported");
  refuse("{{ range(1000000) }}", "the range is too big");
  refuse("{{ 9223372036854775807 + 1 }}", "is not supported");
  refuse("{{ 9223372036854775806 + 9 }}", "more than 64 bits");
  refuse_repeated("{{ ", "(", 100000, "", "brackets are nested too deeply");
  refuse_repeated("{{ ", "not ", 100000, "1 }}", "levels are nested");
  refuse_repeated("{{ ", "-", 100000, "1 }}", "levels are nested");
  refuse_repeated("{{ s", "|upper", 100000, " }}", "levels are nested");
  refuse_repeated("{{ 1", "+1", 100000, " }}", "levels are nested");
  refuse_repeated("{{ ", "1 if 0 else ", 50000, "1 }}", "levels are nested");
  refuse_repeated("", "{% if 1 %}", 50000, "", "levels are nested");
  refuse_repeated("", "0123456789abcdef", 70000, "", "more than 1048576 bytes");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(templates_print_what_transformers_prints),
                                     cmocka_unit_test(what_is_unknown_is_refused_by_name_with_its_line),
                                     cmocka_unit_test(bombs_end_in_one_sentence)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
