#include "grammar/analysis.h"

/* ---- facts that follow from those of parts ---- */

/* Whether an expression has the fact by itself, and of how many parts it needs it. */
typedef struct Needs {
  bool has;
  int32_t parts; /* 0: never */
} Needs;
typedef Needs Fact(const ExprNode *);

static Needs nullable_by(const ExprNode *e) {
  switch (e->kind) {
    case EXPR_TEXT:
      return (Needs){!e->count, 0};
    case EXPR_SEQUENCE:
      return (Needs){!e->count, e->count};
    case EXPR_EITHER:
    case EXPR_RULE:
      return (Needs){false, 1};
    case EXPR_REPEAT:
      return (Needs){!e->min, 1};
    case EXPR_NEVER:
    case EXPR_SET:
      break;
  }
  return (Needs){false, 0};
}

static Needs productive_by(const ExprNode *e) {
  if (e->kind == EXPR_TEXT) return (Needs){true, 0};
  if (e->kind == EXPR_SET) return (Needs){e->count > 0, 0};
  return nullable_by(e);
}

/* Edges from a part to the expressions that it is a part of. */
typedef struct Users {
  int32_t *first; /* [exprs + 1] */
  Expr *users;
} Users;

typedef void EachEdge(void *user, Expr part, Expr whole);

static void each_edge(const Grammar *g, EachEdge *edge, void *user) {
  for (size_t e = 0; e < g->exprs.count; e++) {
    const ExprNode *n = &g->exprs.data[e];
    if (n->kind == EXPR_RULE) edge(user, g->rules.data[n->first].expr, (Expr)e);
    if (n->kind == EXPR_SEQUENCE || n->kind == EXPR_EITHER || n->kind == EXPR_REPEAT)
      for (int32_t i = 0; i < n->count; i++) edge(user, g->children.data[n->first + i], (Expr)e);
  }
}

static void count_edge(void *user, Expr part, Expr whole) {
  (void)whole;
  ((Users *)user)->first[part + 1]++;
}

static void put_edge(void *user, Expr part, Expr whole) {
  Users *u = user;
  u->users[u->first[part]++] = whole;
}

static Users users_of(const Grammar *g) {
  const size_t count = g->exprs.count;
  Users u = {.first = mem_alloc_zeroed(count + 2, sizeof *u.first)};
  each_edge(g, count_edge, &u);
  for (size_t i = 0; i < count; i++) u.first[i + 1] += u.first[i];
  u.users = mem_alloc_zeroed((size_t)u.first[count] + 1, sizeof *u.users);
  each_edge(g, put_edge, &u);
  for (size_t i = count; i > 0; i--) u.first[i] = u.first[i - 1]; /* put_edge moved each to its end */
  u.first[0] = 0;
  return u;
}

/* The expressions that have a fact, from parts to wholes: each edge is followed once. */
static bool *spread(const Grammar *g, const Users *u, Fact *fact) {
  const size_t count = g->exprs.count;
  bool *has = mem_alloc_zeroed(count + 1, sizeof *has);
  int32_t *left = mem_alloc_zeroed(count + 1, sizeof *left);
  VEC(Expr) found = {0};
  for (size_t e = 0; e < count; e++) {
    const Needs needs = fact(&g->exprs.data[e]);
    left[e] = needs.parts;
    if (!needs.has) continue;
    has[e] = true;
    vec_push(&found, (Expr)e);
  }
  while (found.count) {
    const Expr part = found.data[--found.count];
    for (int32_t i = u->first[part]; i < u->first[part + 1]; i++) {
      const Expr whole = u->users[i];
      if (has[whole] || !left[whole] || --left[whole]) continue;
      has[whole] = true;
      vec_push(&found, whole);
    }
  }
  vec_free(&found);
  mem_free(left);
  return has;
}

/* ---- left recursion ---- */

typedef struct Edge {
  int32_t from, to;
} Edge;
typedef VEC(Edge) Edges;

