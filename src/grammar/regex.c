#include "grammar/regex.h"

#include <string.h>

#include "base/language.h"
#include "text/utf8.h"

enum { MOST_GROUPS = 150 };

typedef struct Reader {
  Grammar *g;
  const RegexStyle *style;
  const char *text, *where;
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

static bool starts(const Reader *r, const char *what) {
  const size_t n = strlen(what);
  return r->length - r->at >= n && !memcmp(r->text + r->at, what, n);
}

static bool skip(Reader *r, const char *what) {
  if (!starts(r, what)) return false;
  r->at += strlen(what);
  return true;
}

static void refuse(Reader *r, const char *problem) {
  grammar_fail(r->g, N_("%s, byte %zu: %s"), r->where, r->at + 1, _(problem));
  r->at = r->length;
}

static uint32_t take_code(Reader *r) {
  uint32_t code = 0;
  const size_t n = utf8_decode(r->text + r->at, r->length - r->at, &code);
  if (!n) refuse(r, N_("not UTF-8"));
  r->at += n;
  return code;
}

static Expr set_of(Reader *r, CodeSet *s) {
  code_set_settle(s);
  const Expr e = r->style->set(r->g, s);
  vec_free(s);
  return e;
}

static Expr character(Reader *r, uint32_t code) {
  CodeSet s = {0};
  code_set_add(&s, code, code);
  return set_of(r, &s);
}

/* ---- escapes ---- */

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static uint32_t take_hex(Reader *r, size_t digits) {
  uint32_t code = 0;
  for (size_t i = 0; i < digits; i++, r->at++) {
    const int digit = hex_digit(next(r));
    if (digit < 0) {
      refuse(r, N_("a hexadecimal digit is missing"));
      return 0;
    }
    code = code << 4 | (uint32_t)digit;
  }
  if (code > CODE_LAST || (code >= 0xD800 && code <= 0xDFFF)) refuse(r, N_("no such character"));
  return code;
}

/* \u{1F600} */
static uint32_t take_braced_hex(Reader *r) {
  size_t digits = 0;
  while (digits <= 6 && r->at + digits < r->length && r->text[r->at + digits] != '}') digits++;
  const uint32_t code = digits >= 1 && digits <= 6 ? take_hex(r, digits) : 0;
  if (!digits || digits > 6 || !skip(r, "}")) refuse(r, N_("a hexadecimal digit is missing"));
  return code;
}

/* Classes, of ASCII as in JSON schemas; white space as in Unicode. */
static const CodeRange digits[] = {{'0', '9'}}, words[] = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}},
                       spaces[] = {{9, 13},          {' ', ' '},       {0xA0, 0xA0},     {0x1680, 0x1680},
                                   {0x2000, 0x200A}, {0x2028, 0x2029}, {0x202F, 0x202F}, {0x205F, 0x205F},
                                   {0x3000, 0x3000}, {0xFEFF, 0xFEFF}};

static bool take_class(Reader *r, CodeSet *s) {
  static const struct {
    char name, inverse;
    const CodeRange *ranges;
    size_t count;
  } classes[] = {{'d', 'D', digits, 1}, {'w', 'W', words, 4}, {'s', 'S', spaces, 10}};
  for (size_t i = 0; i < 3; i++) {
    if (next(r) != classes[i].name && next(r) != classes[i].inverse) continue;
    CodeSet own = {0};
    code_set_add_all(&own, classes[i].ranges, classes[i].count);
    if (next(r) == classes[i].inverse) code_set_invert(&own);
    code_set_add_all(s, own.data, own.count);
    vec_free(&own);
    r->at++;
    return true;
  }
  return false;
}

