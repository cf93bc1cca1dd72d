/* schema_object.c - objects and lists of JSON: which commas stand between which members. */
#include <string.h>

#include "base/language.h"
#include "grammar/schema.h"

enum { MOST_FIXED = 100 };

static Expr enclosed(SchemaReader *r, const char *open, Expr inside, const char *close) {
  const Expr items[] = {expr_string(r->g, open), schema_spaces(r), inside, schema_spaces(r),
                        expr_string(r->g, close)};
  return expr_sequence(r->g, items, 5);
}

static Expr comma(SchemaReader *r) {
  return expr_pair(r->g, expr_string(r->g, ","), schema_spaces(r));
}

static Expr after_comma(SchemaReader *r, Expr e) {
  return expr_pair(r->g, comma(r), e);
}

/* One after another, with commas: `min` to `max` of the same. */
static Expr list_of(SchemaReader *r, Expr e, int64_t min, int64_t max) {
  if (max >= 0 && min > max) return expr_never(r->g);
  if (!max) return expr_empty(r->g);
  const Expr item = schema_rule(r, e);
  const Expr more = expr_repeat(r->g, after_comma(r, item), min > 1 ? min - 1 : 0, max < 0 ? max : max - 1);
  const Expr all = expr_pair(r->g, item, more);
  return min ? all : expr_optional(r->g, all);
}

/* ---- objects ---- */

typedef struct Member {
  Expr pair; /* "name": value */
  bool required;
} Member;
typedef VEC(Member) Members;

static Expr pair_of(SchemaReader *r, Expr name, Expr value) {
  const Expr items[] = {name, expr_string(r->g, ":"), schema_spaces(r), value};
  return expr_sequence(r->g, items, 4);
}

static Expr named(SchemaReader *r, const char *name, const json_t *schema) {
  json_t *text = json_string(name);
  const Expr e = pair_of(r, schema_literal(r, text), schema_value(r, schema));
  json_decref(text);
  return e;
}

/* Its first place in a list; the size of the list: it is not there. */
static size_t first_in(const json_t *list, const char *text) {
  size_t i = 0;
  for (; i < json_array_size(list); i++) {
    const char *item = json_string_value(json_array_get(list, i));
    if (item && !strcmp(item, text)) break;
  }
  return i;
}

/* Those with a schema, then those that are only required. */
static void collect(SchemaReader *r, const json_t *schema, Members *members) {
  const json_t *properties = json_object_get(schema, "properties"),
               *required = json_object_get(schema, "required"),
               *others = json_object_get(schema, "additionalProperties");
  const char *key;
  json_t *value;
  if ((properties && !json_is_object(properties)) || (required && !json_is_array(required)))
    schema_refuse(r, N_("\"properties\" is not an object, or \"required\" not a list"));
  json_object_foreach((json_t *)(uintptr_t)properties, key, value) vec_push(
      members,
      ((Member){schema_rule(r, named(r, key, value)), first_in(required, key) < json_array_size(required)}));
  for (size_t i = 0; i < json_array_size(required); i++) {
    const char *name = json_string_value(json_array_get(required, i));
    if (!name) schema_refuse(r, N_("\"properties\" is not an object, or \"required\" not a list"));
    if (!name || json_object_get(properties, name) || first_in(required, name) < i) continue;
    if (json_is_false(others)) schema_refuse(r, N_("\"%s\" is required, and no property"), name);
    vec_push(members, ((Member){schema_rule(r, named(r, name, others)), true}));
  }
}

/* What may follow a member: the members from `first` on, each with a comma before it, then others. */
static Expr *followers(SchemaReader *r, const Members *m, Expr others) {
  Expr *rest = mem_alloc_zeroed(m->count + 1, sizeof *rest);
  rest[m->count] = others;
  for (size_t i = m->count; i > 0; i--) {
    const Expr one = after_comma(r, m->data[i - 1].pair);
    rest[i - 1] =
        schema_rule(r, expr_pair(r->g, m->data[i - 1].required ? one : expr_optional(r->g, one), rest[i]));
  }
  return rest;
}

