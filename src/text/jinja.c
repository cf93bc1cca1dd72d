/* jinja.c - runs a template: expressions, statements, scopes, and the limits on all of them. */
#include "text/jinja.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/language.h"
#include "text/jinja_impl.h"
#include "text/utf8.h"

enum { MOST_DEPTH = 400 };
static const size_t most_bytes = (size_t)1 << 28;
static const int64_t most_steps = 20000000;

typedef struct Binding {
  const char *name;
  Value value;
  struct Binding *next;
} Binding;

/* ---- limits and errors ---- */

void work_fail(Work *w, const char *format, ...) {
  char text[512];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, language_text(format), args);
  va_end(args);
  fail(w->err, "line %d: %.*s", w->line, (int)utf8_whole_prefix(text, strlen(text)), text);
  longjmp(w->place, 1);
}

void work_raise(Work *w, Value message) {
  const size_t most = message.length < 800 ? message.length : utf8_whole_prefix(message.text, 800);
  fail(w->err, "%.*s", (int)most, message.text);
  longjmp(w->place, 1);
}

void work_step(Work *w, size_t work) {
  w->steps += 1 + (int64_t)work;
  if (w->steps > most_steps) work_fail(w, "the template does not come to an end");
}

void *work_alloc(Work *w, size_t bytes) {
  w->bytes += bytes;
  if (bytes > most_bytes || w->bytes > most_bytes)
    work_fail(w, "the template needs more than %zu MiB of memory", most_bytes >> 20);
  work_step(w, bytes / 256);
  return arena_alloc_zeroed(w->arena, bytes);
}

void work_enter(Work *w) {
  if (++w->depth > MOST_DEPTH) work_fail(w, "more than %d levels are nested", MOST_DEPTH);
}

void work_leave(Work *w) {
  w->depth--;
}

/* ---- scopes ---- */

static Scope *scope_open(Work *w, Scope *parent) {
  Scope *s = work_alloc(w, sizeof *s);
  s->parent = parent;
  return w->scope = s;
}

void scope_set(Work *w, Scope *s, const char *name, Value v) {
  for (Binding *b = s->bindings; b; b = b->next)
    if (!strcmp(b->name, name)) {
      b->value = v;
      return;
    }
  Binding *b = work_alloc(w, sizeof *b);
  *b = (Binding){name, v, s->bindings};
  s->bindings = b;
}

static Value variable(Work *w, const char *name) {
  for (const Scope *s = w->scope; s; s = s->parent)
    for (const Binding *b = s->bindings; b; b = b->next)
      if (!strcmp(b->name, name)) return b->value;
  const Callable *c = function_find(w, name);
  return c ? (Value){V_FUNCTION, {.function = c}, 0} : value_undefined(w, "'%s' is undefined", name);
}

static void assign(Work *w, const Node *target, Value v) {
  if (target->kind == N_NAME) {
    scope_set(w, w->scope, target->name, v);
    return;
  }
  if (target->kind == N_ATTRIBUTE) {
    const Value of = eval(w, target->a);
    if (of.type != V_NAMESPACE) work_fail(w, "cannot assign attribute on non-namespace object");
    if (*target->name == '_') work_fail(w, "a namespace cannot have names that begin with _");
    dict_put(w, of.dict, value_texts(target->name), v);
    return;
  }
  const List *items = value_items(w, v);
  size_t i = 0;
  for (const Node *t = target->args; t; t = t->next, i++)
    if (i < items->count) assign(w, t, items->items[i]);
  if (i != items->count) work_fail(w, "%zu values cannot be unpacked into %zu", items->count, i);
}

/* ---- expressions ---- */

static List *eval_all(Work *w, const Node *n) {
  List *l = list_new(w);
  for (; n; n = n->next) list_add(w, l, eval(w, n));
  return l;
}

static Value eval_dict(Work *w, const Node *n) {
  Dict *d = dict_new(w);
  for (const Node *pair = n->args; pair; pair = pair->next) {
    const Value key = eval(w, pair->a);
    dict_put(w, d, key, eval(w, pair->b));
  }
  return (Value){V_DICT, {.dict = d}, 0};
}

