/* jinja_value.c - values as Python has them: truth, equality, order, printing, JSON. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <utf8proc.h>

#include "base/language.h"
#include "text/jinja_impl.h"
#include "text/utf8.h"

Value value_bool(bool b) {
  return (Value){V_BOOL, {.truth = b}, 0};
}

Value value_int(int64_t i) {
  return (Value){V_INT, {.integer = i}, 0};
}

Value value_real(double d) {
  return (Value){V_FLOAT, {.real = d}, 0};
}

Value value_string(const char *text, size_t length) {
  return (Value){V_STRING, {.text = text}, length};
}

Value value_texts(const char *text) {
  return value_string(text, strlen(text));
}

Value value_list(ValueType type, List *list) {
  return (Value){type, {.list = list}, 0};
}

Value value_undefined(Work *w, const char *format, ...) {
  enum { MOST = 256 };
  char *text = work_alloc(w, MOST);
  va_list args;
  va_start(args, format);
  vsnprintf(text, MOST, language_text(format), args);
  va_end(args);
  return (Value){V_UNDEFINED, {.text = text}, 0};
}

/* ---- lists and dicts ---- */

List *list_new(Work *w) {
  return work_alloc(w, sizeof(List));
}

void list_add(Work *w, List *l, Value v) {
  l->items = work_grow(w, l->items, &l->capacity, l->count, sizeof v);
  l->items[l->count++] = v;
}

Dict *dict_new(Work *w) {
  return work_alloc(w, sizeof(Dict));
}

static Value *slot(Work *w, const Dict *d, Value key) {
  if (key.type >= V_LIST && key.type != V_TUPLE && key.type != V_RANGE)
    work_fail(w, "unhashable type: '%s'", value_type(key));
  work_step(w, d->keys.count / 8);
  for (size_t i = 0; i < d->keys.count; i++)
    if (value_equal(w, d->keys.items[i], key)) return &d->values.items[i];
  return NULL;
}

const Value *dict_find(Work *w, const Dict *d, Value key) {
  return slot(w, d, key);
}

void dict_put(Work *w, Dict *d, Value key, Value v) {
  Value *known = slot(w, d, key);
  if (known) {
    *known = v;
    return;
  }
  list_add(w, &d->keys, key);
  list_add(w, &d->values, v);
}

static Value json_members(Work *w, const json_t *json) {
  Dict *d = dict_new(w);
  const char *key;
  json_t *member;
  json_object_foreach((json_t *)(uintptr_t)json, key, member) { /* the keys differ */
    list_add(w, &d->keys, value_texts(key));
    list_add(w, &d->values, value_json(w, member));
  }
  return (Value){V_DICT, {.dict = d}, 0};
}

Value value_json(Work *w, const json_t *json) {
  Value v = {V_NONE, {0}, 0};
  work_enter(w);
  if (json_is_object(json)) v = json_members(w, json);
  if (json_is_string(json)) v = value_string(json_string_value(json), json_string_length(json));
  if (json_is_boolean(json)) v = value_bool(json_is_true(json));
  if (json_is_integer(json)) v = value_int(json_integer_value(json));
  if (json_is_real(json)) v = value_real(json_real_value(json));
  if (json_is_array(json)) {
    v = value_list(V_LIST, list_new(w));
    for (size_t i = 0; i < json_array_size(json); i++)
      list_add(w, v.list, value_json(w, json_array_get(json, i)));
  }
  work_leave(w);
  return v;
}

/* ---- kinds ---- */

const char *value_type(Value v) {
  static const char *const names[] = {[V_MISSING] = "nothing",
                                      [V_UNDEFINED] = "Undefined",
                                      [V_NONE] = "NoneType",
                                      [V_BOOL] = "bool",
                                      [V_INT] = "int",
                                      [V_FLOAT] = "float",
                                      [V_STRING] = "str",
                                      [V_ESCAPED] = "Markup",
                                      [V_LIST] = "list",
                                      [V_TUPLE] = "tuple",
                                      [V_RANGE] = "range",
                                      [V_VIEW] = "dict view",
                                      [V_ITERATOR] = "iterator",
                                      [V_DICT] = "dict",
                                      [V_NAMESPACE] = "Namespace",
                                      [V_LOOP] = "LoopContext",
                                      [V_MACRO] = "Macro",
                                      [V_METHOD] = "method",
                                      [V_FUNCTION] = "function"};
  return names[v.type];
}