/* The first member is one of those up to the first that is required. */
static Expr members_of(SchemaReader *r, const Members *m, Expr others, Expr only_others) {
  VEC(Expr) items = {0};
  Expr *rest = followers(r, m, others);
  size_t i = 0;
  for (; i < m->count; i++) {
    vec_push(&items, expr_pair(r->g, m->data[i].pair, rest[i + 1]));
    if (m->data[i].required) break;
  }
  if (i == m->count) vec_push(&items, only_others);
  const Expr e = expr_either(r->g, items.data, items.count);
  vec_free(&items);
  mem_free(rest);
  return e;
}

/* Without "additionalProperties", an object with properties has no others: a valid one, if not any. */
static bool has_others(const json_t *schema) {
  const json_t *others = json_object_get(schema, "additionalProperties");
  return others ? !json_is_false(others) : !json_object_size(json_object_get(schema, "properties"));
}

Expr schema_object(SchemaReader *r, const json_t *schema) {
  const json_t *properties = json_object_get(schema, "properties"),
               *others = json_object_get(schema, "additionalProperties");
  const int64_t min = schema_count(r, schema, "minProperties", 0),
                max = schema_count(r, schema, "maxProperties", GRAMMAR_NO_MAXIMUM);
  Members members = {0};
  collect(r, schema, &members);
  if ((min || max >= 0) && members.count)
    schema_refuse(r, N_("\"minProperties\" and \"maxProperties\" beside properties are not supported"));
  Expr only = expr_empty(r->g), more = only;
  if (has_others(schema) && !grammar_full(r->g)) {
    json_t *taken = properties ? json_copy((json_t *)(uintptr_t)properties) : json_object();
    for (size_t i = 0; i < json_array_size(json_object_get(schema, "required")); i++)
      json_put(taken, json_string_value(json_array_get(json_object_get(schema, "required"), i)), json_true());
    const Expr pair = schema_rule(r, pair_of(r, schema_other_names(r, taken), schema_value(r, others)));
    json_decref(taken);
    only = list_of(r, pair, min, max);
    more = expr_repeat(r->g, after_comma(r, pair), 0, GRAMMAR_NO_MAXIMUM);
  }
  const Expr e = grammar_full(r->g) ? only : enclosed(r, "{", members_of(r, &members, more, only), "}");
  vec_free(&members);
  return e;
}

/* ---- lists ---- */

/* The items from `at` on, behind others: those of prefixItems, each of which ends the list if it is absent.
 */
static Expr items_from(SchemaReader *r, const json_t *prefix, size_t at, Expr rest, int64_t min,
                       int64_t max) {
  if (max >= 0 && (int64_t)at >= max) return expr_empty(r->g);
  if (at == json_array_size(prefix) || grammar_full(r->g)) return rest;
  const Expr item = schema_value(r, json_array_get(prefix, at));
  const Expr here =
      expr_pair(r->g, at ? after_comma(r, item) : item, items_from(r, prefix, at + 1, rest, min, max));
  return (int64_t)at < min ? here : expr_optional(r->g, here);
}

Expr schema_array(SchemaReader *r, const json_t *schema) {
  const json_t *items = json_object_get(schema, "items"), *prefix = json_object_get(schema, "prefixItems");
  const int64_t min = schema_count(r, schema, "minItems", 0),
                max = schema_count(r, schema, "maxItems", GRAMMAR_NO_MAXIMUM),
                fixed = (int64_t)json_array_size(prefix);
  if (json_is_array(items) || (prefix && !json_is_array(prefix)))
    schema_refuse(
        r, N_("\"items\" is a list, or \"prefixItems\" is none: give a list of schemas as prefixItems"));
  if (fixed > MOST_FIXED) schema_refuse(r, N_("\"prefixItems\" has more than %d schemas"), MOST_FIXED);
  if (grammar_full(r->g)) return expr_never(r->g);
  const bool others = !json_is_false(items) && (max < 0 || max > fixed);
  if ((max >= 0 && min > max) || (!others && min > fixed)) return expr_never(r->g);
  const Expr item = others ? schema_value(r, items) : expr_never(r->g);
  if (!fixed) return enclosed(r, "[", others ? list_of(r, item, min, max) : expr_empty(r->g), "]");
  const Expr rest = others ? expr_repeat(r->g, after_comma(r, item), min > fixed ? min - fixed : 0,
                                         max < 0 ? max : max - fixed)
                           : expr_empty(r->g);
  return enclosed(r, "[", items_from(r, prefix, 0, rest, min, max), "]");
}