/* The rules that an expression may begin with. */
static void left_rules(const Grammar *g, const Analysis *a, int32_t rule, Expr e, Edges *edges) {
  const ExprNode *n = &g->exprs.data[e];
  if (n->kind == EXPR_RULE) vec_push(edges, ((Edge){rule, n->first}));
  if (n->kind != EXPR_SEQUENCE && n->kind != EXPR_EITHER && n->kind != EXPR_REPEAT) return;
  for (int32_t i = 0; i < n->count; i++) {
    const Expr child = g->children.data[n->first + i];
    left_rules(g, a, rule, child, edges);
    if (n->kind == EXPR_SEQUENCE && !a->nullable[child]) return;
  }
}

/* Removes rules that lead nowhere until there are none: *out counts the edges of those that remain. */
static void remove_ends(const Edges *edges, size_t rules, int32_t *out) {
  int32_t *first = mem_alloc_zeroed(rules + 2, sizeof *first);
  int32_t *from = mem_alloc_zeroed(edges->count + 1, sizeof *from);
  VEC(int32_t) ends = {0};
  for (size_t i = 0; i < edges->count; i++) first[edges->data[i].to + 1]++, out[edges->data[i].from]++;
  for (size_t i = 0; i < rules; i++) first[i + 1] += first[i];
  for (size_t i = 0; i < edges->count; i++) from[first[edges->data[i].to]++] = edges->data[i].from;
  for (size_t i = 0; i < rules; i++)
    if (!out[i]) vec_push(&ends, (int32_t)i);
  while (ends.count) {
    const int32_t rule = ends.data[--ends.count];
    for (int32_t i = rule ? first[rule - 1] : 0; i < first[rule]; i++)
      if (!--out[from[i]]) vec_push(&ends, from[i]);
  }
  vec_free(&ends);
  mem_free(first);
  mem_free(from);
}

/* Every remaining rule leads to a remaining one, so as many steps as there are rules end in a circle. */
static int32_t rule_in_circle(const Edges *edges, size_t rules, const int32_t *out) {
  int32_t *next = mem_alloc_zeroed(rules + 1, sizeof *next);
  int32_t at = -1;
  for (size_t i = 0; i < edges->count; i++) {
    const Edge e = edges->data[i];
    if (out[e.from] && out[e.to]) next[e.from] = at = e.to;
  }
  for (size_t i = 0; i < rules && at >= 0; i++) at = next[at];
  mem_free(next);
  return at;
}

static bool refuse_left_recursion(const Analysis *a, const Grammar *g, Error *err) {
  Edges edges = {0};
  const size_t rules = g->rules.count;
  int32_t *out = mem_alloc_zeroed(rules + 1, sizeof *out);
  for (size_t r = 0; r < rules; r++) left_rules(g, a, (int32_t)r, g->rules.data[r].expr, &edges);
  remove_ends(&edges, rules, out);
  const int32_t at = rule_in_circle(&edges, rules, out);
  vec_free(&edges);
  mem_free(out);
  return at < 0 ||
         fail_usage(err,
                    "the rule \"%s\" refers to itself before any character (left recursion): put what "
                    "it repeats after a character, or use * or +",
                    g->rules.data[at].name);
}

/* ---- all ---- */

bool analysis_open(Analysis *a, const Grammar *g, Error *err) {
  const Users u = users_of(g);
  a->nullable = spread(g, &u, nullable_by);
  a->productive = spread(g, &u, productive_by);
  mem_free(u.first);
  mem_free(u.users);
  if (refuse_left_recursion(a, g, err) &&
      (a->productive[g->start] ||
       fail_usage(err, "no text matches: it could never end, or its parts contradict each other")))
    return true;
  analysis_close(a);
  return false;
}

void analysis_close(Analysis *a) {
  mem_free(a->nullable);
  mem_free(a->productive);
  a->nullable = a->productive = NULL;
}
