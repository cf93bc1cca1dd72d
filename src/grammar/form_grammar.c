/* form_grammar.c - grammars as llama.cpp writes them (GBNF): rules `name ::= ...`, of "texts", [character
 * classes], (groups), names and repeats, with | between branches and # before comments. `root` is the start.
 */
#include <string.h>

#include "base/language.h"
#include "grammar/forms.h"
#include "text/utf8.h"

enum { MOST_GROUPS = 150 };

typedef struct Reader {
  Grammar *g;
  const char *text;
  size_t at, length;
  int depth;
} Reader;

static Expr read_either(Reader *);

/* ---- tools ---- */

static char next(const Reader *r) {
  return r->at < r->length ? r->text[r->at] : '\0';
}

static bool at_end(const Reader *r) {
  return r->at >= r->length || grammar_full(r->g);
}

static bool skip(Reader *r, const char *what) {
  const size_t n = strlen(what);
  if (r->length - r->at < n || memcmp(r->text + r->at, what, n)) return false;
  r->at += n;
  return true;
}

static void refuse(Reader *r, const char *problem) {
  int64_t line = 1;
  for (size_t i = 0; i < r->at && i < r->length; i++) line += r->text[i] == '\n';
  grammar_fail(r->g, N_("the grammar, line %lld: %s"), (long long)line, _(problem));
  r->at = r->length;
}

/* A rule ends with its line, unless it is inside of a group. */
static void skip_blanks(Reader *r, bool lines) {
  for (; r->at < r->length; r->at++) {
    if (next(r) == '#')
      while (r->at + 1 < r->length && r->text[r->at + 1] != '\n') r->at++;
    else if (next(r) != ' ' && next(r) != '\t' && !(lines && (next(r) == '\n' || next(r) == '\r')))
      return;
  }
}

static bool is_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

static int32_t take_name(Reader *r) {
  const size_t first = r->at;
  while (is_name(next(r))) r->at++;
  if (r->at == first) {
    refuse(r, N_("the name of a rule is missing"));
    return grammar_rule(r->g, "", 0);
  }
  return grammar_rule(r->g, r->text + first, r->at - first);
}

/* ---- characters ---- */

static uint32_t take_hex(Reader *r, int digits) {
  uint32_t code = 0;
  for (int i = 0; i < digits; i++, r->at++) {
    const char c = next(r);
    const bool digit = c >= '0' && c <= '9', letter = (c | 32) >= 'a' && (c | 32) <= 'f';
    if (!digit && !letter) {
      refuse(r, N_("a hexadecimal digit is missing"));
      return 0;
    }
    code = code << 4 | (uint32_t)(digit ? c - '0' : (c | 32) - 'a' + 10);
  }
  if (code > CODE_LAST || (code >= 0xD800 && code <= 0xDFFF)) refuse(r, N_("no such character"));
  return code;
}

static uint32_t take_character(Reader *r) {
  static const char names[] = "nrt\\\"[]-^", codes[] = "\n\r\t\\\"[]-^";
  uint32_t code = 0;
  if (skip(r, "\\x")) return take_hex(r, 2);
  if (skip(r, "\\u")) return take_hex(r, 4);
  if (skip(r, "\\U")) return take_hex(r, 8);
  if (skip(r, "\\")) {
    const char *name = next(r) ? strchr(names, next(r)) : NULL;
    if (!name)
      refuse(r, N_("this escape is not supported"));
    else
      code = (uint32_t)codes[name - names], r->at++;
    return code;
  }
  const size_t n = utf8_decode(r->text + r->at, r->length - r->at, &code);
  if (!n) refuse(r, N_("not UTF-8"));
  r->at += n;
  return code;
}

static Expr read_text(Reader *r) {
  Buffer b = {0};
  char bytes[4];
  while (!at_end(r) && next(r) != '"') {
    const uint32_t code = take_character(r);
    buffer_add(&b, bytes, utf8_encode(code, bytes));
  }
  if (!skip(r, "\"")) refuse(r, N_("a \" is missing"));
  const Expr e = expr_text(r->g, b.data ? b.data : "", b.length);
  buffer_free(&b);
  return e;
}

static Expr set_of(Reader *r, CodeSet *s, bool inverse) {
  code_set_settle(s);
  if (inverse) code_set_invert(s);
  const Expr e = expr_set(r->g, s);
  vec_free(s);
  return e;
}

