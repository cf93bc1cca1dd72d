/* JSON: what is refused and where, typed members, whole files. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/json.h"
#include "base/scratch.h"

#include <cmocka.h> /* last: it defines fail() */

static json_t *parse(const char *text, Error *err) {
  return json_parse(text, strlen(text), "a.json", err);
}

static void errors_say_where(void **state) {
  Error err = {0};
  assert_null(parse("{\n  \"a\": 1,\n  \"b\": ,\n}", &err));
  assert_int_equal(err.code, INK_DAMAGED);
  assert_memory_equal(err.text, "a.json:3:", 9);
}

static void what_is_not_json_is_refused(void **state) {
  const char *const wrong[] = {"",     "{",        "{\"a\": 1} x", "{\"a\": 1, \"a\": 2}",
                               "[1,]", "\"\xff\"", "[1e999]",      "{'a': 1}"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    Error err = {0};
    assert_null(parse(wrong[i], &err));
    assert_int_equal(err.code, INK_DAMAGED);
  }
}

/* Ids of other programs, and what tokenizer_config.json has for "no limit". */
static void numbers_beyond_64_bits_are_reals(void **state) {
  Error err = {0};
  json_t *json = parse(
      "{\"a\\\"1\": 18446744073709551615, \"b\": [-1000000000000000019884624838656, 9223372036854775807,"
      " 9223372036854775808], \"c\": \"99999999999999999999\", \"d\": 123456789012345678901e-3}",
      &err);
  assert_non_null(json);
  const json_t *b = json_object_get(json, "b");
  assert_true(json_real_value(json_object_get(json, "a\"1")) == 18446744073709551616.0);
  assert_true(json_real_value(json_array_get(b, 0)) == -1e30);
  assert_true(json_integer_value(json_array_get(b, 1)) == INT64_MAX);
  assert_true(json_real_value(json_array_get(b, 2)) == 9223372036854775808.0);
  assert_string_equal(json_get_text(json, "c", ""), "99999999999999999999");
  assert_true(json_real_value(json_object_get(json, "d")) == 123456789012345678.901);
  json_decref(json);
}

static void depth_is_limited(void **state) {
  Buffer deep = {0};
  Error err = {0};
  buffer_adds(&deep, "{\"x\": ");
  for (int i = 0; i < 300; i++) buffer_adds(&deep, "[");
  for (int i = 0; i < 300; i++) buffer_adds(&deep, "]");
  buffer_adds(&deep, "}");
  assert_null(parse(deep.data, &err));
  assert_non_null(strstr(err.text, "depth"));
  err = (Error){0};
  buffer_clear(&deep);
  for (int i = 0; i < 1000000; i++) buffer_adds(&deep, "[");
  assert_null(parse(deep.data, &err));
  assert_int_equal(err.code, INK_DAMAGED);
  buffer_free(&deep);
}

/* Not as jansson's own functions, which leave it out. */
static void what_is_built_is_whole(void **state) {
  json_t *json = json_build("{s:[i, s]}", "list", 1, "a");
  json_put(json, "loss", json_number(2.5));
  json_put(json, "endless", json_number(INFINITY));
  json_put(json, "none", json_number(NAN));
  json_push(json_object_get(json, "list"), json_string("b"));
  json_merge(json, json_build("{s:b}", "done", 1));
  char *text = json_text(json, JSON_COMPACT | JSON_SORT_KEYS);
  assert_string_equal(text,
                      "{\"done\":true,\"endless\":null,\"list\":[1,\"a\",\"b\"],\"loss\":2.5,\"none\":null}");
  mem_free(text);
  json_decref(json);
}

static bool build_guarded(Error *err) {
  MEM_GUARD(err, return false);
  json_t *json = json_object();
  for (int i = 0; i < 20; i++) {
    char key[16];
    snprintf(key, sizeof key, "k%d", i);
    json_put(json, key, json_build("[s, f]", "text", 0.5));
  }
  char *text = json_text(json, JSON_COMPACT);
  assert_int_equal(json_object_size(json), 20);
  mem_free(text);
  json_decref(json);
  MEM_GUARD_END();
  return true;
}