static bool holds(Work *w, Operator op, Value a, Value b) {
  switch (op) {
    case O_EQUAL:
      return value_equal(w, a, b);
    case O_UNEQUAL:
      return !value_equal(w, a, b);
    case O_LESS:
      return value_order(w, a, b, "<") < 0;
    case O_LESS_EQUAL:
      return value_order(w, a, b, "<=") <= 0;
    case O_GREATER:
      return value_order(w, a, b, ">") > 0;
    case O_GREATER_EQUAL:
      return value_order(w, a, b, ">=") >= 0;
    case O_IN:
      return value_in(w, a, b);
    default:
      return !value_in(w, a, b);
  }
}

static bool eval_comparison(Work *w, const Node *n) {
  Value left = eval(w, n->a);
  for (const Node *m = n->args; m; m = m->next) {
    const Value right = eval(w, m->a);
    if (!holds(w, m->op, left, right)) return false;
    left = right;
  }
  return true;
}

static Value eval_concat(Work *w, const Node *n) {
  Text out = {0};
  const Value a = eval(w, n->a), b = eval(w, n->b);
  value_print(w, a, &out);
  value_print(w, b, &out);
  return text_value(&out);
}

static Value eval_slice(Work *w, const Node *n) {
  const Node *nodes[] = {n->b, n->c, n->args};
  const Value v = eval(w, n->a);
  Value bounds[3] = {{0}};
  for (int i = 0; i < 3; i++)
    if (nodes[i]) bounds[i] = eval(w, nodes[i]);
  return value_slice(w, v, bounds);
}

static Args eval_args(Work *w, const Node *n) {
  size_t count = 0;
  for (const Node *m = n; m; m = m->next) count++;
  Args args = {.items = work_alloc(w, (count + 1) * sizeof *args.items),
               .named = work_alloc(w, (count + 2) * sizeof *args.named)};
  for (; n; n = n->next) {
    const Value v = eval(w, n->a);
    if (n->name)
      args.named[args.named_count++] = (Keyword){n->name, v};
    else
      args.items[args.count++] = v;
  }
  return args;
}

static Value eval_sign(Work *w, const Node *n) {
  const Value v = eval(w, n->a);
  if (v.type == V_UNDEFINED) work_fail(w, "%s", v.text);
  if (!value_is_number(v))
    work_fail(w, "bad operand type for unary %c: '%s'", n->kind == N_NEGATIVE ? '-' : '+', value_type(v));
  if (v.type == V_FLOAT) return value_real(n->kind == N_NEGATIVE ? -v.real : v.real);
  return value_binary(w, n->kind == N_NEGATIVE ? O_SUBTRACT : O_ADD, value_int(0), v);
}

static Value eval_call(Work *w, const Node *n) {
  const Value f = eval(w, n->a);
  const Args args = eval_args(w, n->args);
  return call_value(w, f, &args);
}

/* Without an operand: a filter of {% set %} or {% filter %}. */
static Value eval_filter(Work *w, const Node *n) {
  const Value v = n->a ? eval(w, n->a) : w->block;
  const Args args = eval_args(w, n->args);
  return n->kind == N_TEST ? value_bool(test_run(w, n->name, v, &args)) : filter_run(w, n->name, v, &args);
}

