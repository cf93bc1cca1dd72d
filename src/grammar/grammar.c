#include "grammar/grammar.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/language.h"
#include "text/utf8.h"

Grammar *grammar_new(void) {
  Grammar *g = mem_alloc_zeroed(1, sizeof *g);
  g->rule_numbers = map_new();
  g->start = -1;
  return g;
}

void grammar_free(Grammar *g) {
  if (!g) return;
  vec_free(&g->exprs);
  vec_free(&g->children);
  vec_free(&g->ranges);
  buffer_free(&g->bytes);
  for (size_t i = 0; i < g->rules.count; i++) mem_free(g->rules.data[i].name);
  vec_free(&g->rules);
  map_free(g->rule_numbers);
  mem_free(g);
}

void grammar_fail(Grammar *g, const char *format, ...) {
  char text[sizeof g->error.text];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, _(format), args);
  va_end(args);
  fail_usage(&g->error, "%s", text);
}

bool grammar_full(const Grammar *g) {
  return g->error.code != 0;
}

bool grammar_check(const Grammar *g, Error *err) {
  if (g->error.code) return fail_from(err, &g->error);
  for (size_t i = 0; i < g->rules.count; i++)
    if (g->rules.data[i].expr < 0)
      return fail_usage(err, "the rule \"%s\" is not defined", g->rules.data[i].name);
  return true;
}

/* ---- expressions ---- */

static Expr add(Grammar *g, ExprNode node) {
  if (g->exprs.count >= GRAMMAR_MOST_EXPRS || g->bytes.length > GRAMMAR_MOST_BYTES ||
      g->ranges.count > GRAMMAR_MOST_BYTES || g->children.count > GRAMMAR_MOST_BYTES)
    grammar_fail(g, N_("the grammar is too large: it has more than %d parts"), GRAMMAR_MOST_EXPRS);
  if (node.depth > GRAMMAR_MOST_DEPTH)
    grammar_fail(g, N_("the grammar is nested too deeply: more than %d levels"), GRAMMAR_MOST_DEPTH);
  if (grammar_full(g) && g->exprs.count) return 0;
  vec_push(&g->exprs, node);
  return (Expr)g->exprs.count - 1;
}

Expr expr_never(Grammar *g) {
  return add(g, (ExprNode){.kind = EXPR_NEVER});
}

Expr expr_empty(Grammar *g) {
  return add(g, (ExprNode){.kind = EXPR_SEQUENCE});
}

Expr expr_text(Grammar *g, const char *text, size_t length) {
  const size_t first = g->bytes.length;
  if (length > GRAMMAR_MOST_BYTES)
    grammar_fail(g, N_("the grammar is too large: a text has %zu bytes"), length);
  if (grammar_full(g)) return expr_never(g);
  buffer_add(&g->bytes, text, length);
  return add(g, (ExprNode){.kind = EXPR_TEXT, .first = (int32_t)first, .count = (int32_t)length});
}

Expr expr_string(Grammar *g, const char *text) {
  return expr_text(g, text, strlen(text));
}

Expr expr_set(Grammar *g, const CodeSet *s) {
  const size_t first = g->ranges.count;
  char bytes[4];
  if (s->count == 1 && s->data[0].first == s->data[0].last)
    return expr_text(g, bytes, utf8_encode(s->data[0].first, bytes));
  for (size_t i = 0; i < s->count; i++) vec_push(&g->ranges, s->data[i]);
  return add(g, (ExprNode){.kind = EXPR_SET, .first = (int32_t)first, .count = (int32_t)s->count});
}

static Expr add_children(Grammar *g, ExprKind kind, const Expr *items, size_t count) {
  ExprNode node = {.kind = kind, .first = (int32_t)g->children.count, .count = (int32_t)count};
  if (grammar_full(g)) return expr_never(g);
  for (size_t i = 0; i < count; i++) {
    const int32_t depth = g->exprs.data[items[i]].depth + 1;
    if (depth > node.depth) node.depth = depth;
    vec_push(&g->children, items[i]);
  }
  return add(g, node);
}

Expr expr_sequence(Grammar *g, const Expr *items, size_t count) {
  return count == 1 ? items[0] : add_children(g, EXPR_SEQUENCE, items, count);
}

