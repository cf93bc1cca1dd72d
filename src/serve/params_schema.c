/* params_schema.c - the lists of parameters as JSON Schema, for OpenAPI. */
#include <string.h>

#include "serve/params.h"

static json_t *words_schema(const char *words, bool members) {
  json_t *json = members ? json_object() : json_array();
  for (const char *at = words;;) {
    const size_t n = strcspn(at, "|");
    json_t *word = json_build("s#", at, (int)n);
    if (members)
      json_put(json, json_string_value(word), json_build("{s:s}", "type", "boolean"));
    else
      json_push(json, json_incref(word));
    json_decref(word);
    if (!at[n]) return json;
    at += n + 1;
  }
}

static json_t *messages_schema(void) {
  return json_build("{s:s, s:{s:s, s:[ss], s:b, s:{s:{s:s, s:[ssss]}, s:{s:s}}}}", "type", "array", "items",
                    "type", "object", "required", "role", "content", "additionalProperties", 0, "properties",
                    "role", "type", "string", "enum", "system", "developer", "user", "assistant", "content",
                    "description", "a text, or a list of {\"type\": \"text\", \"text\": ...}");
}

static json_t *kind_schema(const Param *p) {
  switch (p->kind) {
    case PARAM_TEXT:
      return json_build("{s:s}", "type", "string");
    case PARAM_INT:
    case PARAM_REAL:
      return json_build("{s:s, s:o, s:o}", "type", p->kind == PARAM_INT ? "integer" : "number", "minimum",
                        json_number(p->min), "maximum", json_number(p->max));
    case PARAM_SWITCH:
      return json_build("{s:s}", "type", "boolean");
    case PARAM_CHOICE:
      return json_build("{s:s, s:o}", "type", "string", "enum", words_schema(p->detail, false));
    case PARAM_TEXTS:
      return json_build("{s:[{s:s}, {s:s, s:{s:s}, s:I, s:I}]}", "oneOf", "type", "string", "type", "array",
                        "items", "type", "string", "minItems", (json_int_t)p->min, "maxItems",
                        (json_int_t)p->max);
    case PARAM_IDS:
      return json_build("{s:s, s:{s:s}}", "type", "array", "items", "type", "integer");
    case PARAM_BIAS:
      return json_build("{s:s, s:{s:s}}", "type", "object", "additionalProperties", "type", "number");
    case PARAM_MESSAGES:
      return messages_schema();
    case PARAM_OBJECT:
      return json_build("{s:s, s:o, s:b}", "type", "object", "properties", words_schema(p->detail, true),
                        "additionalProperties", 0);
    case PARAM_ONLY:
      return json_build("{s:o}", "const", json_loads(p->detail, JSON_DECODE_ANY, NULL));
    case PARAM_HARMLESS:
      return json_object();
  }
  return json_object();
}

json_t *params_schema(const Param *list) {
  json_t *properties = json_object(), *required = json_array();
  for (; list->name; list++) {
    json_t *schema = kind_schema(list);
    json_put(schema, "description",
             json_build("s+++", list->help, *list->otherwise ? " (default: " : "", list->otherwise,
                        *list->otherwise ? ")" : ""));
    json_put(properties, list->name, schema);
    if (list->required) json_push(required, json_string(list->name));
  }
  json_t *json =
      json_build("{s:s, s:o, s:b}", "type", "object", "properties", properties, "additionalProperties", 0);
  if (json_array_size(required))
    json_put(json, "required", required);
  else
    json_decref(required);
  return json;
}
