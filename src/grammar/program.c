#include "grammar/program.h"

#include <string.h>

#include "grammar/analysis.h"

/* An expression can be compiled without the empty text: loops repeat that, as they would never end
 * otherwise. */
typedef enum Mode { PLAIN, NOT_EMPTY } Mode;

typedef struct Compiler {
  const Grammar *g;
  Analysis facts;
  Program *p;
  int32_t *entries[2];  /* by mode and rule: its first instruction; -1: not needed yet */
  VEC(int32_t) waiting; /* 2 * rule + mode: called, and not compiled yet */
  VEC(int32_t) calls;   /* instructions whose a is 2 * rule + mode instead of a place */
  bool full, too_many_sets;
} Compiler;

static int32_t here(const Compiler *c) {
  return (int32_t)c->p->code.count;
}

static int32_t emit(Compiler *c, OpCode op, int32_t a, int32_t b) {
  if (c->p->code.count >= PROGRAM_MOST) c->full = true;
  if (!c->full) vec_push(&c->p->code, ((Instruction){op, a, b, 0}));
  return here(c) - 1;
}

static Instruction *at(Compiler *c, int32_t place) {
  return &c->p->code.data[place];
}

static void compile(Compiler *c, Expr e, Mode mode);

static Expr child(const Compiler *c, const ExprNode *n, int32_t i) {
  return c->g->children.data[n->first + i];
}

static void compile_text(Compiler *c, const ExprNode *n) {
  const char *bytes = c->g->bytes.data + n->first;
  for (int32_t i = 0; i < n->count && !c->full; i++) emit(c, OP_BYTE, (uint8_t)bytes[i], 0);
}

static void compile_set(Compiler *c, const ExprNode *n) {
  const int32_t set = byte_tables_set(&c->p->tables, c->g->ranges.data + n->first, (size_t)n->count);
  if (set < 0) {
    c->full = c->too_many_sets = true;
    return;
  }
  const ByteSet s = c->p->tables.sets.data[set];
  const int32_t first = here(c);
  for (int32_t i = 0; i < s.count && !c->full; i++) {
    emit(c, OP_SET, s.first + i, first);
    at(c, here(c) - 1)->c = first + s.count;
  }
}

/* Ends of branches are patched to jump behind all of them. */
static void compile_either(Compiler *c, const ExprNode *n, Mode mode) {
  VEC(int32_t) ends = {0};
  int32_t split = -1;
  for (int32_t i = 0; i < n->count && !c->full; i++) {
    if (!c->facts.productive[child(c, n, i)]) continue;
    if (split >= 0) at(c, split)->b = here(c);
    split = emit(c, OP_SPLIT, here(c) + 1, 0);
    compile(c, child(c, n, i), mode);
    vec_push(&ends, emit(c, OP_JUMP, 0, 0));
  }
  const int32_t none = emit(c, OP_FAIL, 0, 0); /* no further branch */
  if (split >= 0 && !c->full) at(c, split)->b = none;
  for (size_t i = 0; i < ends.count && !c->full; i++) at(c, ends.data[i])->a = here(c);
  vec_free(&ends);
}

/* Without the empty text, of parts that may all be empty: the first that is not, then the rest as it is. */
static void compile_first_of(Compiler *c, const ExprNode *n) {
  int32_t *split = mem_alloc_zeroed((size_t)n->count + 1, sizeof *split);
  int32_t *jump = mem_alloc_zeroed((size_t)n->count + 1, sizeof *jump);
  for (int32_t i = 0; i < n->count && !c->full; i++) {
    split[i] = emit(c, OP_SPLIT, here(c) + 1, 0);
    compile(c, child(c, n, i), NOT_EMPTY);
    jump[i] = emit(c, OP_JUMP, 0, 0);
    if (!c->full) at(c, split[i])->b = here(c);
  }
  emit(c, OP_FAIL, 0, 0);
  for (int32_t i = 0; i < n->count && !c->full; i++) {
    if (i) compile(c, child(c, n, i), PLAIN);
    if (!c->full) at(c, jump[i])->a = here(c);
  }
  mem_free(split);
  mem_free(jump);
}

static void compile_sequence(Compiler *c, Expr e, const ExprNode *n, Mode mode) {
  if (mode == NOT_EMPTY && c->facts.nullable[e]) {
    compile_first_of(c, n);
    return;
  }
  for (int32_t i = 0; i < n->count && !c->full; i++) compile(c, child(c, n, i), PLAIN);
}

/* (0, 1), (0, any) and (1, any) need no count. */
static void compile_loop(Compiler *c, Expr body, Mode mode, int32_t min, int32_t max) {
  const bool counts = max < 0 ? min > 1 : max > 1;
  int32_t first = here(c);
  if (counts || (!min && max)) emit(c, counts ? OP_LOOP : OP_SPLIT, counts ? min : first + 1, max);
  compile(c, body, mode);
  if (c->full) return;
  if (counts)
    emit(c, OP_AGAIN, first, 0);
  else if (max < 0 && !min)
    emit(c, OP_JUMP, first, 0);
  else if (max < 0)
    emit(c, OP_SPLIT, first, here(c) + 1);
  if (c->full) return;
  if (counts)
    at(c, first)->c = here(c);
  else if (!min)
    at(c, first)->b = here(c);
}

