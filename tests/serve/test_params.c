/* Parameters of requests: what is read, what is refused and by which name, and the settings that they set. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "serve/params.h"

#include <cmocka.h> /* last: it defines a macro `fail` */

static const Param list[] = {
#define PARAM(kind, name, required, otherwise, min, max, detail, setting, help) \
  {#name, PARAM_##kind, required, otherwise, min, max, detail, setting, help},
#include "serve/chat.def"
#undef PARAM
    {0}};

static json_t *read_ok(const char *body) {
  Problem p = {0};
  json_t *values;
  if (!params_read(list, body, strlen(body), &values, &p)) fail_msg("%s", p.error.text);
  return values;
}

static void refused(const char *body, const char *param) {
  Problem p = {0};
  json_t *values = NULL;
  if (params_read(list, body, strlen(body), &values, &p)) fail_msg("accepted: %s", body);
  assert_int_equal(p.status, HTTP_BAD);
  assert_string_equal(p.param, param);
  assert_true(*p.error.text);
  json_decref(values);
}

#define ASK "\"model\": \"m\", \"messages\": [{\"role\": \"user\", \"content\": \"x\"}]"

static void values_are_read_and_null_is_none(void **state) {
  (void)state;
  json_t *v = read_ok("{" ASK ", \"n\": 3, \"stop\": null, \"stream\": true}");
  assert_int_equal(param_int(v, "n", 1), 3);
  assert_int_equal(param_int(v, "seed", 7), 7);
  assert_true(param_switch(v, "stream"));
  assert_null(param_text(v, "stop", 0));
  json_decref(v);
  v = read_ok("{" ASK ", \"stop\": [\"a\", \"b\"]}");
  assert_string_equal(json_string_value(param_text(v, "stop", 1)), "b");
  assert_null(param_text(v, "stop", 2));
  json_decref(v);
}

static void values_become_settings(void **state) {
  (void)state;
  Problem p = {0};
  Error err = {0};
  double real;
  int64_t whole;
  json_t *v = read_ok(
      "{" ASK ", \"temperature\": 0.25, \"max_tokens\": 9, \"stop\": \"z\", \"logit_bias\": {\"5\": -1.5}}");
  ink_settings *s = ink_settings_write();
  assert_true(params_apply(list, v, s, &p));
  assert_true(ink_settings_get_real(s, "temperature", &real, &err) && real == 0.25);
  assert_true(ink_settings_get_int(s, "max_tokens", &whole, &err) && whole == 9);
  char *bias = ink_settings_get(s, "logit_bias");
  assert_non_null(strstr(bias, "5:-1.5"));
  ink_free(bias);
  ink_settings_free(s);
  json_decref(v);
}

static void what_is_wrong_is_named(void **state) {
  (void)state;
  refused("{\"model\": \"m\"}", "messages");
  refused("{" ASK ", \"Temperature\": 1}", "Temperature");
  refused("{" ASK ", \"temperature\": 101}", "temperature");
  refused("{" ASK ", \"n\": 1.0}", "n");
  refused("{" ASK ", \"n\": 65}", "n");
  refused("{" ASK ", \"tools\": [1]}", "tools");
  refused("{" ASK ", \"stream_options\": {\"include_usage\": 1}}", "stream_options.include_usage");
  refused("{" ASK ", \"logit_bias\": {\"-1\": 1}}", "logit_bias");
  refused("{" ASK ", \"stop\": \"a\\u0000b\"}", "stop");
  refused("{\"model\": \"m\", \"messages\": [{\"role\": \"user\", \"content\": \"x\", \"name\": \"y\"}]}",
          "messages[0].name");
  refused("[]", "");
  refused("{", "");
}

/* Brackets within texts do not count; escaped quotes do not end a text. */
static void depth_is_limited(void **state) {
  (void)state;
  char deep[200] = "{\"stop\": ";
  memset(deep + strlen(deep), '[', 60);
  refused(deep, "");
  json_t *v = read_ok("{" ASK ", \"stop\": \"\\\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"}");
  json_decref(v);
}

static void a_description_has_every_parameter(void **state) {
  (void)state;
  json_t *schema = params_schema(list);
  const json_t *properties = json_object_get(schema, "properties");
  for (const Param *p = list; p->name; p++) assert_non_null(json_object_get(properties, p->name));
  assert_int_equal(json_array_size(json_object_get(schema, "required")), 2);
  json_decref(schema);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(values_are_read_and_null_is_none), cmocka_unit_test(values_become_settings),
      cmocka_unit_test(what_is_wrong_is_named), cmocka_unit_test(depth_is_limited),
      cmocka_unit_test(a_description_has_every_parameter)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
