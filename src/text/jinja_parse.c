/* jinja_parse.c - the syntax tree of a template, with the precedence of Jinja's parser. */
#include "base/language.h"
#include "text/jinja_impl.h"

typedef struct Parser {
  Work *work;
  Token *now;
} Parser;

enum { MOST_BYTES = 1 << 20 };

/* ---- tokens ---- */

static bool is(const Parser *p, TokenType type, const char *text) {
  return p->now->type == type && !strcmp(p->now->text, text);
}

static bool skip(Parser *p, TokenType type, const char *text) {
  const bool found = is(p, type, text);
  p->now += found;
  return found;
}

static bool skip_op(Parser *p, const char *text) {
  return skip(p, T_OPERATOR, text);
}

static bool skip_word(Parser *p, const char *text) {
  return skip(p, T_NAME, text);
}

_Noreturn static void unexpected(const Parser *p, const char *wanted) {
  p->work->line = p->now->line;
  const char *met =
      p->now->type == T_DATA || p->now->type == T_OUTPUT || p->now->type == T_BLOCK ? "text" : p->now->text;
  work_fail(p->work, "%s expected, not %s", wanted, met);
}

static void expect_op(Parser *p, const char *text) {
  if (!skip_op(p, text)) unexpected(p, text);
}

static const char *expect_name(Parser *p) {
  if (p->now->type != T_NAME) unexpected(p, _("a name"));
  return p->now++->text;
}

static void expect_end(Parser *p) {
  if (p->now->type != T_END) unexpected(p, _("the end of the tag"));
  p->now++;
}

static Node *node_new(Parser *p, NodeKind kind) {
  Node *n = work_alloc(p->work, sizeof *n);
  n->kind = kind;
  n->line = p->now->line;
  return n;
}

static Node *node_of(Parser *p, NodeKind kind, Node *a, Node *b) {
  Node *n = node_new(p, kind);
  n->a = a;
  n->b = b;
  if (a) n->line = a->line;
  return n;
}

static Node *node_const(Parser *p, Value value) {
  Node *n = node_new(p, N_CONST);
  n->value = value;
  return n;
}

/* ---- primary expressions ---- */

static Node *parse_expression(Parser *p);
static Node *parse_or(Parser *p);
static Node *parse_unary(Parser *p, bool with_filters);

/* Expressions up to `closer`, separated by commas; appends them to *at. */
static void parse_items(Parser *p, const char *closer, Node **at) {
  while (!skip_op(p, closer)) {
    *at = parse_expression(p);
    at = &(*at)->next;
    if (skip_op(p, ",")) continue;
    expect_op(p, closer);
    return;
  }
}

static Node *parse_dict(Parser *p) {
  Node *n = node_new(p, N_DICT), **at = &n->args;
  while (!skip_op(p, "}")) {
    Node *key = parse_expression(p);
    expect_op(p, ":");
    *at = node_of(p, N_TUPLE, key, parse_expression(p));
    at = &(*at)->next;
    if (skip_op(p, ",")) continue;
    expect_op(p, "}");
    break;
  }
  return n;
}

static bool ends_tuple(const Parser *p) {
  return p->now->type == T_END || is(p, T_OPERATOR, ")") || is(p, T_NAME, "in");
}

/* One item, or a tuple without its brackets. */
static Node *parse_tuple(Parser *p, Node *item(Parser *)) {
  Node *first = item(p);
  if (!is(p, T_OPERATOR, ",")) return first;
  Node *n = node_of(p, N_TUPLE, NULL, NULL), **at = &first->next;
  n->args = first;
  while (skip_op(p, ",") && !ends_tuple(p)) {
    *at = item(p);
    at = &(*at)->next;
  }
  return n;
}

static Node *parse_brackets(Parser *p) {
  if (skip_op(p, ")")) return node_new(p, N_TUPLE);
  Node *n = parse_tuple(p, parse_expression);
  expect_op(p, ")");
  return n;
}