/* Behind a backslash: one character. */
static uint32_t take_escape(Reader *r) {
  static const char names[] = "nrtfv0a", codes[] = "\n\r\t\f\v\0\a";
  const char c = next(r);
  const char *name = c ? strchr(names, c) : NULL;
  if (skip(r, "x")) return take_hex(r, 2);
  if (skip(r, "u{")) return take_braced_hex(r);
  if (skip(r, "u")) return take_hex(r, 4);
  if (skip(r, "U")) return take_hex(r, 8);
  if (c == '0' && r->at + 1 < r->length && r->text[r->at + 1] >= '0' && r->text[r->at + 1] <= '9')
    refuse(r, N_("octal numbers are not supported: write \\x41"));
  else if (name)
    return r->at++, (uint32_t)codes[name - names];
  else if ((c >= '1' && c <= '9') || c == 'k')
    refuse(r, N_("references to groups are not supported"));
  else if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || !c)
    refuse(r, N_("this escape is not supported"));
  return at_end(r) ? 0 : take_code(r);
}

/* ---- [...] ---- */

/* One character, or a class such as \d, which is added at once. */
static bool take_member(Reader *r, CodeSet *s, uint32_t *code) {
  if (starts(r, "[:") || starts(r, "[.") || starts(r, "[="))
    refuse(r, N_("POSIX classes are not supported: write [a-z] and the like"));
  if (!skip(r, "\\")) {
    *code = at_end(r) ? 0 : take_code(r);
    return true;
  }
  if (take_class(r, s)) return false;
  *code = skip(r, "b") ? '\b' : take_escape(r);
  return true;
}

static void take_range(Reader *r, CodeSet *s) {
  uint32_t first, last;
  if (!take_member(r, s, &first)) return;
  last = first;
  if (next(r) == '-' && r->at + 1 < r->length && r->text[r->at + 1] != ']') {
    r->at++;
    if (!take_member(r, s, &last)) refuse(r, N_("a range ends with a class"));
    if (last < first) refuse(r, N_("a range ends before it begins"));
  }
  if (!grammar_full(r->g)) code_set_add(s, first, last);
}

static Expr read_brackets(Reader *r) {
  CodeSet s = {0};
  const bool inverse = skip(r, "^");
  bool first = true;
  for (; !at_end(r) && (first || next(r) != ']'); first = false) take_range(r, &s);
  if (!skip(r, "]")) refuse(r, N_("a ] is missing"));
  code_set_settle(&s);
  if (inverse) code_set_invert(&s);
  return set_of(r, &s);
}

/* ---- atoms ---- */

static bool skip_group_name(Reader *r) {
  if (skip(r, "?:")) return true;
  if (!starts(r, "?<=") && !starts(r, "?<!") && (skip(r, "?P<") || skip(r, "?<"))) {
    while (!at_end(r) && next(r) != '>') r->at++;
    return skip(r, ">");
  }
  return next(r) != '?';
}

static Expr read_group(Reader *r) {
  if (!skip_group_name(r))
    refuse(r, N_("only groups of the kinds (...), (?:...) and (?<name>...) are supported"));
  if (++r->depth > MOST_GROUPS) refuse(r, N_("groups are nested too deeply"));
  const Expr e = read_either(r);
  r->depth--;
  if (!skip(r, ")")) refuse(r, N_("a ) is missing"));
  return e;
}

static Expr any_character(Reader *r) {
  CodeSet s = {0};
  code_set_add(&s, 0, CODE_LAST);
  return set_of(r, &s);
}

static Expr any_but_line_end(Reader *r) {
  CodeSet s = {0};
  code_set_add(&s, 0, '\n' - 1);
  code_set_add(&s, '\n' + 1, CODE_LAST);
  return set_of(r, &s);
}

static Expr read_escape(Reader *r) {
  CodeSet s = {0};
  if (take_class(r, &s)) return set_of(r, &s);
  if (next(r) == 'p' || next(r) == 'P')
    refuse(r, N_("Unicode properties (\\p) are not supported: write ranges such as [\\u4e00-\\u9fff]"));
  else if (next(r) && strchr("bBAZzG", next(r)))
    refuse(r, N_("places (\\b, \\A and the like) are not supported"));
  return character(r, take_escape(r));
}