bool value_true(Value v) {
  switch (v.type) {
    case V_MISSING:
    case V_UNDEFINED:
    case V_NONE:
      return false;
    case V_BOOL:
      return v.truth;
    case V_INT:
      return v.integer != 0;
    case V_FLOAT:
      return v.real != 0;
    case V_STRING:
    case V_ESCAPED:
      return v.length != 0;
    case V_LIST:
    case V_TUPLE:
    case V_RANGE:
    case V_VIEW:
      return v.list->count != 0;
    case V_DICT:
      return v.dict->keys.count != 0;
    default:
      return true;
  }
}

bool value_is_text(Value v) {
  return v.type == V_STRING || v.type == V_ESCAPED;
}

bool value_is_number(Value v) {
  return v.type >= V_BOOL && v.type <= V_FLOAT;
}

static bool is_sequence(Value v) {
  return v.type >= V_LIST && v.type <= V_VIEW;
}

bool value_is_iterable(Value v) {
  return v.type == V_UNDEFINED || value_is_text(v) || (v.type >= V_LIST && v.type <= V_DICT);
}

static int64_t whole(Value v) {
  return v.type == V_BOOL ? v.truth : v.integer;
}

double value_double(Value v) {
  return v.type == V_FLOAT ? v.real : (double)whole(v);
}

int64_t value_index(Work *w, Value v, const char *what) {
  if (v.type != V_BOOL && v.type != V_INT)
    work_fail(w, "%s: an integer is needed, not '%s'", what, value_type(v));
  return whole(v);
}

int64_t value_length(Work *w, Value v) {
  if (value_is_text(v)) work_step(w, v.length / 256);
  if (v.type == V_UNDEFINED) return 0;
  if (value_is_text(v)) return text_count(v.text, v.length);
  if (is_sequence(v)) return (int64_t)v.list->count;
  if (v.type == V_DICT) return (int64_t)v.dict->keys.count;
  work_fail(w, "object of type '%s' has no len()", value_type(v));
}

List *value_items(Work *w, Value v) {
  if (is_sequence(v)) return v.list;
  if (v.type == V_DICT) return &v.dict->keys;
  if (!value_is_iterable(v)) work_fail(w, "'%s' object is not iterable", value_type(v));
  List *l = list_new(w);
  if (v.type == V_ITERATOR)
    while (v.list->next < v.list->count) list_add(w, l, v.list->items[v.list->next++]);
  if (!value_is_text(v)) return l;
  for (size_t at = 0, n; at < v.length; at += n) {
    n = utf8_character(v.text + at, v.length - at);
    if (!n) n = 1;
    list_add(w, l, value_string(v.text + at, n));
  }
  return l;
}

/* ---- equality and order ---- */

static bool lists_equal(Work *w, const List *a, const List *b) {
  if (a->count != b->count) return false;
  for (size_t i = 0; i < a->count; i++)
    if (!value_equal(w, a->items[i], b->items[i])) return false;
  return true;
}

static bool dicts_equal(Work *w, const Dict *a, const Dict *b) {
  if (a->keys.count != b->keys.count) return false;
  for (size_t i = 0; i < a->keys.count; i++) {
    const Value *other = dict_find(w, b, a->keys.items[i]);
    if (!other || !value_equal(w, a->values.items[i], *other)) return false;
  }
  return true;
}

static bool equal(Work *w, Value a, Value b) {
  if (value_is_number(a) && value_is_number(b)) {
    if (a.type != V_FLOAT && b.type != V_FLOAT) return whole(a) == whole(b);
    return value_double(a) == value_double(b);
  }
  if (value_is_text(a) && value_is_text(b))
    return a.length == b.length && (!a.length || !memcmp(a.text, b.text, a.length));
  if (a.type != b.type) return false;
  if (a.type == V_UNDEFINED || a.type == V_NONE) return true;
  if (a.type == V_LIST || a.type == V_TUPLE || a.type == V_RANGE) return lists_equal(w, a.list, b.list);
  if (a.type == V_DICT) return dicts_equal(w, a.dict, b.dict);
  if (a.type == V_METHOD)
    return a.method->callable == b.method->callable && equal(w, a.method->self, b.method->self);
  if (a.type == V_VIEW) work_fail(w, "comparing the views of dicts is not supported");
  return a.list == b.list;
}

