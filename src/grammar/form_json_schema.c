/* form_json_schema.c - JSON as a JSON schema describes it (draft 2020-12, in the part that OpenAI's
 * structured outputs and llama.cpp take). */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/language.h"
#include "grammar/forms.h"
#include "grammar/schema.h"

enum { MOST_DEPTH = 100, MOST_ONE_OF = 500 };

/* ---- tools ---- */

void schema_refuse(SchemaReader *r, const char *format, ...) {
  char text[400];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, _(format), args);
  va_end(args);
  grammar_fail(r->g, N_("the schema: %s"), text);
}

int64_t schema_count(SchemaReader *r, const json_t *schema, const char *key, int64_t otherwise) {
  const json_t *value = json_object_get(schema, key);
  if (!value) return otherwise;
  if (json_is_integer(value) && json_integer_value(value) >= 0) return json_integer_value(value);
  schema_refuse(r, N_("\"%s\" is not a number from 0"), key);
  return otherwise;
}

Expr schema_rule(SchemaReader *r, Expr e) {
  char name[32];
  const int length = snprintf(name, sizeof name, "%lld", (long long)r->names++);
  const int32_t rule = grammar_rule(r->g, name, (size_t)length);
  grammar_define(r->g, rule, e);
  return expr_rule(r->g, rule);
}

Expr schema_shared(SchemaReader *r, const char *name, Expr (*make)(SchemaReader *)) {
  const int32_t rule = grammar_rule(r->g, name, strlen(name));
  if (!grammar_defined(r->g, rule)) {
    grammar_define(r->g, rule, expr_never(r->g)); /* `make` may use it */
    grammar_define(r->g, rule, make(r));
  }
  return expr_rule(r->g, rule);
}

Expr schema_regex(SchemaReader *r, const char *pattern) {
  static const RegexStyle plain = {expr_set, false};
  return regex_read(r->g, &plain, pattern, strlen(pattern), "schema");
}

/* As llama.cpp has it: enough for indented JSON, and no way to write spaces for ever. */
static Expr spaces(SchemaReader *r) {
  return schema_regex(r, "(?: |\\n[ \\t]{0,20})?");
}

Expr schema_spaces(SchemaReader *r) {
  return schema_shared(r, "white space", spaces);
}

Expr schema_literal(SchemaReader *r, const json_t *value) {
  char *text = json_text(value, JSON_ENCODE_ANY | JSON_COMPACT);
  const Expr e = expr_string(r->g, text);
  mem_free(text);
  return e;
}

/* ---- keywords ---- */

static bool is_one_of(const char *key, const char *const *keys) {
  for (; *keys; keys++)
    if (!strcmp(key, *keys)) return true;
  return false;
}

static const char *const annotations[] = {"title",      "description", "default", "examples", "$schema",
                                          "$id",        "$comment",    "$defs",   "readOnly", "writeOnly",
                                          "deprecated", "definitions", "strict",  NULL};
static const char *const of_types[] = {"properties", "required",         "additionalProperties",
                                       "items",      "prefixItems",      "minItems",
                                       "maxItems",   "minLength",        "maxLength",
                                       "pattern",    "format",           "minimum",
                                       "maximum",    "exclusiveMinimum", "exclusiveMaximum",
                                       "type",       "minProperties",    "maxProperties",
                                       NULL};
static const char *const combining[] = {"enum", "const", "anyOf", "oneOf", "allOf", "$ref", NULL};

static bool check_keys(SchemaReader *r, const json_t *schema) {
  const char *key;
  json_t *value;
  json_object_foreach((json_t *)(uintptr_t)schema, key, value) {
    if (is_one_of(key, annotations) || is_one_of(key, of_types) || is_one_of(key, combining)) continue;
    if (!strcmp(key, "uniqueItems") && json_is_false(value)) continue;
    schema_refuse(r, N_("the keyword \"%s\" is not supported"), key);
    return false;
  }
  return true;
}

