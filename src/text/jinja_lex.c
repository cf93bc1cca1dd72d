/* jinja_lex.c - the tokens of a template: text, with white space removed around tags, and what is in tags. */
#include <stdlib.h>

#include "base/language.h"
#include "text/codes.h"
#include "text/jinja_impl.h"
#include "text/utf8.h"

typedef struct Lexer {
  Work *work;
  Tokens *tokens;
  const char *text;
  size_t length, at;
  char closers[64]; /* of the brackets that are open */
  int open;
} Lexer;

void *work_grow(Work *w, void *items, size_t *capacity, size_t count, size_t size) {
  if (count < *capacity) return items;
  void *more = work_alloc(w, (2 * count + 8) * size);
  if (count) memcpy(more, items, count * size);
  *capacity = 2 * count + 8;
  return more;
}

static void add(Lexer *x, TokenType type, const char *text, Value value) {
  Tokens *t = x->tokens;
  t->items = work_grow(x->work, t->items, &t->capacity, t->count, sizeof *t->items);
  t->items[t->count++] = (Token){type, x->work->line, text, value};
}

static void move(Lexer *x, size_t to) {
  for (; x->at < to; x->at++) x->work->line += x->text[x->at] == '\n';
}

static bool here(const Lexer *x, size_t at, const char *what) {
  const size_t n = strlen(what);
  return n <= x->length - at && !memcmp(x->text + at, what, n);
}

static size_t after_spaces(const Lexer *x, size_t at) {
  uint32_t code;
  for (size_t n;
       at < x->length && (n = utf8_decode(x->text + at, x->length - at, &code)) && code_is_space(code);)
    at += n;
  return at;
}

static size_t find(const Lexer *x, size_t at, const char *what) {
  const char *found = memmem(x->text + at, x->length - at, what, strlen(what));
  return found ? (size_t)(found - x->text) : x->length;
}

/* ---- text ---- */

/* Adds the text from `begin` to `end`, before a tag with this sign. lstrip_blocks: white space between the
 * beginning of a line and a tag, but not {{, is left out. */
static void add_data(Lexer *x, size_t begin, size_t end, char sign, bool strips) {
  Value v = value_string(x->text + begin, end - begin);
  if (sign == '-') v = text_strip(x->work, v, (Value){0}, false, true);
  if (sign != '-' && sign != '+' && strips) {
    size_t line = end;
    while (line > begin && x->text[line - 1] != '\n') line--;
    const bool starts = line > 0 ? x->text[line - 1] == '\n' : true;
    if (starts && after_spaces(x, line) >= end) v.length = line - begin;
  }
  if (v.length) add(x, T_DATA, NULL, v);
}

/* The place after a tag's end at `at`; `at` itself: the tag does not end here. */
static size_t tag_end(const Lexer *x, size_t at, const char *end, bool trims) {
  const bool minus = here(x, at, "-");
  const size_t after = at + (minus || (trims && here(x, at, "+")));
  if (!here(x, after, end)) return at;
  const size_t last = after + 2;
  if (minus) return after_spaces(x, last);
  return last + (after == at && trims && here(x, last, "\n"));
}

static char sign_at(const Lexer *x, size_t at) {
  return at < x->length && (x->text[at] == '-' || x->text[at] == '+') ? x->text[at] : 0;
}

/* Comments end at the first #}. */
static void skip_comment(Lexer *x) {
  size_t end = find(x, x->at + 2, "#}");
  if (end == x->length) work_fail(x->work, "a comment {# has no end #}");
  if (end > x->at + 2 && sign_at(x, end - 1)) end--;
  move(x, tag_end(x, end, "#}", true));
}

/* The place after {% NAME %} at `at`; `at` itself: something else. */
static size_t simple_tag(const Lexer *x, size_t at, const char *name, bool trims) {
  const size_t word = after_spaces(x, at + 2 + (sign_at(x, at + 2) != 0));
  if (!here(x, at, "{%") || !here(x, word, name)) return at;
  const size_t end = after_spaces(x, word + strlen(name)), after = tag_end(x, end, "%}", trims);
  return after == end ? at : after;
}