Expr expr_either(Grammar *g, const Expr *items, size_t count) {
  return count == 1 ? items[0] : add_children(g, EXPR_EITHER, items, count);
}

Expr expr_pair(Grammar *g, Expr a, Expr b) {
  return expr_sequence(g, (const Expr[]){a, b}, 2);
}

Expr expr_repeat(Grammar *g, Expr e, int64_t min, int64_t max) {
  if (max != GRAMMAR_NO_MAXIMUM && min > max)
    grammar_fail(g, N_("a repetition has the minimum %lld above its maximum %lld"), (long long)min,
                 (long long)max);
  if (min > GRAMMAR_MOST_REPEATS || max > GRAMMAR_MOST_REPEATS)
    grammar_fail(g, N_("a repetition counts to more than %d"), GRAMMAR_MOST_REPEATS);
  const Expr made = add_children(g, EXPR_REPEAT, &e, 1);
  g->exprs.data[made].min = (int32_t)min;
  g->exprs.data[made].max = (int32_t)max;
  return made;
}

Expr expr_optional(Grammar *g, Expr e) {
  return expr_repeat(g, e, 0, 1);
}

/* ---- many texts ---- */

static int by_bytes(const void *a, const void *b) {
  const MapKey *x = a, *y = b;
  const int order = memcmp(x->bytes, y->bytes, x->length < y->length ? x->length : y->length);
  return order ? order : (x->length > y->length) - (x->length < y->length);
}

static char byte_at(const MapKey *word, size_t at) {
  return ((const char *)word->bytes)[at];
}

static size_t common_prefix(const MapKey *a, const MapKey *b, size_t from) {
  while (from < a->length && from < b->length && byte_at(a, from) == byte_at(b, from)) from++;
  return from;
}

/* Sorted words from byte `from` on, which all begin alike up to there. */
static Expr words_from(Grammar *g, const MapKey *words, size_t count, size_t from, int depth) {
  const size_t same = common_prefix(&words[0], &words[count - 1], from);
  VEC(Expr) branches = {0};
  if (depth > GRAMMAR_MOST_DEPTH / 2)
    grammar_fail(g, N_("the grammar is nested too deeply: more than %d levels"), GRAMMAR_MOST_DEPTH);
  if (grammar_full(g)) return expr_never(g);
  const Expr front = expr_text(g, (const char *)words[0].bytes + from, same - from);
  if (words[0].length == same) vec_push(&branches, expr_empty(g));
  for (size_t first = 0, last; first < count; first = last) {
    last = first + 1;
    if (words[first].length == same) continue;
    while (last < count && byte_at(&words[last], same) == byte_at(&words[first], same)) last++;
    vec_push(&branches, words_from(g, words + first, last - first, same, depth + 1));
  }
  const Expr rest = expr_either(g, branches.data, branches.count);
  vec_free(&branches);
  return expr_pair(g, front, rest);
}

Expr expr_words(Grammar *g, const MapKey *words, size_t count) {
  if (!count) return expr_never(g);
  MapKey *sorted = mem_alloc(count * sizeof *sorted);
  memcpy(sorted, words, count * sizeof *sorted);
  qsort(sorted, count, sizeof *sorted, by_bytes);
  const Expr made = words_from(g, sorted, count, 0, 0);
  mem_free(sorted);
  return made;
}

/* ---- rules ---- */

int32_t grammar_rule(Grammar *g, const char *name, size_t length) {
  int64_t *number = map_slot(g->rule_numbers, name, length, (int64_t)g->rules.count);
  const int32_t rule = (int32_t)*number;
  if ((size_t)rule < g->rules.count) return rule;
  char *kept = mem_alloc(length + 1);
  memcpy(kept, name, length);
  kept[length] = '\0';
  vec_push(&g->rules, ((GrammarRule){kept, -1}));
  return rule;
}

bool grammar_defined(const Grammar *g, int32_t rule) {
  return g->rules.data[rule].expr >= 0;
}

void grammar_define(Grammar *g, int32_t rule, Expr e) {
  g->rules.data[rule].expr = e;
}

Expr expr_rule(Grammar *g, int32_t rule) {
  return add(g, (ExprNode){.kind = EXPR_RULE, .first = rule});
}
