/* patterns.h - lists of patterns of dotted names, such as "embed_tokens.weight,layers.0,*norm*".
 *
 * A pattern, with * ? and [...] as in fnmatch(3), matches a name if it matches the whole name or consecutive
 * parts of it: "layers.0" matches "model.layers.0.mlp.up_proj.weight". Patterns are separated by commas. */
#ifndef BASE_PATTERNS_H
#define BASE_PATTERNS_H

#include <stdbool.h>
#include <stddef.h>

enum { PATTERN_CAPACITY = 256 };

/* Whether any pattern of the list matches; `list` may be NULL. */
bool patterns_match(const char *list, const char *name);
/* Copies the index-th pattern; false past the last one. */
bool patterns_at(const char *list, int index, char pattern[PATTERN_CAPACITY]);

#endif
