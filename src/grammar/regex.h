/* regex.h - regular expressions as parts of grammars: the form "regex", and "pattern" of a JSON schema. */
#ifndef GRAMMAR_REGEX_H
#define GRAMMAR_REGEX_H

#include "grammar/grammar.h"

/* How a character of the pattern appears in the text: as itself, or as in a JSON string. */
typedef struct RegexStyle {
  Expr (*set)(Grammar *, const CodeSet *); /* what a settled set of characters becomes */
  bool search; /* matches anywhere, unless the pattern begins with ^ and ends with $; else the whole text */
} RegexStyle;

/* `where` names the pattern in errors. */
Expr regex_read(Grammar *, const RegexStyle *, const char *pattern, size_t length, const char *where);

#endif
