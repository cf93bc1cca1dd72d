#include "serve/params.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"

/* Deeper than any request of these lists. */
enum { MOST_DEPTH = 32 };

static bool refuse(Problem *p, const Param *param, const char *wanted) {
  return problem_set(p, HTTP_BAD, param->name, "invalid_value", "\"%s\" must be %s", param->name, wanted);
}

/* ---- checks of one value ---- */

static bool check_number(const Param *param, const json_t *value, Problem *p) {
  char wanted[120];
  const bool whole = param->kind == PARAM_INT;
  snprintf(wanted, sizeof wanted, "a %snumber from %.10g to %.10g", whole ? "whole " : "", param->min,
           param->max);
  const double number = json_number_value(value);
  const bool ok = (whole ? json_is_integer(value) : json_is_number(value)) && isfinite(number) &&
                  number >= param->min && number <= param->max;
  return ok || refuse(p, param, wanted);
}

/* Texts end at NUL for the settings of the library. */
static bool is_text(const json_t *value) {
  return json_is_string(value) && strlen(json_string_value(value)) == json_string_length(value);
}

static bool check_choice(const Param *param, const json_t *value, Problem *p) {
  const size_t length = json_string_length(value);
  for (const char *at = param->detail; json_is_string(value);) {
    const size_t n = strcspn(at, "|");
    if (n == length && !memcmp(at, json_string_value(value), n)) return true;
    if (!at[n]) break;
    at += n + 1;
  }
  return problem_set(p, HTTP_BAD, param->name, "invalid_value", "\"%s\" must be one of %s", param->name,
                     param->detail);
}

static bool check_texts(const Param *param, const json_t *value, Problem *p) {
  char wanted[120];
  const size_t count = json_array_size(value);
  if (is_text(value)) return true;
  bool ok = json_is_array(value) && (double)count >= param->min && (double)count <= param->max;
  for (size_t i = 0; i < count && ok; i++) ok = is_text(json_array_get(value, i));
  snprintf(wanted, sizeof wanted, "a text, or a list of %.0f to %.0f texts, without NUL", param->min,
           param->max);
  return ok || refuse(p, param, wanted);
}

static bool check_ids(const Param *param, const json_t *value, Problem *p) {
  bool ok = json_is_array(value) && (double)json_array_size(value) <= param->max;
  for (size_t i = 0; i < json_array_size(value) && ok; i++) {
    const json_t *id = json_array_get(value, i);
    ok = json_is_integer(id) && json_integer_value(id) >= 0 && json_integer_value(id) <= INT32_MAX;
  }
  return ok || refuse(p, param, "a list of token ids");
}

static bool is_id(const char *text) {
  return *text && strlen(text) <= 10 && strspn(text, "0123456789") == strlen(text);
}

static bool check_bias(const Param *param, const json_t *value, Problem *p) {
  const char *key;
  json_t *added;
  bool ok = json_is_object(value) && json_object_size(value) <= 1024;
  json_object_foreach((json_t *)(uintptr_t)value, key, added) {
    const double number = json_number_value(added);
    ok = ok && is_id(key) && json_is_number(added) && number >= param->min && number <= param->max;
  }
  return ok || refuse(p, param, "an object of at most 1024 token ids with numbers from -100 to 100");
}

/* {"type": "text", "text": ...}, the only part of a content that is known. */
static const json_t *part_text(const json_t *part) {
  const json_t *type = json_object_get(part, "type"), *text = json_object_get(part, "text");
  const bool known = json_is_string(type) && !strcmp(json_string_value(type), "text");
  return known && json_object_size(part) == 2 && is_text(text) ? text : NULL;
}

static bool check_content(const json_t *content) {
  if (is_text(content)) return true;
  bool ok = json_array_size(content) > 0;
  for (size_t i = 0; i < json_array_size(content) && ok; i++) ok = part_text(json_array_get(content, i));
  return ok;
}