bool schema_alone(SchemaReader *r, const json_t *schema, const char *key, const char *also) {
  const char *other;
  json_t *value;
  json_object_foreach((json_t *)(uintptr_t)schema, other, value) {
    if (!strcmp(other, key) || !strcmp(other, also) || is_one_of(other, annotations)) continue;
    schema_refuse(r, N_("\"%s\" beside \"%s\" is not supported"), other, key);
    return false;
  }
  return true;
}

/* ---- types ---- */

static const char *const types[] = {"object", "array", "string", "number", "integer", "boolean", "null"};
enum { TYPES = 7, BOOLEAN = 5, NULL_TYPE = 6 };

static int type_number(const char *name) {
  for (int i = 0; i < TYPES; i++)
    if (!strcmp(types[i], name)) return i;
  return -1;
}

static Expr by_type(SchemaReader *r, const json_t *schema, int type) {
  switch (type) {
    case 0:
      return schema_object(r, schema);
    case 1:
      return schema_array(r, schema);
    case 2:
      return schema_string(r, schema);
    case BOOLEAN:
      return expr_either(r->g, (const Expr[]){expr_string(r->g, "true"), expr_string(r->g, "false")}, 2);
    case NULL_TYPE:
      return expr_string(r->g, "null");
    default:
      return schema_number(r, schema, type == 4);
  }
}

static Expr by_types(SchemaReader *r, const json_t *schema, const json_t *names) {
  Expr items[TYPES];
  size_t count = 0;
  const size_t listed = json_array_size(names);
  for (size_t i = 0; i < listed && !grammar_full(r->g); i++) {
    const char *name = json_string_value(json_array_get(names, i));
    const int type = name ? type_number(name) : -1;
    if (type < 0) schema_refuse(r, N_("there is no type \"%s\""), name ? name : "?");
    if (listed > TYPES) schema_refuse(r, N_("a list of types has one twice"));
    if (!grammar_full(r->g)) items[count++] = by_type(r, schema, type);
  }
  return expr_either(r->g, items, count);
}

/* Without "type", keywords tell it. */
static const char *type_told(SchemaReader *r, const json_t *schema) {
  static const struct {
    const char *key, *type;
  } tells[] = {
      {"properties", "object"},       {"required", "object"},        {"additionalProperties", "object"},
      {"minProperties", "object"},    {"maxProperties", "object"},   {"items", "array"},
      {"prefixItems", "array"},       {"minItems", "array"},         {"maxItems", "array"},
      {"minLength", "string"},        {"maxLength", "string"},       {"pattern", "string"},
      {"format", "string"},           {"minimum", "number"},         {"maximum", "number"},
      {"exclusiveMinimum", "number"}, {"exclusiveMaximum", "number"}};
  const char *told = NULL;
  for (size_t i = 0; i < sizeof tells / sizeof *tells; i++) {
    if (!json_object_get(schema, tells[i].key)) continue;
    if (told && strcmp(told, tells[i].type))
      schema_refuse(r, N_("\"type\" is missing, and the other keywords are those of several types"));
    told = tells[i].type;
  }
  return told;
}

static Expr any_value(SchemaReader *r) {
  static const char *const all[] = {"object", "array", "string", "number", "boolean", "null"};
  Expr items[6];
  for (int i = 0; i < 6; i++) items[i] = by_type(r, NULL, type_number(all[i]));
  return expr_either(r->g, items, 6);
}

static Expr typed(SchemaReader *r, const json_t *schema) {
  const json_t *type = json_object_get(schema, "type");
  if (json_is_array(type)) return by_types(r, schema, type);
  const char *name = type ? json_string_value(type) : type_told(r, schema);
  if (!name && !type) return schema_shared(r, "value", any_value);
  if (!name || type_number(name) < 0) {
    schema_refuse(r, N_("there is no type \"%s\""), name ? name : "?");
    return expr_never(r->g);
  }
  return by_type(r, schema, type_number(name));
}

