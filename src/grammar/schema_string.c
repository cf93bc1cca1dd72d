/* schema_string.c - strings of JSON, with lengths, patterns and formats. */
#include <string.h>

#include "base/language.h"
#include "grammar/schema.h"
#include "text/utf8.h"

/* ---- characters ---- */

static const CodeRange plain[] = {
    {0x20, 0x21}, {0x23, 0x5B}, {0x5D, CODE_LAST}}; /* neither control, " nor \ */

static Expr plain_character(SchemaReader *r) {
  CodeSet s = {0};
  code_set_add_all(&s, plain, 3);
  code_set_settle(&s);
  const Expr e = expr_set(r->g, &s);
  vec_free(&s);
  return e;
}

/* One character, as itself or escaped; outside of the basic plane by two escapes, never half of them. */
static Expr any_character(SchemaReader *r) {
  static const char escapes[] =
      "\\\\(?:[\"\\\\/bfnrt]|u(?:[0-9a-cA-CefEF][0-9a-fA-F]{3}|[dD][0-7][0-9a-fA-F]{2}|"
      "[dD][89abAB][0-9a-fA-F]{2}\\\\u[dD][c-fC-F][0-9a-fA-F]{2}))";
  return expr_either(r->g, (const Expr[]){plain_character(r), schema_regex(r, escapes)}, 2);
}

static Expr escaped(Grammar *g, uint32_t code) {
  static const char named[] = "\"\\\b\f\n\r\t", names[] = "\"\\bfnrt", hex[] = "0123456789abcdef";
  const char *name = code ? strchr(named, (int)code) : NULL;
  if (name) return expr_text(g, (const char[]){'\\', names[name - named]}, 2);
  return expr_text(g, (const char[]){'\\', 'u', '0', '0', hex[code >> 4], hex[code & 15]}, 6);
}

Expr schema_quoted_set(Grammar *g, const CodeSet *s) {
  CodeSet itself = {0};
  VEC(Expr) items = {0};
  code_set_add_all(&itself, s->data, s->count);
  code_set_meet(&itself, plain, 3);
  vec_push(&items, expr_set(g, &itself));
  vec_free(&itself);
  for (uint32_t code = 0; code <= '\\'; code++)
    if ((code < 0x20 || code == '"' || code == '\\') && code_in_ranges(code, s->data, s->count))
      vec_push(&items, escaped(g, code));
  const Expr e = expr_either(g, items.data, items.count);
  vec_free(&items);
  return e;
}

static Expr quoted(SchemaReader *r, Expr inside) {
  return expr_sequence(r->g, (const Expr[]){expr_string(r->g, "\""), inside, expr_string(r->g, "\"")}, 3);
}

/* ---- formats ---- */

/* A subset of each, all of which is valid: no 29th of February, e-mail addresses of letters and digits. */
#define DATE                                                                                              \
  "[1-9]\\d{3}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\\d|30)|02-(?:" \
  "0[1-9]|1\\d|2[0-8]))"
#define TIME "(?:[01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(?:\\.\\d{1,6})?(?:Z|[+-](?:[01]\\d|2[0-3]):[0-5]\\d)"
#define HOST "[a-z](?:[a-z0-9-]{0,30}[a-z0-9])?(?:\\.[a-z](?:[a-z0-9-]{0,30}[a-z0-9])?){1,4}"
#define BYTE "(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)"
static const struct {
  const char *name, *pattern;
} formats[] = {
    {"date", DATE},
    {"time", TIME},
    {"date-time", DATE "T" TIME},
    {"duration", "P(?:\\d{1,5}[YMWD]|(?:\\d{1,5}D)?T(?:\\d{1,5}H\\d{1,2}M|\\d{1,5}[HMS]))"},
    {"email", "[a-zA-Z0-9](?:[a-zA-Z0-9_+-]{0,60}[a-zA-Z0-9])?(?:\\.[a-zA-Z0-9]{1,30}){0,3}@" HOST},
    {"hostname", HOST},
    {"ipv4", BYTE "(?:\\." BYTE "){3}"},
    {"ipv6", "[0-9a-f]{1,4}(?::[0-9a-f]{1,4}){7}"},
    {"uuid", "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"},
    {"uri", "https?://" HOST "(?:/[a-zA-Z0-9._~-]{1,60}){0,8}/?"}};