bool value_equal(Work *w, Value a, Value b) {
  work_enter(w);
  work_step(w, value_is_text(a) ? a.length / 256 : 0);
  const bool result = equal(w, a, b);
  work_leave(w);
  return result;
}

static int order_texts(Value a, Value b) {
  const size_t n = a.length < b.length ? a.length : b.length;
  const int order = n ? memcmp(a.text, b.text, n) : 0; /* as that of code points */
  return order ? order : (a.length > b.length) - (a.length < b.length);
}

int value_order(Work *w, Value a, Value b, const char *operator) {
  int order = 0;
  work_step(w, value_is_text(a) ? a.length / 256 : 0);
  if (value_is_number(a) && value_is_number(b)) {
    const double x = value_double(a), y = value_double(b);
    if (a.type != V_FLOAT && b.type != V_FLOAT) return (whole(a) > whole(b)) - (whole(a) < whole(b));
    if (isnan(x) || isnan(y)) work_fail(w, "nan cannot be ordered here");
    return (x > y) - (x < y);
  }
  if (value_is_text(a) && value_is_text(b)) return order_texts(a, b);
  if (a.type == V_UNDEFINED || b.type == V_UNDEFINED)
    work_fail(w, "%s", a.type == V_UNDEFINED ? a.text : b.text);
  if (a.type != b.type || (a.type != V_LIST && a.type != V_TUPLE))
    work_fail(w, "'%s' not supported between instances of '%s' and '%s'", operator, value_type(a),
              value_type(b));
  work_enter(w);
  const size_t n = a.list->count < b.list->count ? a.list->count : b.list->count;
  for (size_t i = 0; i < n && !order; i++)
    if (!value_equal(w, a.list->items[i], b.list->items[i]))
      order = value_order(w, a.list->items[i], b.list->items[i], operator);
  work_leave(w);
  return order ? order : (a.list->count > b.list->count) - (a.list->count < b.list->count);
}

bool value_in(Work *w, Value item, Value container) {
  if (value_is_text(container)) {
    if (!value_is_text(item)) {
      if (item.type == V_UNDEFINED) work_fail(w, "%s", item.text);
      work_fail(w, "'in <string>' requires string as left operand, not %s", value_type(item));
    }
    work_step(w, container.length / 64);
    return !item.length ||
           (container.length && memmem(container.text, container.length, item.text, item.length));
  }
  if (container.type == V_DICT) return dict_find(w, container.dict, item) != NULL;
  if (!value_is_iterable(container))
    work_fail(w, "argument of type '%s' is not iterable", value_type(container));
  List *all = container.type == V_ITERATOR ? container.list : value_items(w, container);
  for (size_t i = container.type == V_ITERATOR ? all->next : 0; i < all->count; i++) {
    if (container.type == V_ITERATOR) all->next = i + 1;
    if (value_equal(w, all->items[i], item)) return true;
  }
  return false;
}

/* ---- printing ---- */

/* repr(): the fewest digits that give the number again. */
void real_print(Work *w, double d, Text *out) {
  char text[64];
  int digits = 0;
  if (!isfinite(d)) {
    text_adds(w, out, isnan(d) ? "nan" : d < 0 ? "-inf" : "inf");
    return;
  }
  do snprintf(text, sizeof text, "%.*e", digits, d);
  while (strtod(text, NULL) != d && ++digits < 17);
  const int exponent = atoi(strchr(text, 'e') + 1);
  if (exponent >= -4 && exponent < 16)
    snprintf(text, sizeof text, "%.*f", digits > exponent ? digits - exponent : 1, d);
  text_adds(w, out, text);
}

static bool is_printable(uint32_t code) {
  switch (utf8proc_category((utf8proc_int32_t)code)) {
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
      return false;
    case UTF8PROC_CATEGORY_ZS:
      return code == ' ';
    default:
      return true;
  }
}

