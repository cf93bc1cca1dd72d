/* jinja_methods.c - methods of str, dict and list, and the functions that templates have. */
#include <stdio.h>
#include <time.h>

#include "base/language.h"
#include "text/codes.h"
#include "text/jinja_impl.h"
#include "text/utf8.h"

/* ---- calls ---- */

/* The place of a parameter in the list of names, from 1; 0: there is none. */
static int parameter(const char *names, const char *name) {
  const size_t length = strlen(name);
  int place = 1;
  for (const char *at = names; *at;) {
    const size_t n = strcspn(at, " |");
    if (n == length && !memcmp(at, name, n)) return place;
    place += n > 0;
    at += n + (at[n] != 0);
  }
  return 0;
}

static int count_parameters(const char *names, int *needed) {
  int count = 0;
  *needed = -1;
  for (const char *at = names; *at;) {
    const size_t n = strcspn(at, " |");
    count += n > 0;
    if (at[n] == '|') *needed = count;
    at += n + (at[n] != 0);
  }
  if (*needed < 0) *needed = count;
  return count;
}

Value call_callable(Work *w, const char *kind, const Callable *c, Value self, const Args *args) {
  Value v[MOST_PARAMETERS + 1] = {self};
  int needed;
  work_step(w, value_is_text(self) ? self.length / 256 : 0);
  if (*c->parameters == '*') return c->run(w, v, args);
  const int count = count_parameters(c->parameters, &needed);
  if (args->count > (size_t)count) work_fail(w, "the %s %s takes at most %d arguments", kind, c->name, count);
  for (size_t i = 0; i < args->count; i++) v[i + 1] = args->items[i];
  for (size_t i = 0; i < args->named_count; i++) {
    const int place = parameter(c->parameters, args->named[i].name);
    if (!place || v[place].type != V_MISSING)
      work_fail(w, "the %s %s has no argument %s, or has it twice", kind, c->name, args->named[i].name);
    v[place] = args->named[i].value;
  }
  for (int i = 1; i <= needed; i++)
    if (v[i].type == V_MISSING) work_fail(w, "the %s %s needs %d arguments", kind, c->name, needed);
  return c->run(w, v, args);
}

static Value need_text(Work *w, Value v) {
  if (v.type != V_STRING) work_fail(w, "a text is needed, not '%s'", value_type(v));
  return v;
}

static int64_t number_or(Work *w, Value v, int64_t fallback) {
  return v.type == V_MISSING || v.type == V_NONE ? fallback : value_index(w, v, _("argument"));
}

/* ---- str ---- */

CALLABLE(str_upper, text_case(w, v[0], 'u'))
CALLABLE(str_lower, text_case(w, v[0], 'l'))
CALLABLE(str_title, text_case(w, v[0], 't'))
CALLABLE(str_capitalize, text_case(w, v[0], 'c'))
CALLABLE(str_strip, text_strip(w, v[0], v[1], true, true))
CALLABLE(str_lstrip, text_strip(w, v[0], v[1], true, false))
CALLABLE(str_rstrip, text_strip(w, v[0], v[1], false, true))
static bool is_affix(Work *w, Value v, Value affix, bool end) {
  need_text(w, affix);
  return affix.length <= v.length &&
         !memcmp(v.text + (end ? v.length - affix.length : 0), affix.text, affix.length);
}

static Value has_affix(Work *w, Value v, Value affix, bool end) {
  if (affix.type != V_TUPLE) return value_bool(is_affix(w, v, affix, end));
  for (size_t i = 0; i < affix.list->count; i++)
    if (is_affix(w, v, affix.list->items[i], end)) return value_bool(true);
  return value_bool(false);
}

CALLABLE(str_startswith, has_affix(w, v[0], v[1], false))
CALLABLE(str_endswith, has_affix(w, v[0], v[1], true))
static Value str_removeprefix(Work *w, const Value *v, const Args *args) {
  const size_t n = is_affix(w, v[0], v[1], false) ? v[1].length : 0;
  return value_string(v[0].text + n, v[0].length - n);
}