static Node *parse_name(Parser *p) {
  static const struct {
    const char *name;
    Value value;
  } constants[] = {{"true", {V_BOOL, {.truth = true}, 0}},
                   {"True", {V_BOOL, {.truth = true}, 0}},
                   {"false", {V_BOOL, {.truth = false}, 0}},
                   {"False", {V_BOOL, {.truth = false}, 0}},
                   {"none", {V_NONE, {0}, 0}},
                   {"None", {V_NONE, {0}, 0}}};
  static const char *const refused[] = {"varargs", "kwargs", "self", "super", "joiner", "cycler", "lipsum"};
  const char *name = p->now->text;
  for (size_t i = 0; i < sizeof constants / sizeof *constants; i++)
    if (skip_word(p, constants[i].name)) return node_const(p, constants[i].value);
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
    if (is(p, T_NAME, refused[i])) work_fail(p->work, "\"%s\" is not supported", name);
  Node *n = node_new(p, N_NAME);
  n->name = expect_name(p);
  return n;
}

static Node *parse_primary(Parser *p) {
  Node *n = NULL;
  p->work->line = p->now->line;
  work_enter(p->work);
  if (p->now->type == T_NAME)
    n = parse_name(p);
  else if (p->now->type == T_CONST) {
    n = node_const(p, p->now++->value);
  } else if (p->now->type == T_STRING) {
    Text text = {0};
    n = node_new(p, N_CONST);
    for (; p->now->type == T_STRING; p->now++)
      text_add(p->work, &text, p->now->value.text, p->now->value.length);
    n->value = text_value(&text);
  } else if (skip_op(p, "("))
    n = parse_brackets(p);
  else if (skip_op(p, "[")) {
    n = node_new(p, N_LIST);
    parse_items(p, "]", &n->args);
  } else if (skip_op(p, "{"))
    n = parse_dict(p);
  else
    unexpected(p, _("an expression"));
  work_leave(p->work);
  return n;
}

/* ---- what follows them ---- */

/* (ARGUMENTS), into n->args; those by name have n->name, in a node around the value. */
static void parse_arguments(Parser *p, Node *n) {
  Node **at = &n->args;
  bool named = false;
  expect_op(p, "(");
  while (!skip_op(p, ")")) {
    if (is(p, T_OPERATOR, "*") || is(p, T_OPERATOR, "**"))
      work_fail(p->work, "arguments with * and ** are not supported");
    if (p->now->type == T_NAME && p->now[1].type == T_OPERATOR && !strcmp(p->now[1].text, "=")) {
      *at = node_new(p, N_CONST);
      (*at)->name = expect_name(p);
      p->now++;
      (*at)->a = parse_expression(p);
      named = true;
    } else if (named)
      unexpected(p, _("a named argument"));
    else
      *at = node_of(p, N_CONST, parse_expression(p), NULL);
    at = &(*at)->next;
    if (skip_op(p, ",")) continue;
    expect_op(p, ")");
    return;
  }
}

static bool ends_bound(const Parser *p) {
  return is(p, T_OPERATOR, ":") || is(p, T_OPERATOR, "]");
}

/* [INDEX] or [FROM:TO:STEP]: a slice has its bounds in b, c and args. */
static Node *parse_index(Parser *p, Node *of) {
  Node *first = is(p, T_OPERATOR, ":") ? NULL : parse_expression(p);
  Node *n = node_of(p, N_ITEM, of, first);
  if (skip_op(p, ":")) {
    n->kind = N_SLICE;
    if (!ends_bound(p)) n->c = parse_expression(p);
    if (skip_op(p, ":") && !ends_bound(p)) n->args = parse_expression(p);
  }
  expect_op(p, "]");
  return n;
}

static Node *parse_postfix(Parser *p, Node *n) {
  for (;;) {
    p->work->line = p->now->line;
    if (skip_op(p, ".")) {
      n = node_of(p, N_ATTRIBUTE, n, NULL);
      if (p->now->type == T_CONST && p->now->value.type == V_INT) {
        n->kind = N_ITEM;
        n->b = node_const(p, p->now++->value);
      } else
        n->name = expect_name(p);
    } else if (skip_op(p, "["))
      n = parse_index(p, n);
    else if (is(p, T_OPERATOR, "(")) {
      n = node_of(p, N_CALL, n, NULL);
      parse_arguments(p, n);
    } else
      return n;
  }
}

static Node *parse_filter(Parser *p, Node *of) {
  Node *n = node_of(p, N_FILTER, of, NULL);
  n->line = p->now->line;
  n->name = expect_name(p);
  if (is(p, T_OPERATOR, "(")) parse_arguments(p, n);
  return n;
}