static Value eval_kind(Work *w, const Node *n) {
  Value v;
  switch (n->kind) {
    case N_CONST: /* or a node around a value */
      return n->a ? eval(w, n->a) : n->value;
    case N_NAME:
      return variable(w, n->name);
    case N_LIST:
      return value_list(V_LIST, eval_all(w, n->args));
    case N_TUPLE:
      return value_list(V_TUPLE, eval_all(w, n->args));
    case N_DICT:
      return eval_dict(w, n);
    case N_NOT:
      return value_bool(!value_true(eval(w, n->a)));
    case N_NEGATIVE:
    case N_POSITIVE:
      return eval_sign(w, n);
    case N_AND:
      v = eval(w, n->a);
      return value_true(v) ? eval(w, n->b) : v;
    case N_OR:
      v = eval(w, n->a);
      return value_true(v) ? v : eval(w, n->b);
    case N_IF_ELSE:
      if (value_true(eval(w, n->b))) return eval(w, n->a);
      return n->c ? eval(w, n->c) : value_undefined(w, "the inline if-expression was false and has no else");
    case N_COMPARE:
      return value_bool(eval_comparison(w, n));
    case N_BINARY:
      v = eval(w, n->a);
      return value_binary(w, n->op, v, eval(w, n->b));
    case N_CONCAT:
      return eval_concat(w, n);
    case N_ATTRIBUTE:
      return value_attribute(w, eval(w, n->a), n->name);
    case N_ITEM:
      v = eval(w, n->a);
      return value_item(w, v, eval(w, n->b));
    case N_SLICE:
      return eval_slice(w, n);
    case N_CALL:
      return eval_call(w, n);
    default:
      return eval_filter(w, n);
  }
}

Value eval(Work *w, const Node *n) {
  const int line = w->line;
  work_enter(w);
  work_step(w, 0);
  w->line = n->line;
  const Value v = eval_kind(w, n);
  w->line = line;
  work_leave(w);
  return v;
}

/* ---- statements ---- */

typedef enum Flow { GO_ON, BREAK, CONTINUE } Flow;

static Flow run(Work *w, const Node *n);

/* The output of statements in a scope of their own. */
static Value captured(Work *w, const Node *body, Scope *parent) {
  Text out = {0}, *const before = w->out;
  Scope *const scope = w->scope;
  w->out = &out;
  scope_open(w, parent);
  run(w, body);
  w->out = before;
  w->scope = scope;
  return text_value(&out);
}

static Value call_macro(Work *w, const Macro *m, const Args *args) {
  Scope *const scope = w->scope, *own = scope_open(w, m->scope);
  size_t used = 0, named = 0, i = 0;
  const bool block = m->node->kind == N_CALL_BLOCK;
  for (const Node *p = m->node->args; p; p = p->next, i++) {
    Value v = i < args->count ? args->items[used++] : (Value){0};
    for (size_t k = 0; k < args->named_count; k++) {
      if (strcmp(args->named[k].name, p->name)) continue;
      if (v.type != V_MISSING) work_fail(w, "the macro has the argument %s twice", p->name);
      v = args->named[k].value;
      named++;
    }
    if (v.type == V_MISSING)
      v = p->a ? eval(w, p->a) : value_undefined(w, "parameter '%s' was not provided", p->name);
    scope_set(w, own, p->name, v);
  }
  for (size_t k = 0; k < args->named_count && !block; k++)
    if (!strcmp(args->named[k].name, "caller")) {
      scope_set(w, own, "caller", args->named[k].value);
      named++;
    }
  if (used < args->count || named < args->named_count)
    work_fail(w, "macro '%s' takes not more than %zu argument(s)", m->node->name, i);
  const Value v = captured(w, m->node->body, own);
  w->scope = scope;
  return v;
}

static Value macro_value(Work *w, const Node *n) {
  Macro *m = work_alloc(w, sizeof *m);
  *m = (Macro){n, w->scope};
  return (Value){V_MACRO, {.macro = m}, 0};
}

static Value loop_method(Work *w, const Method *m, const Args *args) {
  Loop *l = m->self.loop;
  if (!strcmp(m->callable->name, "cycle")) {
    if (!args->count) work_fail(w, "no items for cycling given");
    return args->items[l->index % args->count];
  }
  List *now = list_new(w);
  for (size_t i = 0; i < args->count; i++) list_add(w, now, args->items[i]);
  const Value v = value_list(V_TUPLE, now);
  const bool differs = l->changed.type == V_MISSING || !value_equal(w, l->changed, v);
  l->changed = v;
  return value_bool(differs);
}