CALLABLE(str_removesuffix,
         value_string(v[0].text, v[0].length - (is_affix(w, v[0], v[1], true) ? v[1].length : 0)))
CALLABLE(str_replace, text_replace(w, v[0], need_text(w, v[1]), need_text(w, v[2]), number_or(w, v[3], -1)))
/* The next place of a separator in text[from, length), or the last one before `length`; length: none. */
static size_t find_separator(Value v, size_t from, Value separator, bool last) {
  size_t found = v.length;
  for (size_t at = from; at + separator.length <= v.length; at++) {
    const char *p = memmem(v.text + at, v.length - at, separator.text, separator.length);
    if (!p) break;
    found = at = (size_t)(p - v.text);
    if (!last) break;
  }
  return found;
}

/* Bytes of the first or last word of a text that begins, or ends, with one. */
static size_t word_length(Value v, bool last) {
  size_t n = 0;
  uint32_t c;
  for (size_t k; n < v.length; n += k) {
    k = last ? 1 : utf8_character(v.text + n, v.length - n);
    while (last && k < 4 && k < v.length - n && ((unsigned char)v.text[v.length - n - k] & 0xc0) == 0x80) k++;
    if (!k) k = 1;
    if (utf8_decode(last ? v.text + v.length - n - k : v.text + n, k, &c) == k && code_is_space(c)) break;
  }
  return n;
}

static void split_spaces(Work *w, Value v, int64_t most, bool last, List *out) {
  for (;; most--) {
    v = text_strip(w, v, (Value){0}, !last, last);
    if (!v.length) return;
    const size_t n = most ? word_length(v, last) : v.length;
    list_add(w, out, value_string(v.text + (last ? v.length - n : 0), n));
    v = value_string(v.text + (last ? 0 : n), v.length - n);
  }
}

static Value split(Work *w, const Value *v, bool last) {
  List *out = list_new(w);
  Value rest = v[0];
  int64_t most = number_or(w, v[2], -1);
  work_step(w, rest.length / 16);
  if (v[1].type == V_MISSING || v[1].type == V_NONE)
    split_spaces(w, rest, most, last, out);
  else if (!need_text(w, v[1]).length)
    work_fail(w, "empty separator");
  else {
    for (size_t at; most-- != 0 && (at = find_separator(rest, 0, v[1], last)) < rest.length;) {
      const size_t after = at + v[1].length;
      list_add(w, out,
               last ? value_string(rest.text + after, rest.length - after) : value_string(rest.text, at));
      rest = last ? value_string(rest.text, at) : value_string(rest.text + after, rest.length - after);
    }
    list_add(w, out, rest);
  }
  for (size_t i = 0; last && i < out->count / 2; i++) {
    const Value item = out->items[i];
    out->items[i] = out->items[out->count - 1 - i];
    out->items[out->count - 1 - i] = item;
  }
  return value_list(V_LIST, out);
}

CALLABLE(str_split, split(w, v, false))
CALLABLE(str_rsplit, split(w, v, true))
CALLABLE(str_splitlines, value_list(V_LIST, text_lines(w, v[0])))
static Value str_join(Work *w, const Value *v, const Args *args) {
  const List *l = value_items(w, v[1]);
  Text out = {0};
  for (size_t i = 0; i < l->count; i++) {
    const Value item = need_text(w, l->items[i]);
    if (i) text_add(w, &out, v[0].text, v[0].length);
    text_add(w, &out, item.text, item.length);
  }
  return text_value(&out);
}

static int64_t find(Work *w, const Value *v, bool last) {
  const Value what = need_text(w, v[1]);
  if (!what.length) return last ? value_length(w, v[0]) : 0;
  const size_t at = find_separator(v[0], 0, what, last);
  work_step(w, v[0].length / 16);
  return at < v[0].length ? text_count(v[0].text, at) : -1;
}

CALLABLE(str_find, value_int(find(w, v, false)))
CALLABLE(str_rfind, value_int(find(w, v, true)))
static Value str_index(Work *w, const Value *v, const Args *args) {
  const int64_t at = find(w, v, false);
  if (at < 0) work_fail(w, "substring not found");
  return value_int(at);
}