/* "developer" is OpenAI's later name of "system"; the name of a speaker is in no template of ours. */
static bool check_message(const json_t *message, size_t index, Problem *p) {
  const char *key;
  json_t *value;
  char name[64];
  json_object_foreach((json_t *)(uintptr_t)message, key, value) {
    const bool known = !strcmp(key, "role") || !strcmp(key, "content");
    snprintf(name, sizeof name, "messages[%zu].%.32s", index, key);
    if (!known && !json_is_null(value))
      return problem_set(p, HTTP_BAD, name, "unsupported_parameter", "\"%s\" is not supported", name);
  }
  snprintf(name, sizeof name, "messages[%zu]", index);
  const char *role = json_string_value(json_object_get(message, "role"));
  if (!role || (strcmp(role, "system") && strcmp(role, "developer") && strcmp(role, "user") &&
                strcmp(role, "assistant")))
    return problem_set(p, HTTP_BAD, name, "invalid_value",
                       "\"%s\" must have a role: system, developer, user or assistant", name);
  return check_content(json_object_get(message, "content")) ||
         problem_set(p, HTTP_BAD, name, "invalid_value",
                     "the content of \"%s\" must be a text without NUL, or a list of parts of type text",
                     name);
}

static bool check_messages(const Param *param, const json_t *value, Problem *p) {
  const size_t count = json_array_size(value);
  if (!count || (double)count > param->max) return refuse(p, param, "a list of at least one message");
  for (size_t i = 0; i < count; i++)
    if (!check_message(json_array_get(value, i), i, p)) return false;
  return true;
}

static bool check_object(const Param *param, const json_t *value, Problem *p) {
  const char *key;
  json_t *member;
  char name[64];
  if (!json_is_object(value)) return refuse(p, param, "an object");
  json_object_foreach((json_t *)(uintptr_t)value, key, member) {
    snprintf(name, sizeof name, "%.20s.%.40s", param->name, key);
    json_t *word = json_string(key);
    Problem unknown = {0};
    const bool known = check_choice(param, word, &unknown) && json_is_boolean(member);
    json_decref(word);
    if (!known)
      return problem_set(p, HTTP_BAD, name, "unsupported_parameter", "\"%s\" is not supported, or no switch",
                         name);
  }
  return true;
}

static bool check_only(const Param *param, const json_t *value, Problem *p) {
  json_t *only = json_loads(param->detail, JSON_DECODE_ANY, NULL);
  const bool ok = json_equal(only, value) || (json_is_number(only) && json_is_number(value) &&
                                              json_number_value(only) == json_number_value(value));
  json_decref(only);
  return ok || problem_set(p, HTTP_BAD, param->name, "unsupported_parameter",
                           "this value of \"%s\" is not supported: leave it out, or give %s", param->name,
                           param->detail);
}

static bool check(const Param *param, const json_t *value, Problem *p) {
  switch (param->kind) {
    case PARAM_TEXT:
      return is_text(value) || refuse(p, param, "a text without NUL");
    case PARAM_INT:
    case PARAM_REAL:
      return check_number(param, value, p);
    case PARAM_SWITCH:
      return json_is_boolean(value) || refuse(p, param, "true or false");
    case PARAM_CHOICE:
      return check_choice(param, value, p);
    case PARAM_TEXTS:
      return check_texts(param, value, p);
    case PARAM_IDS:
      return check_ids(param, value, p);
    case PARAM_BIAS:
      return check_bias(param, value, p);
    case PARAM_MESSAGES:
      return check_messages(param, value, p);
    case PARAM_OBJECT:
      return check_object(param, value, p);
    case PARAM_ONLY:
      return check_only(param, value, p);
    case PARAM_HARMLESS:
      return true;
  }
  return false;
}

/* ---- a body ---- */

static const Param *find(const Param *list, const char *name) {
  for (; list->name; list++)
    if (!strcmp(list->name, name)) return list;
  return NULL;
}

static bool take_all(const Param *list, const json_t *given, json_t *values, Problem *p) {
  const char *key;
  json_t *value;
  json_object_foreach((json_t *)(uintptr_t)given, key, value) {
    const Param *param = find(list, key);
    if (!param)
      return problem_set(p, HTTP_BAD, key, "unknown_parameter", "the parameter \"%.60s\" is unknown here",
                         key);
    if (json_is_null(value)) continue;
    if (!check(param, value, p)) return false;
    json_share(values, key, value);
  }
  for (; list->name; list++)
    if (list->required && !json_object_get(values, list->name))
      return problem_set(p, HTTP_BAD, list->name, "missing_parameter", "\"%s\" is missing: %s", list->name,
                         list->help);
  return true;
}