static bool begins_argument(const Parser *p) {
  const TokenType t = p->now->type;
  if (t == T_NAME) return !is(p, T_NAME, "else") && !is(p, T_NAME, "or") && !is(p, T_NAME, "and");
  return t == T_STRING || t == T_CONST || is(p, T_OPERATOR, "(") || is(p, T_OPERATOR, "[") ||
         is(p, T_OPERATOR, "{");
}

static Node *parse_test(Parser *p, Node *of) {
  const bool negated = skip_word(p, "not");
  Node *n = node_of(p, N_TEST, of, NULL);
  n->name = expect_name(p);
  if (is(p, T_OPERATOR, "("))
    parse_arguments(p, n);
  else if (is(p, T_NAME, "is"))
    unexpected(p, _("an operator"));
  else if (begins_argument(p))
    n->args = node_of(p, N_CONST, parse_postfix(p, parse_primary(p)), NULL);
  return negated ? node_of(p, N_NOT, n, NULL) : n;
}

static Node *parse_filters(Parser *p, Node *n) {
  for (;;)
    if (skip_op(p, "|"))
      n = parse_filter(p, n);
    else if (skip_word(p, "is"))
      n = parse_test(p, n);
    else if (is(p, T_OPERATOR, "(")) {
      n = node_of(p, N_CALL, n, NULL);
      parse_arguments(p, n);
    } else
      return n;
}

/* ---- operators ---- */

static Node *parse_unary(Parser *p, bool with_filters) {
  Node *n;
  work_enter(p->work);
  if (skip_op(p, "-"))
    n = node_of(p, N_NEGATIVE, parse_unary(p, false), NULL);
  else if (skip_op(p, "+"))
    n = node_of(p, N_POSITIVE, parse_unary(p, false), NULL);
  else
    n = parse_primary(p);
  n = parse_postfix(p, n);
  if (with_filters) n = parse_filters(p, n);
  work_leave(p->work);
  return n;
}

/* Operators from loosest to tightest; all are left-associative, ** too. */
static const struct {
  const char *text;
  int level;
  Operator op;
} binary[] = {{"+", 0, O_ADD},    {"-", 0, O_SUBTRACT}, {"~", 1, O_ADD},    {"*", 2, O_MULTIPLY},
              {"/", 2, O_DIVIDE}, {"//", 2, O_FLOOR},   {"%", 2, O_MODULO}, {"**", 3, O_POWER}};
enum { TIGHTEST = 3, CONCATENATION = 1 };

static bool skip_binary(Parser *p, int level, Operator *op) {
  for (size_t i = 0; i < sizeof binary / sizeof *binary; i++)
    if (binary[i].level == level && skip_op(p, binary[i].text)) {
      *op = binary[i].op;
      return true;
    }
  return false;
}

static Node *parse_binary(Parser *p, int level) {
  Operator op;
  if (level > TIGHTEST) return parse_unary(p, true);
  Node *n = parse_binary(p, level + 1);
  while (skip_binary(p, level, &op)) {
    n = node_of(p, level == CONCATENATION ? N_CONCAT : N_BINARY, n, parse_binary(p, level + 1));
    n->op = op;
  }
  return n;
}

static bool skip_comparison(Parser *p, Operator *op) {
  static const char *const texts[] = {"==", "!=", "<", "<=", ">", ">="};
  for (int i = 0; i < 6; i++)
    if (skip_op(p, texts[i])) {
      *op = (Operator)(O_EQUAL + i);
      return true;
    }
  const bool negated = is(p, T_NAME, "not") && p->now[1].type == T_NAME && !strcmp(p->now[1].text, "in");
  p->now += negated;
  *op = negated ? O_NOT_IN : O_IN;
  return skip_word(p, "in");
}

static Node *parse_comparison(Parser *p) {
  Node *n = parse_binary(p, 0), **at = NULL;
  for (Operator op; skip_comparison(p, &op); at = &(*at)->next) {
    if (!at) {
      n = node_of(p, N_COMPARE, n, NULL);
      at = &n->args;
    }
    *at = node_of(p, N_CONST, parse_binary(p, 0), NULL);
    (*at)->op = op;
  }
  return n;
}