static Value str_count(Work *w, const Value *v, const Args *args) {
  const Value what = need_text(w, v[1]);
  int64_t count = 0;
  work_step(w, v[0].length / 16);
  if (!what.length) return value_int(value_length(w, v[0]) + 1);
  for (size_t at = 0; (at = find_separator(v[0], at, what, false)) < v[0].length; at += what.length) count++;
  return value_int(count);
}

static Value all_are(Value v, bool holds(uint32_t)) {
  uint32_t c;
  for (size_t at = 0, n; at < v.length; at += n)
    if (!(n = utf8_decode(v.text + at, v.length - at, &c)) || !holds(c)) return value_bool(false);
  return value_bool(v.length > 0);
}

static bool is_ascii_digit(uint32_t c) {
  return c >= '0' && c <= '9';
}

/* Digits outside of ASCII: the classes of Python differ from categories. */
static Value str_isdigit(Work *w, const Value *v, const Args *args) {
  for (size_t i = 0; i < v[0].length; i++)
    if ((unsigned char)v[0].text[i] >= 0x80)
      work_fail(w, "isdigit() of characters outside of ASCII is not supported");
  return all_are(v[0], is_ascii_digit);
}

CALLABLE(str_isspace, all_are(v[0], code_is_space))
/* {} {0} {name}, without formats. */
static Value field(Work *w, const char *name, size_t length, const Args *args, size_t *next) {
  size_t index = 0;
  bool number = true;
  for (size_t i = 0; i < length; i++) {
    number &= is_ascii_digit((unsigned char)name[i]) && length < 4;
    index = index * 10 + (size_t)(name[i] - '0');
    if (memchr("[].:!{", name[i], 6))
      work_fail(w, "the field {%.*s} of a format is not supported", (int)length, name);
  }
  if (!length) index = (*next)++;
  if (number && index < args->count) return args->items[index];
  for (size_t i = 0; !number && i < args->named_count; i++)
    if (strlen(args->named[i].name) == length && !memcmp(args->named[i].name, name, length))
      return args->named[i].value;
  work_fail(w, "the format has no argument for {%.*s}", (int)length, name);
}

static Value str_format(Work *w, const Value *v, const Args *args) {
  Text out = {0};
  size_t next = 0;
  for (size_t at = 0; at < v[0].length; at++) {
    const char c = v[0].text[at];
    const bool twice = at + 1 < v[0].length && v[0].text[at + 1] == c;
    if ((c != '{' && c != '}') || twice) {
      text_add(w, &out, &v[0].text[at], 1);
      at += (c == '{' || c == '}');
      continue;
    }
    const char *end = memchr(v[0].text + at, '}', v[0].length - at);
    if (c == '}' || !end) work_fail(w, "a single '%c' in a format", c);
    const size_t n = (size_t)(end - v[0].text) - at - 1;
    value_print(w, field(w, v[0].text + at + 1, n, args, &next), &out);
    at += n + 1;
  }
  return text_value(&out);
}

static const Callable string_methods[] = {{"capitalize", "", str_capitalize},
                                          {"count", "sub", str_count},
                                          {"endswith", "suffix", str_endswith},
                                          {"find", "sub", str_find},
                                          {"format", "*", str_format},
                                          {"index", "sub", str_index},
                                          {"isdigit", "", str_isdigit},
                                          {"isspace", "", str_isspace},
                                          {"join", "iterable", str_join},
                                          {"lower", "", str_lower},
                                          {"lstrip", "|chars", str_lstrip},
                                          {"removeprefix", "prefix", str_removeprefix},
                                          {"removesuffix", "suffix", str_removesuffix},
                                          {"replace", "old new|count", str_replace},
                                          {"rfind", "sub", str_rfind},
                                          {"rsplit", "|sep maxsplit", str_rsplit},
                                          {"rstrip", "|chars", str_rstrip},
                                          {"split", "|sep maxsplit", str_split},
                                          {"splitlines", "", str_splitlines},
                                          {"startswith", "prefix", str_startswith},
                                          {"strip", "|chars", str_strip},
                                          {"title", "", str_title},
                                          {"upper", "", str_upper},
                                          {0}};