/* Nesting is limited before anything recursive reads the body. */
static bool check_depth(const char *body, size_t length) {
  int depth = 0;
  bool quoted = false;
  for (size_t i = 0; i < length; i++) {
    if (quoted) {
      if (body[i] == '\\')
        i++;
      else if (body[i] == '"')
        quoted = false;
      continue;
    }
    quoted = body[i] == '"';
    depth += (body[i] == '[' || body[i] == '{') - (body[i] == ']' || body[i] == '}');
    if (depth > MOST_DEPTH) return false;
  }
  return true;
}

bool params_read(const Param *list, const char *body, size_t length, json_t **values, Problem *p) {
  Error why = {0};
  *values = NULL;
  if (!check_depth(body, length))
    return problem_set(p, HTTP_BAD, NULL, "invalid_json", "the body is nested more than %d deep", MOST_DEPTH);
  json_t *given = json_parse(body, length, "the body", &why);
  if (!given) return problem_set(p, HTTP_BAD, NULL, "invalid_json", "%s", why.text);
  *values = json_object();
  const bool ok = json_is_object(given)
                      ? take_all(list, given, *values, p)
                      : problem_set(p, HTTP_BAD, NULL, "invalid_json", "the body is not a JSON object");
  json_decref(given);
  return ok;
}

/* ---- settings ---- */

static bool apply_text(const Param *param, const char *text, ink_settings *s, Problem *p) {
  Error why = {0};
  return ink_settings_set(s, param->setting, text, &why) ||
         problem_set(p, HTTP_BAD, param->name, "invalid_value", "%s", why.text);
}

static bool apply_texts(const Param *param, const json_t *values, ink_settings *s, Problem *p) {
  const json_t *text;
  for (size_t i = 0; (text = param_text(values, param->name, i)); i++)
    if (!apply_text(param, json_string_value(text), s, p)) return false;
  return true;
}

static bool apply_bias(const Param *param, const json_t *value, ink_settings *s, Problem *p) {
  const char *id;
  json_t *added;
  char text[64];
  json_object_foreach((json_t *)(uintptr_t)value, id, added) {
    snprintf(text, sizeof text, "%.10s:%.17g", id, json_number_value(added));
    if (!apply_text(param, text, s, p)) return false;
  }
  return true;
}

static bool apply(const Param *param, const json_t *values, ink_settings *s, Problem *p) {
  const json_t *value = json_object_get(values, param->name);
  char text[32];
  if (param->kind == PARAM_TEXTS) return apply_texts(param, values, s, p);
  if (param->kind == PARAM_BIAS) return apply_bias(param, value, s, p);
  if (param->kind == PARAM_SWITCH) return apply_text(param, json_is_true(value) ? "true" : "false", s, p);
  if (json_is_string(value)) return apply_text(param, json_string_value(value), s, p);
  if (json_is_integer(value))
    snprintf(text, sizeof text, "%" PRId64, (int64_t)json_integer_value(value));
  else
    snprintf(text, sizeof text, "%.17g", json_number_value(value));
  return apply_text(param, text, s, p);
}

bool params_apply(const Param *list, const json_t *values, ink_settings *s, Problem *p) {
  for (; list->name; list++)
    if (*list->setting && json_object_get(values, list->name) && !apply(list, values, s, p)) return false;
  return true;
}

/* ---- reading values ---- */

int64_t param_int(const json_t *values, const char *name, int64_t otherwise) {
  const json_t *value = json_object_get(values, name);
  return value ? json_integer_value(value) : otherwise;
}

bool param_switch(const json_t *values, const char *name) {
  return json_is_true(json_object_get(values, name));
}

const json_t *param_text(const json_t *values, const char *name, size_t index) {
  const json_t *value = json_object_get(values, name);
  if (json_is_string(value)) return index ? NULL : value;
  return json_array_get(value, index);
}
