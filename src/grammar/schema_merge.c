/* schema_merge.c - schemas as one (allOf), and whether two exclude each other (oneOf). */
#include <string.h>

#include "base/language.h"
#include "grammar/schema.h"

enum { MOST_STEPS = 32, MOST_MERGED = 5000 };

/* Behind its references; NULL: refused. */
static const json_t *resolved(SchemaReader *r, const json_t *schema) {
  for (int i = 0; schema && json_object_get(schema, "$ref"); i++) {
    if (i == MOST_STEPS) schema_refuse(r, N_("\"$ref\" goes in a circle"));
    if (i == MOST_STEPS || !schema_alone(r, schema, "$ref", "")) return NULL;
    const char *reference = json_string_value(json_object_get(schema, "$ref"));
    schema = reference ? schema_target(r, reference) : NULL;
  }
  return schema;
}

/* ---- allOf ---- */

static bool is_maximum(const char *key) {
  return !strncmp(key, "max", 3) || !strcmp(key, "exclusiveMaximum");
}

static bool is_bound(const char *key) {
  return !strncmp(key, "max", 3) || !strncmp(key, "min", 3) || !strncmp(key, "exclusive", 9);
}

/* A property of both has to be valid by both. */
static void merge_properties(json_t *all, const char *key, json_t *value) {
  json_t *both = json_object(), *old = json_object_get(all, key);
  const char *name;
  json_t *schema;
  json_object_foreach(old, name, schema) json_share(both, name, schema);
  json_object_foreach(value, name, schema) {
    json_t *other = json_object_get(both, name);
    if (other)
      json_put(both, name, json_build("{s:[O,O]}", "allOf", other, schema));
    else
      json_share(both, name, schema);
  }
  json_put(all, key, both);
}

static void merge_required(json_t *all, const char *key, const json_t *value) {
  json_t *both = json_copy(json_object_get(all, key));
  for (size_t i = 0; i < json_array_size(value); i++) json_push(both, json_incref(json_array_get(value, i)));
  json_put(all, key, both);
}

static void merge_key(SchemaReader *r, json_t *all, const char *key, json_t *value) {
  json_t *old = json_object_get(all, key);
  const double now = json_number_value(value), before = json_number_value(old);
  if (!strcmp(key, "$defs") || !strcmp(key, "definitions") || !strcmp(key, "allOf")) return;
  if (!old)
    json_share(all, key, value);
  else if (json_equal(old, value) || !strcmp(key, "title") || !strcmp(key, "description"))
    return;
  else if (!strcmp(key, "properties") && json_is_object(old) && json_is_object(value))
    merge_properties(all, key, value);
  else if (!strcmp(key, "required") && json_is_array(old) && json_is_array(value))
    merge_required(all, key, value);
  else if (is_bound(key) && json_is_number(old) && json_is_number(value)) {
    if (is_maximum(key) ? now < before : now > before) json_share(all, key, value);
  } else
    schema_refuse(r, N_("schemas of \"allOf\" with different \"%s\" are not supported"), key);
}

static bool has_either(const json_t *schema, const char *a, const char *b) {
  return json_object_get(schema, a) || json_object_get(schema, b);
}

/* Keywords of one schema that speak of each other mean something else together with those of another: what is
 * "additional" to which properties, and which items are behind which. */
typedef struct Merge {
  json_t *all;
  int with_properties, with_others, with_items;
} Merge;

static void count(Merge *m, const json_t *schema) {
  m->with_properties += has_either(schema, "properties", "additionalProperties");
  m->with_others += json_object_get(schema, "additionalProperties") != NULL;
  m->with_items += has_either(schema, "items", "prefixItems");
}

static void merge(SchemaReader *r, Merge *m, const json_t *schema, int depth) {
  const char *key;
  json_t *value;
  schema = resolved(r, schema);
  if (depth > MOST_STEPS || ++r->merged > MOST_MERGED) schema_refuse(r, N_("\"allOf\" has too many schemas"));
  if (grammar_full(r->g) || json_is_true(schema)) return;
  if (!json_is_object(schema)) {
    schema_refuse(r, N_("\"%s\" is not a list of schemas"), "allOf");
    return;
  }
  count(m, schema);
  json_object_foreach((json_t *)(uintptr_t)schema, key, value) merge_key(r, m->all, key, value);
  const json_t *parts = json_object_get(schema, "allOf");
  for (size_t i = 0; i < json_array_size(parts); i++) merge(r, m, json_array_get(parts, i), depth + 1);
}

json_t *schema_merged(SchemaReader *r, const json_t *schema) {
  Merge m = {json_object(), 0, 0, 0};
  if (!json_is_array(json_object_get(schema, "allOf")))
    schema_refuse(r, N_("\"%s\" is not a list of schemas"), "allOf");
  else
    merge(r, &m, schema, 0);
  if (m.with_others && m.with_properties > 1)
    schema_refuse(r, N_("schemas of \"allOf\" with different \"%s\" are not supported"),
                  "additionalProperties");
  if (m.with_items > 1)
    schema_refuse(r, N_("schemas of \"allOf\" with different \"%s\" are not supported"), "items");
  if (!grammar_full(r->g)) return m.all;
  json_decref(m.all);
  return NULL;
}

/* ---- oneOf ---- */

static bool in_list(const json_t *value, const json_t *values) {
  for (size_t i = 0; i < json_array_size(values); i++)
    if (json_equal(json_array_get(values, i), value)) return true;
  return false;
}

/* The values that a schema lists; the caller frees. NULL: it lists none. */
static json_t *values_of(const json_t *schema) {
  const json_t *value = json_object_get(schema, "const"), *values = json_object_get(schema, "enum");
  if (value) return json_build("[O]", value);
  return json_is_array(values) ? json_incref((json_t *)(uintptr_t)values) : NULL;
}

static bool values_disjoint(const json_t *a, const json_t *b) {
  json_t *x = values_of(a), *y = values_of(b);
  bool apart = x && y;
  for (size_t i = 0; i < json_array_size(x) && apart; i++) apart = !in_list(json_array_get(x, i), y);
  json_decref(x);
  json_decref(y);
  return apart;
}

/* Two names of types, of which a whole number has two. */
static bool types_disjoint(const json_t *a, const json_t *b) {
  const char *x = json_string_value(json_object_get(a, "type")),
             *y = json_string_value(json_object_get(b, "type"));
  const bool numbers = x && y && (!strcmp(x, "number") || !strcmp(x, "integer")) &&
                       (!strcmp(y, "number") || !strcmp(y, "integer"));
  return x && y && strcmp(x, y) && !numbers;
}

static bool requires(const json_t *schema, const char *name) {
  const json_t *required = json_object_get(schema, "required");
  json_t *text = json_string(name);
  const bool is_there = in_list(text, required);
  json_decref(text);
  return is_there;
}

bool schema_disjoint(SchemaReader *r, const json_t *a, const json_t *b) {
  const char *name;
  json_t *schema;
  a = resolved(r, a);
  b = resolved(r, b);
  if (types_disjoint(a, b) || values_disjoint(a, b)) return true;
  json_object_foreach(json_object_get(a, "properties"), name, schema) {
    const json_t *other = json_object_get(json_object_get(b, "properties"), name);
    if (other && requires(a, name) && requires(b, name) &&
        (types_disjoint(schema, other) || values_disjoint(schema, other)))
      return true;
  }
  return false;
}