/* ---- dict and list ---- */

static Value dict_items(Work *w, const Value *v, const Args *args) {
  List *l = list_new(w);
  for (size_t i = 0; i < v[0].dict->keys.count; i++) {
    List *pair = list_new(w);
    list_add(w, pair, v[0].dict->keys.items[i]);
    list_add(w, pair, v[0].dict->values.items[i]);
    list_add(w, l, value_list(V_TUPLE, pair));
  }
  return value_list(V_VIEW, l);
}

CALLABLE(dict_keys, value_list(V_VIEW, &v[0].dict->keys))
CALLABLE(dict_values, value_list(V_VIEW, &v[0].dict->values))
static Value dict_get(Work *w, const Value *v, const Args *args) {
  const Value *found = dict_find(w, v[0].dict, v[1]);
  return found ? *found : v[2].type == V_MISSING ? (Value){V_NONE, {0}, 0} : v[2];
}

static Value same(Work *w, const Value *v, const Args *args) {
  return v[0];
}

static Value list_count(Work *w, const Value *v, const Args *args) {
  int64_t count = 0;
  for (size_t i = 0; i < v[0].list->count; i++) count += value_equal(w, v[0].list->items[i], v[1]);
  return value_int(count);
}

static Value list_index(Work *w, const Value *v, const Args *args) {
  for (size_t i = 0; i < v[0].list->count; i++)
    if (value_equal(w, v[0].list->items[i], v[1])) return value_int((int64_t)i);
  work_fail(w, "the value is not in the list");
}

/* Methods without a function change their object: the sandbox forbids them. */
static const Callable dict_methods[] = {{"copy", "", same},
                                        {"get", "key|default", dict_get},
                                        {"items", "", dict_items},
                                        {"keys", "", dict_keys},
                                        {"values", "", dict_values},
                                        {"clear", "", NULL},
                                        {"pop", "", NULL},
                                        {"popitem", "", NULL},
                                        {"setdefault", "", NULL},
                                        {"update", "", NULL},
                                        {0}};
static const Callable list_methods[] = {{"copy", "", same},
                                        {"count", "value", list_count},
                                        {"index", "value", list_index},
                                        {"append", "", NULL},
                                        {"clear", "", NULL},
                                        {"extend", "", NULL},
                                        {"insert", "", NULL},
                                        {"pop", "", NULL},
                                        {"remove", "", NULL},
                                        {"reverse", "", NULL},
                                        {"sort", "", NULL},
                                        {0}};
static const Callable tuple_methods[] = {{"count", "value", list_count}, {"index", "value", list_index}, {0}};

/* Those that Python has and templates cannot use here. */
static const char *const unsupported[V_FUNCTION + 1] = {
    [V_BOOL] =
        "real imag numerator denominator bit_length bit_count conjugate to_bytes from_bytes as_integer_ratio",
    [V_INT] =
        "real imag numerator denominator bit_length bit_count conjugate to_bytes from_bytes as_integer_ratio",
    [V_FLOAT] = "real imag conjugate as_integer_ratio fromhex hex is_integer",
    [V_STRING] =
        "casefold center encode expandtabs format_map isalnum isalpha isascii isdecimal isidentifier islower "
        "isnumeric isprintable istitle isupper ljust maketrans partition rindex rjust rpartition swapcase "
        "translate zfill",
    [V_DICT] = "fromkeys",
    [V_RANGE] = "count index start stop step",
    [V_VIEW] = "isdisjoint mapping",
    [V_ITERATOR] = "close send throw"};

