#include "base/json.h"

#include <stdlib.h>

#include "base/buffer.h"
#include "base/file.h"

json_t *json_parse(const char *text, size_t length, const char *where, Error *err) {
  json_error_t problem;
  json_t *json = json_loadb(text, length, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &problem);
  if (!json) fail(err, "%s:%d:%d: not valid JSON: %s", where, problem.line, problem.column, problem.text);
  return json;
}

json_t *json_read(const char *path, Error *err) {
  FileView file;
  if (!file_view(path, &file, err)) return NULL;
  json_t *json = json_parse(file.data, file.size, path, err);
  file_view_close(&file);
  return json;
}

char *json_text(const json_t *json, size_t flags) {
  char *text = json_dumps(json, flags | JSON_REAL_PRECISION(17));
  if (!text) mem_exhausted(0); /* the only other reason, a value that is no JSON, cannot be built */
  char *copy = mem_strdup(text);
  free(text);
  return copy;
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

static const json_t *present(const json_t *object, const char *key) {
  const json_t *value = json_object_get(object, key);
  return value && !json_is_null(value) ? value : NULL;
}

bool json_get_int(const json_t *object, const char *key, int64_t otherwise, int64_t *out, const char *where,
                  Error *err) {
  const json_t *value = present(object, key);
  *out = value ? json_integer_value(value) : otherwise;
  return !value || json_is_integer(value) || fail(err, "%s: \"%s\" is not a whole number", where, key);
}

bool json_get_real(const json_t *object, const char *key, double otherwise, double *out, const char *where,
                   Error *err) {
  const json_t *value = present(object, key);
  *out = value ? json_number_value(value) : otherwise;
  return !value || json_is_number(value) || fail(err, "%s: \"%s\" is not a number", where, key);
}

bool json_get_bool(const json_t *object, const char *key, bool otherwise, bool *out, const char *where,
                   Error *err) {
  const json_t *value = present(object, key);
  *out = value ? json_is_true(value) : otherwise;
  return !value || json_is_boolean(value) || fail(err, "%s: \"%s\" is neither true nor false", where, key);
}

const char *json_get_text(const json_t *object, const char *key, const char *otherwise) {
  const json_t *value = json_object_get(object, key);
  return json_is_string(value) ? json_string_value(value) : otherwise;
}