static Node *parse_not(Parser *p) {
  if (!skip_word(p, "not")) return parse_comparison(p);
  work_enter(p->work);
  Node *n = node_of(p, N_NOT, parse_not(p), NULL);
  work_leave(p->work);
  return n;
}

static Node *parse_and(Parser *p) {
  Node *n = parse_not(p);
  while (skip_word(p, "and")) n = node_of(p, N_AND, n, parse_not(p));
  return n;
}

static Node *parse_or(Parser *p) {
  Node *n = parse_and(p);
  while (skip_word(p, "or")) n = node_of(p, N_OR, n, parse_and(p));
  return n;
}

static Node *parse_expression(Parser *p) {
  Node *n = parse_or(p);
  work_enter(p->work);
  while (skip_word(p, "if")) {
    n = node_of(p, N_IF_ELSE, n, parse_or(p));
    if (skip_word(p, "else")) n->c = parse_expression(p);
  }
  work_leave(p->work);
  return n;
}

/* ---- statements ---- */

static Node *parse_body(Parser *p);

/* The tag must follow; its name is one of those that end a body. */
static void expect_tag(Parser *p, const char *name) {
  if (p->now->type != T_BLOCK || strcmp(p->now[1].text, name)) {
    char wanted[64];
    snprintf(wanted, sizeof wanted, "{%% %s %%}", name);
    unexpected(p, wanted);
  }
  p->now += 2;
}

static void finish(Parser *p, Node *n, const char *end) {
  expect_end(p);
  n->body = parse_body(p);
  expect_tag(p, end);
  expect_end(p);
}

static Node *parse_target_item(Parser *p) {
  Node *n = skip_op(p, "(") ? parse_tuple(p, parse_target_item) : NULL;
  if (n) {
    expect_op(p, ")");
    return n;
  }
  n = parse_name(p);
  if (n->kind != N_NAME) work_fail(p->work, "a constant cannot be set");
  if (!skip_op(p, ".")) return n;
  n = node_of(p, N_ATTRIBUTE, n, NULL); /* of a namespace */
  n->name = expect_name(p);
  return n;
}

static Node *parse_for(Parser *p) {
  Node *n = node_new(p, N_FOR);
  n->a = parse_tuple(p, parse_target_item);
  if (!skip_word(p, "in")) unexpected(p, "\"in\"");
  n->b = parse_tuple(p, parse_or);
  if (skip_word(p, "if")) n->c = parse_expression(p);
  if (skip_word(p, "recursive")) work_fail(p->work, "recursive loops are not supported");
  expect_end(p);
  n->body = parse_body(p);
  if (p->now->type == T_BLOCK && !strcmp(p->now[1].text, "else")) {
    p->now += 2;
    expect_end(p);
    n->otherwise = parse_body(p);
  }
  expect_tag(p, "endfor");
  expect_end(p);
  return n;
}

/* else if: a node of its own in `otherwise`. */
static Node *parse_if(Parser *p) {
  Node *n = node_new(p, N_IF), *last = n;
  for (;;) {
    last->a = parse_tuple(p, parse_or);
    expect_end(p);
    last->body = parse_body(p);
    if (p->now->type != T_BLOCK || strcmp(p->now[1].text, "elif")) break;
    p->now += 2;
    last = last->otherwise = node_new(p, N_IF);
  }
  if (p->now->type == T_BLOCK && !strcmp(p->now[1].text, "else")) {
    p->now += 2;
    expect_end(p);
    last->otherwise = parse_body(p);
  }
  expect_tag(p, "endif");
  expect_end(p);
  return n;
}

static Node *parse_set(Parser *p) {
  Node *n = node_new(p, N_SET);
  n->a = parse_tuple(p, parse_target_item);
  if (skip_op(p, "=")) {
    n->b = parse_tuple(p, parse_expression);
    expect_end(p);
    return n;
  }
  n->kind = N_SET_BLOCK;
  if (skip_op(p, "|")) n->b = parse_filters(p, parse_filter(p, NULL));
  finish(p, n, "endset");
  return n;
}