static Expr formatted(SchemaReader *r, const char *name) {
  for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
    if (!strcmp(formats[i].name, name)) return schema_regex(r, formats[i].pattern);
  schema_refuse(r, N_("the format \"%s\" is not supported"), name);
  return expr_never(r->g);
}

/* ---- strings ---- */

static Expr any_string(SchemaReader *r) {
  return quoted(r, expr_repeat(r->g, any_character(r), 0, GRAMMAR_NO_MAXIMUM));
}

Expr schema_string(SchemaReader *r, const json_t *schema) {
  static const RegexStyle style = {schema_quoted_set, true};
  const json_t *pattern = json_object_get(schema, "pattern"), *format = json_object_get(schema, "format");
  const int64_t min = schema_count(r, schema, "minLength", 0),
                max = schema_count(r, schema, "maxLength", GRAMMAR_NO_MAXIMUM);
  const bool length = json_object_get(schema, "minLength") || json_object_get(schema, "maxLength");
  if ((pattern != NULL) + (format != NULL) + length > 1)
    schema_refuse(r, N_("of pattern, format and length of a string only one is supported"));
  if ((pattern && !json_is_string(pattern)) || (format && !json_is_string(format)))
    schema_refuse(r, N_("\"%s\" is not a text"), pattern ? "pattern" : "format");
  if (grammar_full(r->g)) return expr_never(r->g);
  if (format) return quoted(r, formatted(r, json_string_value(format)));
  if (!pattern && !length) return schema_shared(r, "string", any_string);
  if (!pattern) return quoted(r, expr_repeat(r->g, any_character(r), min, max));
  return quoted(r,
                regex_read(r->g, &style, json_string_value(pattern), json_string_length(pattern), "pattern"));
}

/* ---- names of further properties ---- */

enum { MOST_NAME = 120 }; /* bytes */

typedef struct Words {
  const char **items;
  size_t count;
} Words;

static size_t character_size(const char *text) {
  const unsigned char c = (unsigned char)*text;
  return c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
}

/* Strings without escapes that are none of the sorted words, which agree before byte `from`: those that leave
 * them at a character that none has there, or end inside. */
static Expr other_than(SchemaReader *r, Words w, size_t from, Expr rest) {
  CodeSet inside = {0};
  VEC(Expr) items = {0};
  bool ends = false;
  if (from > MOST_NAME)
    schema_refuse(r, N_("a property has a name of more than %d bytes, and there may be further ones"),
                  MOST_NAME);
  for (size_t i = 0, next; i < w.count && !grammar_full(r->g); i = next) {
    const char *word = w.items[i] + from;
    const size_t size = character_size(word);
    uint32_t code = 0;
    next = i + 1;
    if (!*word) {
      ends = true;
      continue;
    }
    while (next < w.count && !memcmp(w.items[next] + from, word, size)) next++;
    utf8_decode(word, size, &code);
    code_set_add(&inside, code, code);
    const Expr below = other_than(r, (Words){w.items + i, next - i}, from + size, rest);
    vec_push(&items, expr_pair(r->g, expr_text(r->g, word, size), below));
  }
  code_set_settle(&inside);
  code_set_invert(&inside);
  code_set_meet(&inside, plain, 3);
  vec_push(&items, expr_pair(r->g, expr_set(r->g, &inside), rest));
  if (!ends) vec_push(&items, expr_empty(r->g));
  const Expr e = expr_either(r->g, items.data, items.count);
  vec_free(&inside);
  vec_free(&items);
  return e;
}

/* A name with one of them has escapes, so that no other name is the same. */
static const char escaped_bytes[] =
    "\"\\\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19"
    "\x1a"
    "\x1b\x1c\x1d\x1e\x1f";

static int by_text(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

Expr schema_other_names(SchemaReader *r, const json_t *properties) {
  VEC(const char *) names = {0};
  const char *key;
  json_t *value;
  json_object_foreach((json_t *)(uintptr_t)properties, key, value) if (!strpbrk(key, escaped_bytes))
      vec_push(&names, key);
  if (names.count) qsort(names.data, names.count, sizeof *names.data, by_text);
  const Expr rest = schema_rule(r, expr_repeat(r->g, plain_character(r), 0, GRAMMAR_NO_MAXIMUM));
  const Expr e = other_than(r, (Words){names.data, names.count}, 0, rest);
  vec_free(&names);
  return quoted(r, e);
}
