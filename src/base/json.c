#include "base/json.h"

#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/kinds.h"
#include "base/language.h"

/* Number of digits at `at` if they form a whole number beyond 64 bits; else 0. */
static size_t too_big(const char *at, const char *end) {
  static const char most[] = "9223372036854775807";
  size_t n = 0;
  while (at + n < end && at[n] >= '0' && at[n] <= '9') n++;
  if (n < sizeof most - 1 || (n == sizeof most - 1 && memcmp(at, most, n) <= 0)) return 0;
  return at + n < end && strchr(".eE", at[n]) ? 0 : n;
}

/* Copies the text with ".0" appended to whole numbers too big for jansson; JSON has no such limit. */
static void make_real(const char *text, size_t length, Buffer *out) {
  const char *end = text + length, *kept = text;
  bool quoted = false;
  for (const char *at = text; at < end; at++) {
    if (*at == '\\')
      at++;
    else if (*at == '"')
      quoted = !quoted;
    else if (!quoted && *at >= '0' && *at <= '9') {
      const size_t n = too_big(at, end);
      if (n) {
        buffer_add(out, kept, (size_t)(at + n - kept));
        buffer_adds(out, ".0");
        kept = at + n;
      }
      while (at + 1 < end && at[1] && strchr("0123456789.eE+-", at[1])) at++;
    }
  }
  buffer_add(out, kept, (size_t)(end - kept));
}

/* jansson's own limit takes more stack than some threads have, to read and, above all, to write. */
static bool is_deep(const char *text, size_t length) {
  enum { DEEPEST = 256 };
  bool quoted = false;
  int depth = 0;
  for (const char *at = text, *end = text + length; at < end && depth <= DEEPEST; at++) {
    if (*at == '"')
      quoted = !quoted;
    else if (*at == '\\')
      at++;
    else if (!quoted && (*at == '[' || *at == '{'))
      depth++;
    else if (!quoted && (*at == ']' || *at == '}'))
      depth--;
  }
  return depth > DEEPEST;
}

json_t *json_load(const char *text, size_t length, size_t flags, json_error_t *problem) {
  if (!is_deep(text, length)) return json_loadb(text, length, flags, problem);
  *problem = (json_error_t){.line = 1, .text = "maximum parsing depth reached"};
  problem->text[JSON_ERROR_TEXT_LENGTH - 1] =
      (char)json_error_stack_overflow; /* as json_error_code reads it */
  return NULL;
}

/* "invalid token near 'x'": what follows "near" is of the text. */
char *json_problem(const json_error_t *problem) {
  static const char near[] = " near ";
  const char *place = strstr(problem->text, near);
  const int length = (int)(place ? place - problem->text : (ptrdiff_t)strlen(problem->text));
  char fact[JSON_ERROR_TEXT_LENGTH];
  Buffer b = {0};
  snprintf(fact, sizeof fact, "%.*s", length, problem->text);
  buffer_adds(&b, language_text(fact));
  if (place && !strcmp(place + strlen(near), "end of file"))
    buffer_adds(&b, _(" near end of file"));
  else if (place)
    buffer_addf(&b, _(" near %s"), place + strlen(near));
  return buffer_take(&b);
}

static json_t *load(const char *text, size_t length, json_error_t *problem) {
  static const size_t flags = JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL;
  json_t *json = json_load(text, length, flags, problem);
  if (json || json_error_code(problem) != json_error_numeric_overflow) return json;
  Buffer real = {0};
  make_real(text, length, &real);
  json = json_load(real.data, real.length, flags, problem);
  buffer_free(&real);
  return json;
}

/* When jansson runs out of memory, the public function unwinds, so that no partial value is used. */
__attribute__((constructor)) static void set_allocator(void) {
  json_set_alloc_funcs(mem_alloc_library, mem_free);
}