/* (NAME, NAME=DEFAULT, ...) */
static void parse_parameters(Parser *p, Node *n) {
  Node **at = &n->args;
  expect_op(p, "(");
  while (!skip_op(p, ")")) {
    if (n->args) expect_op(p, ",");
    *at = node_new(p, N_NAME);
    (*at)->name = expect_name(p);
    if (skip_op(p, "=")) (*at)->a = parse_expression(p);
    at = &(*at)->next;
  }
}

static Node *parse_macro(Parser *p) {
  Node *n = node_new(p, N_MACRO);
  n->name = expect_name(p);
  parse_parameters(p, n);
  finish(p, n, "endmacro");
  return n;
}

static Node *parse_call_block(Parser *p) {
  Node *n = node_new(p, N_CALL_BLOCK);
  n->name = "caller";
  if (is(p, T_OPERATOR, "(")) parse_parameters(p, n);
  n->a = parse_expression(p);
  if (n->a->kind != N_CALL) unexpected(p, _("a call"));
  finish(p, n, "endcall");
  return n;
}

static Node *parse_filter_block(Parser *p) {
  Node *n = node_new(p, N_FILTER_BLOCK);
  n->b = parse_filters(p, parse_filter(p, NULL));
  finish(p, n, "endfilter");
  return n;
}

static Node *parse_with(Parser *p) {
  Node *n = node_new(p, N_WITH), **at = &n->args;
  while (p->now->type != T_END) {
    if (n->args) expect_op(p, ",");
    *at = node_new(p, N_SET);
    (*at)->a = parse_target_item(p);
    expect_op(p, "=");
    (*at)->b = parse_expression(p);
    at = &(*at)->next;
  }
  finish(p, n, "endwith");
  return n;
}

static Node *parse_generation(Parser *p) {
  Node *n = node_new(p, N_GENERATION);
  finish(p, n, "endgeneration");
  return n;
}

static Node *parse_break(Parser *p) {
  Node *n = node_new(p, N_BREAK);
  expect_end(p);
  return n;
}

static Node *parse_continue(Parser *p) {
  Node *n = node_new(p, N_CONTINUE);
  expect_end(p);
  return n;
}

static const struct {
  const char *name;
  Node *(*parse)(Parser *);
} statements[] = {{"for", parse_for},          {"if", parse_if},           {"set", parse_set},
                  {"macro", parse_macro},      {"call", parse_call_block}, {"filter", parse_filter_block},
                  {"with", parse_with},        {"break", parse_break},     {"generation", parse_generation},
                  {"continue", parse_continue}};

static bool ends_body(const Parser *p) {
  static const char *const ends[] = {"elif",    "else",    "endif",     "endfor",   "endset",
                                     "endcall", "endwith", "endfilter", "endmacro", "endgeneration"};
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
    if (p->now->type == T_BLOCK && p->now[1].type == T_NAME && !strcmp(p->now[1].text, ends[i])) return true;
  return p->now->type == T_EOF;
}

static Node *parse_statement(Parser *p) {
  if (p->now->type == T_DATA) return node_of(p, N_OUTPUT, node_const(p, p->now++->value), NULL);
  if (p->now->type == T_OUTPUT) {
    p->now++;
    Node *n = node_of(p, N_OUTPUT, parse_tuple(p, parse_expression), NULL);
    expect_end(p);
    return n;
  }
  p->now++;
  const char *name = expect_name(p);
  p->work->line = p->now->line;
  for (size_t i = 0; i < sizeof statements / sizeof *statements; i++)
    if (!strcmp(statements[i].name, name)) return statements[i].parse(p);
  work_fail(p->work, "the tag {%% %s %%} is not supported", name);
}

static Node *parse_body(Parser *p) {
  Node *first = NULL, **at = &first;
  work_enter(p->work);
  for (; !ends_body(p); at = &(*at)->next) *at = parse_statement(p);
  work_leave(p->work);
  return first;
}

Node *jinja_tree(Work *w, const char *text, size_t length) {
  Tokens tokens = {0};
  if (length > MOST_BYTES) work_fail(w, "the template has more than %d bytes", MOST_BYTES);
  if (memchr(text, 0, length)) work_fail(w, "the template has a NUL byte");
  jinja_lex(w, text, length, &tokens);
  Parser p = {w, tokens.items};
  Node *body = parse_body(&p);
  if (p.now->type != T_EOF) unexpected(&p, _("the end of the template"));
  return body;
}