static void repr_code(Work *w, uint32_t code, char quote, Text *out) {
  static const char from[] = "\n\r\t\\", to[] = "nrt\\";
  const char *known = code && code < 128 ? strchr(from, (int)code) : NULL;
  char text[16];
  if (known)
    snprintf(text, sizeof text, "\\%c", to[known - from]);
  else if (code == (uint32_t)quote)
    snprintf(text, sizeof text, "\\%c", quote);
  else if (is_printable(code))
    text[utf8_encode(code, text)] = 0;
  else
    snprintf(text, sizeof text, code < 0x100 ? "\\x%02x" : code < 0x10000 ? "\\u%04x" : "\\U%08x", code);
  text_adds(w, out, text);
}

static void repr_text(Work *w, Value v, Text *out) {
  const char quote =
      v.length && memchr(v.text, '\'', v.length) && !memchr(v.text, '"', v.length) ? '"' : '\'';
  uint32_t code;
  text_add(w, out, &quote, 1);
  for (size_t at = 0, n; at < v.length; at += n) {
    n = utf8_decode(v.text + at, v.length - at, &code);
    if (n)
      repr_code(w, code, quote, out);
    else
      text_add(w, out, v.text + at, n = 1);
  }
  text_add(w, out, &quote, 1);
}

static void repr_items(Work *w, const List *l, const List *values, const char *around, Text *out) {
  text_add(w, out, around, 1);
  for (size_t i = 0; i < l->count; i++) {
    if (i) text_adds(w, out, ", ");
    value_repr(w, l->items[i], out);
    if (values) text_adds(w, out, ": ");
    if (values) value_repr(w, values->items[i], out);
  }
  if (*around == '(' && l->count == 1) text_adds(w, out, ",");
  text_add(w, out, around + 1, 1);
}

static void repr_whole(Work *w, Value v, Text *out) {
  char text[32];
  snprintf(text, sizeof text, "%lld", (long long)v.integer);
  text_adds(w, out, text);
}

void value_repr(Work *w, Value v, Text *out) {
  work_enter(w);
  switch (v.type) {
    case V_UNDEFINED:
      text_adds(w, out, "Undefined");
      break;
    case V_NONE:
      text_adds(w, out, "None");
      break;
    case V_BOOL:
      text_adds(w, out, v.truth ? "True" : "False");
      break;
    case V_INT:
      repr_whole(w, v, out);
      break;
    case V_FLOAT:
      real_print(w, v.real, out);
      break;
    case V_STRING:
      repr_text(w, v, out);
      break;
    case V_LIST:
      repr_items(w, v.list, NULL, "[]", out);
      break;
    case V_TUPLE:
      repr_items(w, v.list, NULL, "()", out);
      break;
    case V_DICT:
      repr_items(w, &v.dict->keys, &v.dict->values, "{}", out);
      break;
    default:
      work_fail(w, "printing a value of the type '%s' is not supported", value_type(v));
  }
  work_leave(w);
}

void value_print(Work *w, Value v, Text *out) {
  if (value_is_text(v))
    text_add(w, out, v.text, v.length);
  else if (v.type != V_UNDEFINED)
    value_repr(w, v, out);
}

Value value_str(Work *w, Value v) {
  Text text = {0};
  if (value_is_text(v)) return value_string(v.text, v.length);
  value_print(w, v, &text);
  return text_value(&text);
}

/* ---- JSON, as json.dumps writes it ---- */

typedef struct Dump {
  Work *work;
  Text *out;
  Value indent;    /* an int or a string; else: one line */
  Value item, key; /* separators */
  bool ascii, sort;
} Dump;

static void dump_code(const Dump *d, uint32_t code) {
  static const char from[] = "\"\\\n\r\t\b\f", to[] = "\"\\nrtbf";
  const char *known = code && code < 128 ? strchr(from, (int)code) : NULL;
  char text[16];
  if (known)
    snprintf(text, sizeof text, "\\%c", to[known - from]);
  else if (code < 0x20 || (d->ascii && code >= 0x7f && code < 0x10000 && code != 0x7f))
    snprintf(text, sizeof text, "\\u%04x", code);
  else if (d->ascii && code >= 0x10000)
    snprintf(text, sizeof text, "\\u%04x\\u%04x", 0xd800 + ((code - 0x10000) >> 10),
             0xdc00 + ((code - 0x10000) & 0x3ff));
  else
    text[utf8_encode(code, text)] = 0;
  text_adds(d->work, d->out, text);
}