Value call_value(Work *w, Value f, const Args *args) {
  if (f.type == V_UNDEFINED) work_fail(w, "%s", f.text);
  if (f.type == V_MACRO) return call_macro(w, f.macro, args);
  if (f.type == V_FUNCTION) return call_callable(w, _("function"), f.function, (Value){0}, args);
  if (f.type == V_METHOD && f.method->self.type == V_LOOP) return loop_method(w, f.method, args);
  if (f.type == V_METHOD) return call_callable(w, _("method"), f.method->callable, f.method->self, args);
  work_fail(w, "'%s' object is not callable", value_type(f));
}

/* ---- loops ---- */

/* Whether there are more than `n` items. The test is applied no earlier than needed: it may depend on what
 * the body sets. */
static bool reach(Work *w, Loop *l, size_t n) {
  while (l->accepted.count <= n && l->taken < l->list->count) {
    const Value item = l->list->items[l->taken++];
    bool passes = true;
    if (l->source.type == V_ITERATOR) l->source.list->next = l->taken;
    if (l->node->c) {
      Scope *const scope = w->scope;
      scope_open(w, l->scope);
      assign(w, l->node->a, item);
      passes = value_true(eval(w, l->node->c));
      w->scope = scope;
    }
    if (passes) list_add(w, &l->accepted, item);
  }
  return l->accepted.count > n;
}

static int64_t loop_length(Work *w, Loop *l) {
  reach(w, l, SIZE_MAX - 1);
  return (int64_t)l->accepted.count;
}

Value loop_attribute(Work *w, Loop *l, const char *name) {
  static const Callable methods[] = {{"cycle", "*", NULL}, {"changed", "*", NULL}};
  const int64_t index = (int64_t)l->index;
  for (int i = 0; i < 2; i++)
    if (!strcmp(name, methods[i].name)) {
      Method *m = work_alloc(w, sizeof *m);
      *m = (Method){{V_LOOP, {.loop = l}, 0}, &methods[i]};
      return (Value){V_METHOD, {.method = m}, 0};
    }
  if (!strcmp(name, "index")) return value_int(index + 1);
  if (!strcmp(name, "index0")) return value_int(index);
  if (!strcmp(name, "first")) return value_bool(!index);
  if (!strcmp(name, "last")) return value_bool(!reach(w, l, l->index + 1));
  if (!strcmp(name, "length")) return value_int(loop_length(w, l));
  if (!strcmp(name, "revindex")) return value_int(loop_length(w, l) - index);
  if (!strcmp(name, "revindex0")) return value_int(loop_length(w, l) - index - 1);
  if (!strcmp(name, "depth")) return value_int(1);
  if (!strcmp(name, "depth0")) return value_int(0);
  if (!strcmp(name, "previtem"))
    return index ? l->accepted.items[index - 1] : value_undefined(w, "there is no previous item");
  if (!strcmp(name, "nextitem"))
    return reach(w, l, l->index + 1) ? l->accepted.items[index + 1]
                                     : value_undefined(w, "there is no next item");
  return value_undefined(w, "'LoopContext object' has no attribute '%s'", name);
}

static Flow run_for(Work *w, const Node *n) {
  Scope *const scope = w->scope;
  Loop *l = work_alloc(w, sizeof *l);
  l->node = n;
  l->scope = scope;
  l->source = eval(w, n->b);
  l->list = l->source.type == V_ITERATOR ? l->source.list : value_items(w, l->source);
  l->taken = l->source.type == V_ITERATOR ? l->list->next : 0;
  for (; reach(w, l, l->index); l->index++) {
    scope_open(w, scope);
    scope_set(w, w->scope, "loop", (Value){V_LOOP, {.loop = l}, 0});
    assign(w, n->a, l->accepted.items[l->index]);
    const Flow flow = run(w, n->body);
    w->scope = scope;
    if (flow == BREAK) return GO_ON;
  }
  if (l->index || !n->otherwise) return GO_ON;
  scope_open(w, scope);
  const Flow flow = run(w, n->otherwise);
  w->scope = scope;
  return flow;
}