static bool take_raw(Lexer *x) {
  const size_t begin = simple_tag(x, x->at, "raw", false);
  if (begin == x->at) return false;
  for (size_t at = find(x, begin, "{%"); at < x->length; at = find(x, at + 2, "{%")) {
    const size_t after = simple_tag(x, at, "endraw", true);
    if (after == at) continue;
    add_data(x, begin, at, sign_at(x, at + 2), true);
    move(x, after);
    return true;
  }
  work_fail(x->work, "{%% raw %%} has no {%% endraw %%}");
}

/* ---- within tags ---- */

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

static bool is_name(char c) {
  return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static size_t after_digits(const Lexer *x, size_t at) {
  while (at < x->length && (is_digit(x->text[at]) || (x->text[at] == '_' && is_digit(x->text[at + 1])))) at++;
  return at;
}

static const char *copy(Lexer *x, const char *text, size_t length) {
  char *s = work_alloc(x->work, length + 1);
  memcpy(s, text, length);
  return s;
}

static void take_number(Lexer *x) {
  size_t end = after_digits(x, x->at);
  bool real = false;
  if (x->at && x->text[x->at - 1] != '.' && here(x, end, ".") && end + 1 < x->length &&
      is_digit(x->text[end + 1])) {
    real = true;
    end = after_digits(x, end + 1);
  }
  if (end < x->length && (x->text[end] | 32) == 'e') {
    const size_t digits = end + 1 + (sign_at(x, end + 1) != 0);
    if (digits < x->length && is_digit(x->text[digits])) {
      real = true;
      end = after_digits(x, digits);
    }
  }
  char number[128];
  size_t n = 0;
  for (size_t i = x->at; i < end && n < sizeof number - 1; i++)
    if (x->text[i] != '_') number[n++] = x->text[i];
  number[n] = 0;
  char *rest;
  const Value v = real ? value_real(strtod(number, &rest)) : value_int(strtoll(number, &rest, 10));
  if (*rest || n > 100 || (end < x->length && is_name(x->text[end])) || (!real && v.integer == INT64_MAX) ||
      (!real && n > 1 && *number == '0' && v.integer))
    work_fail(x->work, "the number %s is not supported", number);
  add(x, T_CONST, number[0] ? "number" : "", v);
  move(x, end);
}

static void take_name(Lexer *x) {
  size_t end = x->at;
  while (end < x->length && (is_name(x->text[end]) || is_digit(x->text[end]))) end++;
  if (end < x->length && (unsigned char)x->text[end] >= 0x80)
    work_fail(x->work, "names with letters outside of ASCII are not supported");
  add(x, T_NAME, copy(x, x->text + x->at, end - x->at), (Value){0});
  move(x, end);
}

static int digit_of(char c) {
  return is_digit(c) ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

/* The code point after \x, \u, \U or of octal digits. */
static uint32_t take_code(Lexer *x, size_t *at, size_t end, size_t most, int base) {
  uint32_t code = 0;
  size_t n = 0;
  for (; n < most && *at < end; n++, ++*at) {
    const int digit = digit_of(x->text[*at]);
    if (digit < 0 || digit >= base) break;
    code = code * (uint32_t)base + (uint32_t)digit;
  }
  if ((base == 16 && n < most) || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
    work_fail(x->work, "an escape of a character in a string is damaged");
  return code;
}

static void add_escape(Lexer *x, Text *out, size_t *at, size_t end) {
  static const char from[] = "abfnrtv\\'\"", to[] = "\a\b\f\n\r\t\v\\'\"";
  const char c = x->text[(*at)++];
  const char *known = strchr(from, c);
  char bytes[4];
  if (c == '\n') return;
  if (c && known)
    text_add(x->work, out, &to[known - from], 1);
  else if (c == 'x' || c == 'u' || c == 'U')
    text_add(x->work, out, bytes,
             utf8_encode(take_code(x, at, end,
                                   c == 'x'   ? 2
                                   : c == 'u' ? 4
                                              : 8,
                                   16),
                         bytes));
  else if (c >= '0' && c <= '7') {
    --*at;
    text_add(x->work, out, bytes, utf8_encode(take_code(x, at, end, 3, 8), bytes));
  } else if (c == 'N')
    work_fail(x->work, "\\N in a string is not supported");
  else
    text_add(x->work, out, &x->text[*at - 2], 2);
}

static void take_string(Lexer *x) {
  const char quote = x->text[x->at];
  size_t end = x->at + 1;
  while (end < x->length && x->text[end] != quote) end += x->text[end] == '\\' ? 2 : 1;
  if (end >= x->length) work_fail(x->work, "a string has no end");
  Text out = {0};
  for (size_t at = x->at + 1; at < end;)
    if (x->text[at] == '\\' && ++at)
      add_escape(x, &out, &at, end);
    else
      text_add(x->work, &out, &x->text[at++], 1);
  add(x, T_STRING, "string", text_value(&out));
  move(x, end + 1);
}

static void match_bracket(Lexer *x, char c) {
  static const char opening[] = "([{", closing[] = ")]}";
  const char *o = strchr(opening, c);
  if (o && x->open == sizeof x->closers) work_fail(x->work, "brackets are nested too deeply");
  if (o)
    x->closers[x->open++] = closing[o - opening];
  else if (strchr(closing, c) && (!x->open || x->closers[--x->open] != c))
    work_fail(x->work, "\"%c\" closes no bracket", c);
}

static void take_operator(Lexer *x) {
  static const char *const operators[] = {"//", "**", "==", "!=", ">=", "<=", "+", "-", "/",
                                          "*",  "%",  "~",  "[",  "]",  "(",  ")", "{", "}",
                                          ">",  "<",  "=",  ".",  ":",  "|",  ",", ";"};
  for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
    if (!here(x, x->at, operators[i])) continue;
    match_bracket(x, operators[i][0]);
    add(x, T_OPERATOR, operators[i], (Value){0});
    move(x, x->at + strlen(operators[i]));
    return;
  }
  const size_t n = utf8_character(x->text + x->at, x->length - x->at);
  work_fail(x->work, "unexpected \"%.*s\"", (int)(n ? n : 1), x->text + x->at);
}

static void take_tag(Lexer *x, bool block) {
  const char *const end = block ? "%}" : "}}";
  add(x, block ? T_BLOCK : T_OUTPUT, "", (Value){0});
  move(x, x->at + 2 + (sign_at(x, x->at + 2) != 0));
  for (;;) {
    move(x, after_spaces(x, x->at));
    if (x->at >= x->length) work_fail(x->work, "a tag has no end %s", end);
    const size_t after = x->open ? x->at : tag_end(x, x->at, end, block);
    const char c = x->text[x->at];
    if (after > x->at) {
      add(x, T_END, end, (Value){0});
      move(x, after);
      return;
    }
    if (is_digit(c))
      take_number(x);
    else if (is_name(c))
      take_name(x);
    else if (c == '\'' || c == '"')
      take_string(x);
    else
      take_operator(x);
  }
}

/* ---- all ---- */

/* Line ends become \n, the last one is left out. */
static size_t copy_lines(const char *text, size_t length, char *out) {
  size_t n = 0;
  for (size_t i = 0; i < length; i++) {
    if (text[i] == '\r' && i + 1 < length && text[i + 1] == '\n') continue;
    out[n++] = text[i] == '\r' ? '\n' : text[i];
  }
  return n && out[n - 1] == '\n' ? n - 1 : n;
}

void jinja_lex(Work *w, const char *text, size_t length, Tokens *out) {
  char *lines = work_alloc(w, length + 1);
  Lexer x = {.work = w, .tokens = out, .text = lines, .length = copy_lines(text, length, lines)};
  lines[x.length] = 0;
  w->line = 1;
  while (x.at < x.length) {
    size_t tag = x.at;
    while (tag < x.length && !(lines[tag] == '{' && lines[tag + 1] && strchr("{%#", lines[tag + 1]))) tag++;
    const bool output = lines[tag] && lines[tag + 1] == '{', comment = lines[tag] && lines[tag + 1] == '#';
    const char sign = tag < x.length ? sign_at(&x, tag + 2) : '+';
    add_data(&x, x.at, tag, sign, !output);
    move(&x, tag);
    if (tag == x.length) break;
    if (comment)
      skip_comment(&x);
    else if (output || !take_raw(&x))
      take_tag(&x, !output);
  }
  add(&x, T_EOF, _("the end"), (Value){0});
}