/* Each allocation of jansson's counts, and none that fails is survived with a part missing. */
static void building_survives_exhaustion(void **state) {
  int failures = 0;
  leaks_allowed(true);
  for (bool ok = false; !ok; failures += !ok) {
    Error err = {0};
    mem_fail_after(failures + 1);
    ok = build_guarded(&err);
    mem_fail_after(0);
    if (!ok) assert_memory_equal(err.text, "out of memory", 13);
  }
  leaks_allowed(false);
  assert_true(failures > 60);
}

static void members_are_typed(void **state) {
  Error err = {0};
  json_t *json = parse("{\"i\": 9007199254740993, \"r\": 0.5, \"b\": true, \"t\": \"x\", \"n\": null}", &err);
  int64_t i;
  double r;
  bool b;
  assert_true(json_get_int(json, "i", 0, &i, "a", &err) && i == 9007199254740993);
  assert_true(json_get_real(json, "r", 0, &r, "a", &err) && r == 0.5);
  assert_true(json_get_real(json, "i", 0, &r, "a", &err) && r == 9007199254740992.0);
  assert_true(json_get_bool(json, "b", false, &b, "a", &err) && b);
  assert_true(json_get_int(json, "absent", -5, &i, "a", &err) && i == -5);
  assert_true(json_get_real(json, "n", 2.5, &r, "a", &err) && r == 2.5);
  assert_true(json_get_bool(json, "absent", true, &b, "a", &err) && b);
  assert_string_equal(json_get_text(json, "t", "none"), "x");
  assert_string_equal(json_get_text(json, "i", "none"), "none");
  assert_int_equal(err.code, INK_OK);
  json_decref(json);
}

static void wrong_types_name_the_member(void **state) {
  json_t *json = parse("{\"x\": \"text\", \"y\": 1.5}", NULL);
  int64_t i;
  double r;
  bool b;
  Error err[4] = {0};
  assert_false(json_get_int(json, "x", 0, &i, "config.json", &err[0]));
  assert_string_equal(err[0].text, "config.json: \"x\" is not a whole number");
  assert_false(json_get_int(json, "y", 0, &i, "config.json", &err[1]));
  assert_false(json_get_real(json, "x", 0, &r, "config.json", &err[2]));
  assert_false(json_get_bool(json, "y", 0, &b, "config.json", &err[3]));
  for (int k = 0; k < 4; k++) assert_int_equal(err[k].code, INK_DAMAGED);
  json_decref(json);
}

static void files_come_back_as_they_were(void **state) {
  Error err = {0};
  json_t *json =
      json_build("{s:f, s:I, s:s}", "third", 1.0 / 3, "big", (json_int_t)INT64_MAX, "text", "\xe5\xa2\xa8\n");
  assert_true(json_write(in_scratch("a.json"), json, &err));
  json_t *read = json_read(in_scratch("a.json"), &err);
  assert_true(json_equal(json, read)); /* reals bit for bit */
  char *text = json_text(read, JSON_COMPACT | JSON_SORT_KEYS);
  assert_string_equal(
      text, "{\"big\":9223372036854775807,\"text\":\"\xe5\xa2\xa8\\n\",\"third\":0.33333333333333331}");
  mem_free(text);
  json_decref(read);
  json_decref(json);
}

static void file_errors_name_the_file(void **state) {
  Error err = {0}, other = {0};
  assert_null(json_read(in_scratch("absent.json"), &err));
  assert_non_null(strstr(err.text, "absent.json"));
  assert_non_null(strstr(err.text, "No such file"));
  json_t *json = json_object();
  assert_false(json_write(in_scratch("no/such/dir.json"), json, &other));
  assert_int_equal(other.code, INK_NOT_FOUND);
  json_decref(json);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(errors_say_where),
      cmocka_unit_test(what_is_not_json_is_refused),
      cmocka_unit_test(numbers_beyond_64_bits_are_reals),
      cmocka_unit_test(depth_is_limited),
      cmocka_unit_test(what_is_built_is_whole),
      cmocka_unit_test(building_survives_exhaustion),
      cmocka_unit_test(members_are_typed),
      cmocka_unit_test(wrong_types_name_the_member),
      cmocka_unit_test(files_come_back_as_they_were),
      cmocka_unit_test(file_errors_name_the_file),
  };
  return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