static Flow run_if(Work *w, const Node *n) {
  for (; n; n = n->otherwise) {
    if (value_true(eval(w, n->a))) return run(w, n->body);
    if (n->otherwise && (n->otherwise->kind != N_IF || n->otherwise->next)) return run(w, n->otherwise);
  }
  return GO_ON;
}

static Flow run_with(Work *w, const Node *n) {
  Scope *const scope = w->scope, *inner = scope_open(w, scope);
  for (const Node *s = n->args; s; s = s->next) {
    w->scope = scope; /* values do not see each other */
    const Value v = eval(w, s->b);
    w->scope = inner;
    assign(w, s->a, v);
  }
  const Flow flow = run(w, n->body);
  w->scope = scope;
  return flow;
}

static void run_generation(Work *w, const Node *n) {
  const size_t begin = w->out->length;
  const Value v = captured(w, n->body, w->scope);
  text_add(w, w->out, v.text, v.length);
  if (w->generated && w->out == &w->top) vec_push(w->generated, ((JinjaSpan){begin, w->out->length}));
}

static void run_call_block(Work *w, const Node *n) {
  const Value f = eval(w, n->a->a);
  Args args = eval_args(w, n->a->args); /* with space for one more */
  args.named[args.named_count++] = (Keyword){"caller", macro_value(w, n)};
  value_print(w, call_value(w, f, &args), w->out);
}

static Flow run_one(Work *w, const Node *n) {
  Value v;
  work_step(w, 0);
  w->line = n->line;
  switch (n->kind) {
    case N_OUTPUT:
      value_print(w, eval(w, n->a), w->out);
      return GO_ON;
    case N_FOR:
      return run_for(w, n);
    case N_IF:
      return run_if(w, n);
    case N_SET:
      assign(w, n->a, eval(w, n->b));
      return GO_ON;
    case N_SET_BLOCK:
      w->block = v = captured(w, n->body, w->scope);
      assign(w, n->a, n->b ? eval(w, n->b) : v);
      return GO_ON;
    case N_MACRO:
      scope_set(w, w->scope, n->name, macro_value(w, n));
      return GO_ON;
    case N_CALL_BLOCK:
      run_call_block(w, n);
      return GO_ON;
    case N_FILTER_BLOCK:
      w->block = captured(w, n->body, w->scope);
      value_print(w, eval(w, n->b), w->out);
      return GO_ON;
    case N_WITH:
      return run_with(w, n);
    case N_GENERATION:
      run_generation(w, n);
      return GO_ON;
    default:
      return n->kind == N_BREAK ? BREAK : CONTINUE;
  }
}

static Flow run(Work *w, const Node *n) {
  Flow flow = GO_ON;
  work_enter(w);
  for (; n && flow == GO_ON; n = n->next) flow = run_one(w, n);
  work_leave(w);
  return flow;
}

/* ---- the interface ---- */

Jinja *jinja_parse(const char *text, size_t length, Error *err) {
  Jinja *t = mem_alloc_zeroed(1, sizeof *t);
  t->arena = arena_new(0);
  Work w = {.arena = t->arena, .err = err, .line = 1};
  if (setjmp(w.place)) {
    jinja_free(t);
    return NULL;
  }
  t->body = jinja_tree(&w, text, length);
  return t;
}

void jinja_free(Jinja *t) {
  if (!t) return;
  arena_free(t->arena);
  mem_free(t);
}

static bool render(Work *w, const Jinja *t, const json_t *variables) {
  const char *name;
  json_t *value;
  if (setjmp(w->place)) return false;
  w->out = &w->top;
  scope_open(w, NULL);
  json_object_foreach((json_t *)(uintptr_t)variables, name, value)
      scope_set(w, w->scope, name, value_json(w, value));
  run(w, t->body);
  return true;
}

bool jinja_render(const Jinja *t, const json_t *variables, Buffer *out, JinjaSpans *generated, Error *err) {
  Work w = {.arena = arena_new(0), .err = err, .generated = generated, .line = 1};
  const bool ok = render(&w, t, variables);
  if (ok) buffer_add(out, w.top.data, w.top.length);
  arena_free(w.arena);
  return ok;
}