json_t *json_parse(const char *text, size_t length, const char *where, Error *err) {
  json_error_t problem;
  json_t *json = load(text, length, &problem);
  if (!json && json_error_code(&problem) == json_error_out_of_memory)
    fail(err, "%s: out of memory", where); /* only outside any guard */
  else if (!json) {
    char *what = json_problem(&problem);
    fail_damaged(err, "%s:%d:%d: not valid JSON: %s", where, problem.line, problem.column, what);
    mem_free(what);
  }
  return json;
}

json_t *json_read(const char *path, Error *err) {
  FileView file;
  if (!file_view_regular(path, &file, err)) return NULL;
  json_t *json =
      kind_refuse(path, file.data, file.size, err) ? NULL : json_parse(file.data, file.size, path, err);
  file_view_close(&file);
  if (!json || json_is_object(json)) return json;
  json_decref(json);
  fail_damaged(err, "%s: not a JSON object ({...}): restore the original file", path);
  return NULL;
}

char *json_text(const json_t *json, size_t flags) {
  static const size_t precision = JSON_REAL_PRECISION(31); /* the bits of that field */
  char *text = json_dumps(json, flags & precision ? flags : flags | JSON_REAL_PRECISION(17));
  if (!text) mem_exhausted(0); /* invalid values, the only other cause, cannot be built */
  return text;
}

bool json_write(const char *path, const json_t *json, Error *err) {
  char *text = json_text(json, JSON_INDENT(2));
  Buffer lines = {0};
  buffer_addf(&lines, "%s\n", text);
  const bool ok = file_replace(path, lines.data, lines.length, err);
  buffer_free(&lines);
  mem_free(text);
  return ok;
}

json_t *json_build(const char *format, ...) {
  va_list values;
  va_start(values, format);
  json_t *json = json_vpack_ex(NULL, 0, format, values);
  va_end(values);
  CHECK(json);
  return json;
}

void json_put(json_t *object, const char *key, json_t *value) {
  CHECK(value && json_object_set_new(object, key, value) == 0);
}

void json_share(json_t *object, const char *key, const json_t *value) {
  if (value) json_put(object, key, json_incref((json_t *)(uintptr_t)value));
}

void json_push(json_t *array, json_t *value) {
  CHECK(value && json_array_append_new(array, value) == 0);
}

void json_merge(json_t *object, json_t *other) {
  CHECK(other && json_object_update_new(object, other) == 0);
}

json_t *json_number(double value) {
  return isfinite(value) ? json_real(value) : json_null();
}

bool json_is_utf8(const char *text, size_t length) {
  json_t *json = json_stringn(text, length);
  json_decref(json);
  return json != NULL;
}

static const json_t *present(const json_t *object, const char *key) {
  const json_t *value = json_object_get(object, key);
  return value && !json_is_null(value) ? value : NULL;
}

bool json_get_int(const json_t *object, const char *key, int64_t fallback, int64_t *out, const char *where,
                  Error *err) {
  const json_t *value = present(object, key);
  *out = value ? json_integer_value(value) : fallback;
  return !value || json_is_integer(value) ||
         fail_damaged(err, "%s: \"%s\" is not a whole number", where, key);
}

bool json_get_real(const json_t *object, const char *key, double fallback, double *out, const char *where,
                   Error *err) {
  const json_t *value = present(object, key);
  *out = value ? json_number_value(value) : fallback;
  return !value || json_is_number(value) || fail_damaged(err, "%s: \"%s\" is not a number", where, key);
}

bool json_get_bool(const json_t *object, const char *key, bool fallback, bool *out, const char *where,
                   Error *err) {
  const json_t *value = present(object, key);
  *out = value ? json_is_true(value) : fallback;
  return !value || json_is_boolean(value) ||
         fail_damaged(err, "%s: \"%s\" is neither true nor false", where, key);
}

const char *json_get_text(const json_t *object, const char *key, const char *fallback) {
  const json_t *value = json_object_get(object, key);
  return json_is_string(value) ? json_string_value(value) : fallback;
}
