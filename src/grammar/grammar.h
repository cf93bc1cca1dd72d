/* grammar.h - context-free grammars of texts: what the front ends (forms.def) make of a JSON schema, a
 * regular expression and so on, and what program.h compiles.
 *
 * An expression is a number. Building never fails: beyond a limit (size, nesting, counts), which hostile
 * input reaches, the grammar keeps the first such error, and grammar_check returns it. */
#ifndef GRAMMAR_GRAMMAR_H
#define GRAMMAR_GRAMMAR_H

#include "base/buffer.h"
#include "grammar/code_set.h"

typedef int32_t Expr;

typedef enum ExprKind {
  EXPR_NEVER,    /* matches no text */
  EXPR_TEXT,     /* these bytes, of valid UTF-8 */
  EXPR_SET,      /* a character of a set */
  EXPR_SEQUENCE, /* each in turn; of none: the empty text */
  EXPR_EITHER,   /* one of them */
  EXPR_REPEAT,   /* min to max times */
  EXPR_RULE      /* a rule, which may be defined later */
} ExprKind;

enum {
  GRAMMAR_MOST_EXPRS = 200000,
  GRAMMAR_MOST_BYTES = 4 << 20, /* of texts, and of ranges and children likewise */
  GRAMMAR_MOST_DEPTH = 400,     /* of nesting within a rule */
  GRAMMAR_MOST_REPEATS = 1000000,
  GRAMMAR_NO_MAXIMUM = -1
};

typedef struct ExprNode {
  ExprKind kind;
  int32_t depth;
  int32_t first, count; /* of its bytes, ranges or children; of a rule, `first` is its number */
  int32_t min, max;     /* of a repeat */
} ExprNode;

typedef struct GrammarRule {
  char *name; /* for messages */
  Expr expr;  /* -1: not defined yet */
} GrammarRule;

typedef struct Grammar {
  VEC(ExprNode) exprs;
  VEC(Expr) children;
  VEC(CodeRange) ranges;
  Buffer bytes;
  VEC(GrammarRule) rules;
  Map *rule_numbers; /* by name */
  Expr start;
  Error error;
} Grammar;

Grammar *grammar_new(void);
void grammar_free(Grammar *);
/* The first error, also of a rule that is used and not defined. */
bool grammar_check(const Grammar *, Error *);
bool grammar_full(const Grammar *); /* a limit was reached: stop building */
void grammar_fail(Grammar *, const char *format, ...) PRINTF(2, 3);

Expr expr_never(Grammar *);
Expr expr_empty(Grammar *);
Expr expr_text(Grammar *, const char *text, size_t length);
Expr expr_string(Grammar *, const char *text); /* ended by NUL */
Expr expr_set(Grammar *, const CodeSet *);     /* settled */
Expr expr_sequence(Grammar *, const Expr *, size_t count);
Expr expr_either(Grammar *, const Expr *, size_t count);
Expr expr_repeat(Grammar *, Expr, int64_t min, int64_t max);
Expr expr_pair(Grammar *, Expr, Expr); /* a sequence of two */
Expr expr_optional(Grammar *, Expr);
/* One of many texts, with common beginnings in common: however many there are, few are alive at a time. */
Expr expr_words(Grammar *, const MapKey *words, size_t count);

/* The number of a rule by its name, which is new or not. */
int32_t grammar_rule(Grammar *, const char *name, size_t length);
bool grammar_defined(const Grammar *, int32_t rule);
void grammar_define(Grammar *, int32_t rule, Expr);
Expr expr_rule(Grammar *, int32_t rule);

#endif