/* ---- values that are listed ---- */

static bool has_type(const json_t *value, const char *name) {
  static const char *const of[] = {
      [JSON_OBJECT] = "object", [JSON_ARRAY] = "array",  [JSON_STRING] = "string", [JSON_INTEGER] = "integer",
      [JSON_REAL] = "number",   [JSON_TRUE] = "boolean", [JSON_FALSE] = "boolean", [JSON_NULL] = "null"};
  return !strcmp(of[json_typeof(value)], name) || (json_is_integer(value) && !strcmp(name, "number"));
}

static bool fits(const json_t *value, const json_t *type) {
  if (!type) return true;
  if (json_is_string(type)) return has_type(value, json_string_value(type));
  for (size_t i = 0; i < json_array_size(type); i++)
    if (json_is_string(json_array_get(type, i)) &&
        has_type(value, json_string_value(json_array_get(type, i))))
      return true;
  return false;
}

static Expr listed(SchemaReader *r, const json_t *values, const json_t *type) {
  VEC(MapKey) words = {0};
  if (!json_is_array(values)) schema_refuse(r, N_("\"enum\" is not a list"));
  for (size_t i = 0; i < json_array_size(values); i++) {
    const json_t *value = json_array_get(values, i);
    if (!fits(value, type)) continue;
    char *text = json_text(value, JSON_ENCODE_ANY | JSON_COMPACT);
    vec_push(&words, ((MapKey){text, strlen(text)}));
  }
  const Expr e = expr_words(r->g, words.data, words.count);
  for (size_t i = 0; i < words.count; i++) mem_free((void *)(uintptr_t)words.data[i].bytes);
  vec_free(&words);
  return e;
}

static Expr constant(SchemaReader *r, const json_t *value, const json_t *type) {
  return fits(value, type) ? schema_literal(r, value) : expr_never(r->g);
}

/* ---- references ---- */

/* Step into an object or a list by a part of a JSON pointer, with ~0 and ~1 for ~ and /. */
static const json_t *step(const json_t *at, const char *part, size_t length) {
  char name[256];
  size_t n = 0;
  if (length >= sizeof name) return NULL;
  for (size_t i = 0; i < length; i++) {
    name[n++] = part[i];
    if (part[i] == '~' && i + 1 < length) name[n - 1] = part[++i] == '1' ? '/' : '~';
  }
  name[n] = '\0';
  if (json_is_array(at) && n && strspn(name, "0123456789") == n && n < 9) {
    size_t index = 0;
    for (size_t i = 0; i < n; i++) index = 10 * index + (size_t)(name[i] - '0');
    return json_array_get(at, index);
  }
  return json_object_get(at, name);
}

const json_t *schema_target(SchemaReader *r, const char *reference) {
  const json_t *at = r->root;
  if (reference[0] != '#' || (reference[1] && reference[1] != '/')) {
    schema_refuse(r, N_("\"$ref\": \"%s\" is no place in this schema, such as #/$defs/name"), reference);
    return NULL;
  }
  for (const char *part = reference + 1; *part && at;) {
    const size_t length = strcspn(++part, "/");
    at = step(at, part, length);
    part += length;
  }
  if (!at) schema_refuse(r, N_("\"$ref\": there is nothing at \"%s\""), reference);
  return at;
}

static Expr referred(SchemaReader *r, const json_t *schema) {
  const char *reference = json_string_value(json_object_get(schema, "$ref"));
  if (!schema_alone(r, schema, "$ref", "")) return expr_never(r->g);
  if (!reference) schema_refuse(r, N_("\"$ref\" is not a text"));
  const json_t *target = reference ? schema_target(r, reference) : NULL;
  if (!target) return expr_never(r->g);
  const int32_t rule = grammar_rule(r->g, reference, strlen(reference));
  if (!grammar_defined(r->g, rule)) {
    grammar_define(r->g, rule, expr_never(r->g)); /* until it is read, which may meet it again */
    grammar_define(r->g, rule, schema_value(r, target));
  }
  return expr_rule(r->g, rule);
}