static Expr read_atom(Reader *r) {
  if (skip(r, "(")) return read_group(r);
  if (skip(r, "[")) return read_brackets(r);
  if (skip(r, ".")) return any_but_line_end(r);
  if (skip(r, "\\")) return read_escape(r);
  if (next(r) && strchr("*+?{", next(r)))
    refuse(r, N_("nothing to repeat: write \\ before it to mean the character"));
  if (next(r) == '^' || next(r) == '$')
    refuse(r, N_("^ is supported at the beginning and $ at the end only: write \\ before it to mean the "
                 "character"));
  return at_end(r) ? expr_empty(r->g) : character(r, take_code(r));
}

/* ---- repeats ---- */

static int64_t take_number(Reader *r) {
  int64_t n = 0;
  const size_t first = r->at;
  for (; next(r) >= '0' && next(r) <= '9'; r->at++)
    n = n > GRAMMAR_MOST_REPEATS ? n : 10 * n + (next(r) - '0');
  return r->at > first ? n : -1;
}

/* Behind the brace. */
static bool take_counts(Reader *r, int64_t *min, int64_t *max) {
  *min = take_number(r);
  *max = *min;
  if (skip(r, ",")) {
    *max = take_number(r);
    if (*min < 0 && *max < 0) return false;
    if (*min < 0) *min = 0;
  }
  return *min >= 0 && skip(r, "}");
}

/* Lazy repeats match the same texts. */
static Expr read_repeat(Reader *r) {
  Expr e = read_atom(r);
  for (bool repeated = false; !at_end(r); repeated = true) {
    int64_t min = 0, max = GRAMMAR_NO_MAXIMUM;
    if (skip(r, "+"))
      min = 1;
    else if (skip(r, "?"))
      max = 1;
    else if (skip(r, "{")) {
      if (!take_counts(r, &min, &max))
        refuse(r, N_("no count: write {2}, {2,} or {2,5}, or \\{ to mean the character"));
    } else if (!skip(r, "*"))
      break;
    if (repeated) refuse(r, N_("a repeat of a repeat: put the first into ( )"));
    if (next(r) == '+') refuse(r, N_("possessive repeats are not supported"));
    skip(r, "?");
    if (!grammar_full(r->g)) e = expr_repeat(r->g, e, min, max);
  }
  return e;
}

/* ---- sequences ---- */

/* At the outermost level ^ and $ say that nothing is before and behind. */
static Expr read_sequence(Reader *r) {
  VEC(Expr) items = {0};
  const bool outer = !r->depth, open = outer && r->style->search;
  bool bound = false;
  if (!(outer && skip(r, "^")) && open)
    vec_push(&items, expr_repeat(r->g, any_character(r), 0, GRAMMAR_NO_MAXIMUM));
  while (!at_end(r) && next(r) != '|' && next(r) != ')' && !bound) {
    const bool last = r->at + 1 == r->length || r->text[r->at + 1] == '|';
    if (outer && last && skip(r, "$"))
      bound = true;
    else
      vec_push(&items, read_repeat(r));
  }
  if (open && !bound) vec_push(&items, expr_repeat(r->g, any_character(r), 0, GRAMMAR_NO_MAXIMUM));
  const Expr e = expr_sequence(r->g, items.data, items.count);
  vec_free(&items);
  return e;
}

static Expr read_either(Reader *r) {
  VEC(Expr) items = {0};
  do vec_push(&items, read_sequence(r));
  while (!grammar_full(r->g) && skip(r, "|"));
  const Expr e = expr_either(r->g, items.data, items.count);
  vec_free(&items);
  return e;
}

Expr regex_read(Grammar *g, const RegexStyle *style, const char *pattern, size_t length, const char *where) {
  Reader r = {.g = g, .style = style, .text = pattern, .length = length, .where = where};
  const Expr e = read_either(&r);
  if (!at_end(&r)) refuse(&r, N_("a ) without a ("));
  return e;
}
