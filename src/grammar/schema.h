/* schema.h - JSON schemas as parts of grammars. form_json_schema.c reads a schema's keywords and calls the
 * other schema_*.c by type.
 *
 * A text of the grammar is always valid by the schema; the reverse need not hold: properties are written in
 * the schema's order, numbers with a limited number of digits, and so on. A keyword that is neither a mere
 * annotation nor understood is refused by name. */
#ifndef GRAMMAR_SCHEMA_H
#define GRAMMAR_SCHEMA_H

#include "base/json.h"
#include "grammar/grammar.h"
#include "grammar/regex.h"

typedef struct SchemaReader {
  Grammar *g;
  const json_t *root;
  int depth;
  int64_t names;  /* of rules made so far */
  int64_t merged; /* schemas, by allOf */
} SchemaReader;

/* Refuses with "the schema: ...". */
void schema_refuse(SchemaReader *, const char *format, ...) PRINTF(2, 3);
/* A value by any schema; `schema` may be NULL: any value. */
Expr schema_value(SchemaReader *, const json_t *schema);
/* Whether nothing but annotations and these two keywords stands in a schema; refuses otherwise. */
bool schema_alone(SchemaReader *, const json_t *schema, const char *key, const char *also);
/* The schema that a $ref names; NULL: refused. */
const json_t *schema_target(SchemaReader *, const char *reference);
/* All of allOf and the rest as one schema; the caller frees it (json_decref). NULL: refused. */
json_t *schema_merged(SchemaReader *, const json_t *schema);
/* Whether no value can be valid by both, as far as types, constants and properties in common tell. */
bool schema_disjoint(SchemaReader *, const json_t *, const json_t *);

/* By type. */
Expr schema_object(SchemaReader *, const json_t *schema);
Expr schema_array(SchemaReader *, const json_t *schema);
Expr schema_string(SchemaReader *, const json_t *schema);
Expr schema_number(SchemaReader *, const json_t *schema, bool whole);

/* A number that is not negative, of a keyword such as minItems; `otherwise` if it is absent. */
int64_t schema_count(SchemaReader *, const json_t *schema, const char *key, int64_t otherwise);
Expr schema_spaces(SchemaReader *); /* optional white space, of limited length */
Expr schema_literal(SchemaReader *, const json_t *value);
Expr schema_regex(SchemaReader *, const char *pattern); /* of texts as they are written */
/* A set of characters inside of a JSON string, with the necessary escapes. */
Expr schema_quoted_set(Grammar *, const CodeSet *);
/* The names of further properties: those that are not among these. */
Expr schema_other_names(SchemaReader *, const json_t *properties);
/* A rule of its own, so that what is used several times is compiled once. */
Expr schema_rule(SchemaReader *, Expr);
/* A rule that is made when it is first used. */
Expr schema_shared(SchemaReader *, const char *name, Expr (*make)(SchemaReader *));

#endif