/* A body that may be empty is repeated without: then any smaller number of times is the same. */
static void compile_repeat(Compiler *c, const ExprNode *n, Mode mode) {
  const Expr body = child(c, n, 0);
  const bool empty = c->facts.nullable[body];
  int32_t min = empty ? 0 : n->min;
  if (mode == NOT_EMPTY && !min) min = 1;
  if (!n->max || !c->facts.productive[body]) {
    if (min) emit(c, OP_FAIL, 0, 0);
    return;
  }
  compile_loop(c, body, empty ? NOT_EMPTY : PLAIN, min, n->max);
}

static void compile_call(Compiler *c, int32_t rule, Mode mode) {
  if (mode == NOT_EMPTY && !c->facts.nullable[c->g->rules.data[rule].expr]) mode = PLAIN;
  const int32_t call = emit(c, OP_CALL, 2 * rule + (int32_t)mode, 0);
  if (c->full) return;
  vec_push(&c->calls, call);
  if (c->entries[mode][rule] != -1) return;
  c->entries[mode][rule] = -2; /* waits */
  vec_push(&c->waiting, 2 * rule + (int32_t)mode);
}

static void compile(Compiler *c, Expr e, Mode mode) {
  const ExprNode *n = &c->g->exprs.data[e];
  if (c->full) return;
  if (!c->facts.productive[e] || (mode == NOT_EMPTY && n->kind == EXPR_TEXT && !n->count)) {
    emit(c, OP_FAIL, 0, 0);
    return;
  }
  switch (n->kind) {
    case EXPR_TEXT:
      compile_text(c, n);
      break;
    case EXPR_SET:
      compile_set(c, n);
      break;
    case EXPR_SEQUENCE:
      compile_sequence(c, e, n, mode);
      break;
    case EXPR_EITHER:
      compile_either(c, n, mode);
      break;
    case EXPR_REPEAT:
      compile_repeat(c, n, mode);
      break;
    case EXPR_RULE:
      compile_call(c, n->first, mode);
      break;
    case EXPR_NEVER:
      break;
  }
}

static void compile_rules(Compiler *c) {
  while (c->waiting.count && !c->full) {
    const int32_t which = c->waiting.data[--c->waiting.count];
    c->entries[which % 2][which / 2] = here(c);
    compile(c, c->g->rules.data[which / 2].expr, (Mode)(which % 2));
    emit(c, OP_RETURN, 0, 0);
  }
  for (size_t i = 0; i < c->calls.count && !c->full; i++) {
    Instruction *call = at(c, c->calls.data[i]);
    call->a = c->entries[call->a % 2][call->a / 2];
  }
}

/* ---- columns ---- */

/* Splits the columns of bytes that `next` tells apart. */
static void refine(Program *p, const uint16_t *next) {
  uint16_t of[256]; /* of each new column: the value and the old column */
  uint8_t old[256], fresh[256];
  int32_t count = 0;
  for (int byte = 0; byte < 256; byte++) {
    int32_t i = 0;
    while (i < count && (of[i] != next[byte] || old[i] != p->column[byte])) i++;
    if (i == count) of[i] = next[byte], old[i] = p->column[byte], count++;
    fresh[byte] = (uint8_t)i;
  }
  if (count > p->columns) memcpy(p->column, fresh, sizeof fresh);
  p->columns = count;
}

static void find_columns(Program *p) {
  ByteTable single = {{0}};
  p->columns = 1;
  for (size_t i = 0; i < p->code.count; i++)
    if (p->code.data[i].op == OP_BYTE) single.next[p->code.data[i].a] = (uint16_t)(p->code.data[i].a + 1);
  refine(p, single.next);
  for (size_t i = 0; i < p->tables.tables.count && p->columns < 256; i++)
    refine(p, p->tables.tables.data[i].next);
}

/* ---- all ---- */

static Program *run(Compiler *c, Error *err) {
  const size_t rules = c->g->rules.count;
  c->p = mem_alloc_zeroed(1, sizeof *c->p);
  for (int m = 0; m < 2; m++) {
    c->entries[m] = mem_alloc((rules + 1) * sizeof **c->entries);
    memset(c->entries[m], 0xFF, (rules + 1) * sizeof **c->entries);
  }
  compile(c, c->g->start, PLAIN);
  emit(c, OP_RETURN, 0, 0);
  compile_rules(c);
  if (!c->full) {
    find_columns(c->p);
    return c->p;
  }
  program_free(c->p);
  if (c->too_many_sets)
    fail_usage(err, "the grammar has too many different sets of characters: use fewer");
  else
    fail_usage(err, "the grammar is too large: compiled, it has more than %d instructions", PROGRAM_MOST);
  return NULL;
}

Program *program_compile(const Grammar *g, Error *err) {
  Compiler c = {.g = g};
  if (!grammar_check(g, err) || !analysis_open(&c.facts, g, err)) return NULL;
  Program *p = run(&c, err);
  for (int m = 0; m < 2; m++) mem_free(c.entries[m]);
  vec_free(&c.waiting);
  vec_free(&c.calls);
  analysis_close(&c.facts);
  return p;
}

void program_free(Program *p) {
  if (!p) return;
  vec_free(&p->code);
  byte_tables_free(&p->tables);
  mem_free(p);
}