static void dump_text(const Dump *d, const char *text, size_t length) {
  uint32_t code;
  text_adds(d->work, d->out, "\"");
  for (size_t at = 0, n; at < length; at += n) {
    n = utf8_decode(text + at, length - at, &code);
    if (n)
      dump_code(d, code);
    else
      text_add(d->work, d->out, text + at, n = 1);
  }
  text_adds(d->work, d->out, "\"");
}

static void dump_line(const Dump *d, int level) {
  if (d->indent.type == V_NONE) return;
  text_adds(d->work, d->out, "\n");
  for (int i = 0; i < level; i++)
    if (d->indent.type == V_STRING)
      text_add(d->work, d->out, d->indent.text, d->indent.length);
    else
      for (int64_t k = 0; k < d->indent.integer; k++) text_adds(d->work, d->out, " ");
}

static void dump(const Dump *d, Value v, int level);

static void dump_key(const Dump *d, Value key) {
  if (value_is_text(key)) {
    dump_text(d, key.text, key.length);
    return;
  }
  if (key.type < V_NONE || key.type > V_FLOAT)
    work_fail(d->work, "keys must be str, int, float, bool or None, not %s", value_type(key));
  text_adds(d->work, d->out, "\"");
  dump(d, key, 0);
  text_adds(d->work, d->out, "\"");
}

static int by_key(const void *a, const void *b, void *work) {
  return value_order(work, ((const Value *)a)[0], ((const Value *)b)[0], "<");
}

/* The members as pairs, sorted if wanted. */
static Value *members(const Dump *d, const Dict *dict) {
  const size_t count = dict->keys.count;
  Value *pairs = work_alloc(d->work, (2 * count + 1) * sizeof *pairs);
  for (size_t i = 0; i < count; i++) {
    pairs[2 * i] = dict->keys.items[i];
    pairs[2 * i + 1] = dict->values.items[i];
  }
  if (d->sort && count) qsort_r(pairs, count, 2 * sizeof *pairs, by_key, d->work);
  return pairs;
}

static void dump_all(const Dump *d, const Value *items, size_t count, bool pairs, int level) {
  text_adds(d->work, d->out, pairs ? "{" : "[");
  for (size_t i = 0; i < count; i++) {
    if (i) text_add(d->work, d->out, d->item.text, d->item.length);
    dump_line(d, level + 1);
    if (pairs) dump_key(d, items[2 * i]);
    if (pairs) text_add(d->work, d->out, d->key.text, d->key.length);
    dump(d, items[pairs ? 2 * i + 1 : i], level + 1);
  }
  if (count) dump_line(d, level);
  text_adds(d->work, d->out, pairs ? "}" : "]");
}

static void dump(const Dump *d, Value v, int level) {
  Work *w = d->work;
  work_enter(w);
  if (value_is_text(v))
    dump_text(d, v.text, v.length);
  else if (v.type == V_LIST || v.type == V_TUPLE)
    dump_all(d, v.list->items, v.list->count, false, level);
  else if (v.type == V_DICT)
    dump_all(d, members(d, v.dict), v.dict->keys.count, true, level);
  else if (v.type == V_FLOAT && !isfinite(v.real))
    text_adds(w, d->out, isnan(v.real) ? "NaN" : v.real < 0 ? "-Infinity" : "Infinity");
  else if (v.type == V_INT || v.type == V_FLOAT)
    value_repr(w, v, d->out);
  else if (v.type == V_NONE || v.type == V_BOOL)
    text_adds(w, d->out, v.type == V_NONE ? "null" : v.truth ? "true" : "false");
  else
    work_fail(w, "Object of type %s is not JSON serializable", value_type(v));
  work_leave(w);
}

void value_tojson(Work *w, Value v, Value indent, const Value *separators, bool ascii, bool sort, Text *out) {
  const bool lines = indent.type == V_INT || indent.type == V_STRING;
  Dump d = {w,
            out,
            lines ? indent : (Value){V_NONE, {0}, 0},
            value_texts(lines ? "," : ", "),
            value_texts(": "),
            ascii,
            sort};
  if (separators) d.item = separators[0];
  if (separators) d.key = separators[1];
  dump(&d, v, 0);
}