const Callable *method_find(Work *w, Value v, const char *name) {
  const Callable *c = v.type == V_STRING  ? string_methods
                      : v.type == V_DICT  ? dict_methods
                      : v.type == V_LIST  ? list_methods
                      : v.type == V_TUPLE ? tuple_methods
                                          : NULL;
  for (; c && c->name; c++)
    if (!strcmp(c->name, name)) return c;
  if (unsupported[v.type] && parameter(unsupported[v.type], name))
    work_fail(w, "the attribute '%s' of '%s' is not supported", name, value_type(v));
  return NULL;
}

/* ---- functions ---- */

static Value fn_range(Work *w, const Value *v, const Args *args) {
  enum { MOST_RANGE = 100000 };
  List *l = list_new(w);
  const bool one = v[2].type == V_MISSING;
  int64_t from = one ? 0 : value_index(w, v[1], "range");
  const int64_t to = value_index(w, v[one ? 1 : 2], "range"),
                step = v[3].type == V_MISSING ? 1 : value_index(w, v[3], "range");
  if (!step) work_fail(w, "range() arg 3 must not be zero");
  for (; step > 0 ? from < to : from > to;) {
    if (l->count == MOST_RANGE) work_fail(w, "the range is too big: the sandbox has at most %d", MOST_RANGE);
    list_add(w, l, value_int(from));
    if (__builtin_add_overflow(from, step, &from)) break;
  }
  return value_list(V_RANGE, l);
}

static Dict *dict_of(Work *w, const Args *args) {
  Dict *d = dict_new(w);
  if (args->count > 1) work_fail(w, "dict expected at most 1 argument, got %zu", args->count);
  for (size_t i = 0; args->count && args->items[0].type == V_DICT && i < args->items[0].dict->keys.count; i++)
    dict_put(w, d, args->items[0].dict->keys.items[i], args->items[0].dict->values.items[i]);
  const List *pairs = args->count && args->items[0].type != V_DICT ? value_items(w, args->items[0]) : NULL;
  for (size_t i = 0; pairs && i < pairs->count; i++) {
    const List *pair = value_items(w, pairs->items[i]);
    if (pair->count != 2) work_fail(w, "dict(): element %zu is not a pair", i);
    dict_put(w, d, pair->items[0], pair->items[1]);
  }
  for (size_t i = 0; i < args->named_count; i++)
    dict_put(w, d, value_texts(args->named[i].name), args->named[i].value);
  return d;
}

static Value fn_dict(Work *w, const Value *v, const Args *args) {
  return (Value){V_DICT, {.dict = dict_of(w, args)}, 0};
}

static Value fn_namespace(Work *w, const Value *v, const Args *args) {
  Dict *d = dict_of(w, args);
  for (size_t i = 0; i < d->keys.count; i++)
    if (value_is_text(d->keys.items[i]) && d->keys.items[i].length && *d->keys.items[i].text == '_')
      work_fail(w, "a namespace cannot have names that begin with _");
  return (Value){V_NAMESPACE, {.dict = d}, 0};
}

static Value fn_raise(Work *w, const Value *v, const Args *args) {
  work_raise(w, value_str(w, v[1]));
}

static Value fn_strftime(Work *w, const Value *v, const Args *args) {
  char format[256], text[1024];
  const time_t now = time(NULL);
  struct tm tm;
  const Value f = need_text(w, v[1]);
  if (f.length >= sizeof format - 1 || !localtime_r(&now, &tm)) work_fail(w, "the date cannot be formatted");
  snprintf(format, sizeof format, "%.*s.", (int)f.length, f.text); /* never empty */
  const size_t n = strftime(text, sizeof text, format, &tm);
  if (!n) work_fail(w, "the date cannot be formatted");
  return value_string(arena_strndup(w->arena, text, n - 1), n - 1);
}

const Callable *function_find(Work *w, const char *name) {
  static const Callable functions[] = {
      {"range", "start|stop step", fn_range},  {"dict", "*", fn_dict},
      {"namespace", "*", fn_namespace},        {"raise_exception", "message", fn_raise},
      {"strftime_now", "format", fn_strftime}, {0}};
  const Callable *c = functions;
  while (c->name && strcmp(c->name, name)) c++;
  return c->name ? c : NULL;
}