static Expr read_brackets(Reader *r) {
  CodeSet s = {0};
  const bool inverse = skip(r, "^");
  while (!at_end(r) && next(r) != ']') {
    const uint32_t first = take_character(r);
    const bool range = next(r) == '-' && r->at + 1 < r->length && r->text[r->at + 1] != ']';
    r->at += range;
    const uint32_t last = range ? take_character(r) : first;
    if (last < first) refuse(r, N_("a range ends before it begins"));
    code_set_add(&s, first, last);
  }
  if (!skip(r, "]")) refuse(r, N_("a ] is missing"));
  return set_of(r, &s, inverse);
}

/* ---- items ---- */

static Expr read_group(Reader *r) {
  if (++r->depth > MOST_GROUPS) refuse(r, N_("groups are nested too deeply"));
  const Expr e = read_either(r);
  r->depth--;
  if (!skip(r, ")")) refuse(r, N_("a ) is missing"));
  return e;
}

static Expr read_atom(Reader *r) {
  CodeSet any = {0};
  if (skip(r, "\"")) return read_text(r);
  if (skip(r, "[")) return read_brackets(r);
  if (skip(r, "(")) return read_group(r);
  if (skip(r, ".")) return set_of(r, &any, true);
  if (next(r) == '<' || next(r) == '!')
    refuse(r, N_("tokens (<...>) are not supported: write the text"));
  else if (!is_name(next(r)))
    refuse(r, N_("this is no part of a rule"));
  return grammar_full(r->g) ? expr_never(r->g) : expr_rule(r->g, take_name(r));
}

static int64_t take_number(Reader *r) {
  int64_t n = 0;
  const size_t first = r->at;
  for (; next(r) >= '0' && next(r) <= '9'; r->at++)
    n = n > GRAMMAR_MOST_REPEATS ? n : 10 * n + (next(r) - '0');
  return r->at > first ? n : -1;
}

static bool take_counts(Reader *r, int64_t *min, int64_t *max) {
  *max = *min = take_number(r);
  if (skip(r, ",")) *max = take_number(r);
  return *min >= 0 && skip(r, "}");
}

static Expr read_repeat(Reader *r) {
  Expr e = read_atom(r);
  while (!grammar_full(r->g)) {
    int64_t min = 0, max = GRAMMAR_NO_MAXIMUM;
    skip_blanks(r, r->depth > 0);
    if (skip(r, "+"))
      min = 1;
    else if (skip(r, "?"))
      max = 1;
    else if (skip(r, "{")) {
      if (!take_counts(r, &min, &max)) refuse(r, N_("no count: write {2}, {2,} or {2,5}"));
    } else if (!skip(r, "*"))
      break;
    if (!grammar_full(r->g)) e = expr_repeat(r->g, e, min, max);
  }
  return e;
}

static bool ends_sequence(const Reader *r) {
  return at_end(r) || strchr("|)\r\n", next(r));
}

static Expr read_sequence(Reader *r) {
  VEC(Expr) items = {0};
  skip_blanks(r, r->depth > 0);
  while (!ends_sequence(r)) {
    vec_push(&items, read_repeat(r));
    skip_blanks(r, r->depth > 0);
  }
  const Expr e = expr_sequence(r->g, items.data, items.count);
  vec_free(&items);
  return e;
}

/* Behind a | the rule goes on in the next line. */
static Expr read_either(Reader *r) {
  VEC(Expr) items = {0};
  do {
    if (items.count) skip_blanks(r, true);
    vec_push(&items, read_sequence(r));
  } while (!grammar_full(r->g) && skip(r, "|"));
  const Expr e = expr_either(r->g, items.data, items.count);
  vec_free(&items);
  return e;
}

static void read_rule(Reader *r) {
  const int32_t rule = take_name(r);
  skip_blanks(r, false);
  if (!skip(r, "::=")) refuse(r, N_("\"::=\" is missing behind the name of a rule"));
  skip_blanks(r, true);
  if (grammar_full(r->g)) return;
  if (grammar_defined(r->g, rule)) refuse(r, N_("this rule is defined twice"));
  const Expr e = read_either(r);
  if (!at_end(r) && next(r) == ')') refuse(r, N_("a ) without a ("));
  grammar_define(r->g, rule, e);
}

static Expr read(Grammar *g, const char *text, size_t length) {
  Reader r = {.g = g, .text = text, .length = length};
  for (skip_blanks(&r, true); !at_end(&r); skip_blanks(&r, true)) read_rule(&r);
  const int32_t root = grammar_rule(g, "root", 4);
  if (!grammar_defined(g, root)) grammar_fail(g, N_("the grammar has no rule \"root\", where texts begin"));
  return expr_rule(g, root);
}

const Form form_grammar = {"grammar", read};