/* ---- combinations ---- */

static Expr any_of(SchemaReader *r, const json_t *schemas, bool one) {
  VEC(Expr) items = {0};
  const size_t count = json_array_size(schemas);
  if (!count) schema_refuse(r, N_("\"%s\" is not a list of schemas"), one ? "oneOf" : "anyOf");
  if (one && count > MOST_ONE_OF) schema_refuse(r, N_("\"oneOf\" has more than %d branches"), MOST_ONE_OF);
  for (size_t i = 0; i < count && !grammar_full(r->g); i++) {
    for (size_t k = 0; k < i && one; k++)
      if (!schema_disjoint(r, json_array_get(schemas, i), json_array_get(schemas, k)))
        schema_refuse(r, N_("a value may be valid by several branches of \"oneOf\": write \"anyOf\""));
    vec_push(&items, schema_value(r, json_array_get(schemas, i)));
  }
  const Expr e = expr_either(r->g, items.data, items.count);
  vec_free(&items);
  return e;
}

static Expr all_of(SchemaReader *r, const json_t *schema) {
  json_t *merged = schema_merged(r, schema);
  const Expr e = merged ? schema_value(r, merged) : expr_never(r->g);
  json_decref(merged);
  return e;
}

static Expr object_schema(SchemaReader *r, const json_t *schema) {
  const json_t *type = json_object_get(schema, "type"), *values = json_object_get(schema, "enum"),
               *value = json_object_get(schema, "const"), *any = json_object_get(schema, "anyOf"),
               *one = json_object_get(schema, "oneOf");
  if (!check_keys(r, schema)) return expr_never(r->g);
  if (json_object_get(schema, "$ref")) return referred(r, schema);
  if (json_object_get(schema, "allOf")) return all_of(r, schema);
  if (value) return schema_alone(r, schema, "const", "type") ? constant(r, value, type) : expr_never(r->g);
  if (values) return schema_alone(r, schema, "enum", "type") ? listed(r, values, type) : expr_never(r->g);
  if (any) return schema_alone(r, schema, "anyOf", "") ? any_of(r, any, false) : expr_never(r->g);
  if (one) return schema_alone(r, schema, "oneOf", "") ? any_of(r, one, true) : expr_never(r->g);
  return typed(r, schema);
}

Expr schema_value(SchemaReader *r, const json_t *schema) {
  Expr e = -1;
  if (grammar_full(r->g)) return expr_never(r->g);
  if (++r->depth > MOST_DEPTH) schema_refuse(r, N_("it is nested too deeply"));
  if (grammar_full(r->g) || json_is_false(schema))
    e = expr_never(r->g);
  else if (!schema || json_is_true(schema))
    e = schema_shared(r, "value", any_value);
  else if (json_is_object(schema))
    e = object_schema(r, schema);
  else
    schema_refuse(r, N_("a schema is neither an object nor true or false"));
  r->depth--;
  return grammar_full(r->g) ? expr_never(r->g) : e;
}

/* ---- all ---- */

static bool is_word(const char *text, size_t length, const char *word) {
  while (length && strchr(" \t\r\n", text[length - 1])) length--;
  while (length && strchr(" \t\r\n", *text)) text++, length--;
  return length == strlen(word) && !memcmp(text, word, length);
}

static Expr read(Grammar *g, const char *text, size_t length) {
  Error problem = {0};
  SchemaReader r = {.g = g};
  if (is_word(text, length, "true")) return schema_value(&r, NULL);
  json_t *root = json_parse(text, length, _("the schema"), &problem);
  if (!root) grammar_fail(g, "%s", problem.text);
  r.root = root;
  const Expr e = root ? schema_value(&r, root) : expr_never(g);
  json_decref(root);
  return e;
}

const Form form_json_schema = {"json_schema", read};
