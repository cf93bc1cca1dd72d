/* jinja_filters.c - the filters and tests of Jinja that templates use. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/language.h"
#include "text/jinja_impl.h"

static Value none(void) {
  return (Value){V_NONE, {0}, 0};
}

static bool flag(Value v, bool fallback) {
  return v.type == V_MISSING ? fallback : value_true(v);
}

static Value iterator(List *l) {
  return value_list(V_ITERATOR, l);
}

/* ---- texts ---- */

/* Escaped text stays escaped. */
static Value as(Value before, Value text) {
  if (before.type == V_ESCAPED) text.type = V_ESCAPED;
  return text;
}

CALLABLE(f_upper, as(v[0], text_case(w, value_str(w, v[0]), 'u')))
CALLABLE(f_lower, as(v[0], text_case(w, value_str(w, v[0]), 'l')))
CALLABLE(f_capitalize, as(v[0], text_case(w, value_str(w, v[0]), 'c')))
/* Unlike str.title(): words begin after white space and -({[<. */
static Value f_title(Work *w, const Value *v, const Args *args) {
  const Value s = value_str(w, v[0]), all = value_list(V_LIST, value_items(w, s));
  Text out = {0};
  size_t begin = 0;
  for (size_t i = 0; i <= all.list->count; i++) {
    const Value c = i < all.list->count ? all.list->items[i] : value_texts("-");
    if (text_strip(w, c, none(), true, false).length && !strchr("-({[<", *c.text)) continue;
    const size_t at = i < all.list->count ? (size_t)(c.text - s.text) : s.length;
    const Value word = text_case(w, value_string(s.text + begin, at - begin), 'w');
    text_add(w, &out, word.text, word.length);
    begin = at + c.length;
    if (i < all.list->count) text_add(w, &out, c.text, c.length);
  }
  return text_value(&out);
}

CALLABLE(f_trim, as(v[0], text_strip(w, value_str(w, v[0]), v[1], true, true)))
CALLABLE(f_string, v[0].type == V_ESCAPED ? v[0] : value_str(w, v[0]))
static Value f_safe(Work *w, const Value *v, const Args *args) {
  Value s = value_str(w, v[0]);
  s.type = V_ESCAPED;
  return s;
}

CALLABLE(f_escape, text_escape(w, v[0].type == V_ESCAPED ? v[0] : value_str(w, v[0])))
static Value f_replace(Work *w, const Value *v, const Args *args) {
  const int64_t most = v[3].type <= V_NONE ? -1 : value_index(w, v[3], "replace");
  return text_replace(w, value_str(w, v[0]), value_str(w, v[1]), value_str(w, v[2]), most);
}

static Value f_format(Work *w, const Value *v, const Args *args) {
  List *l = list_new(w);
  if (args->named_count) work_fail(w, "the filter format with named arguments is not supported");
  for (size_t i = 0; i < args->count; i++) list_add(w, l, args->items[i]);
  return format_run(w, value_str(w, v[0]), value_list(V_TUPLE, l));
}

static Value f_indent(Work *w, const Value *v, const Args *args) {
  if (v[0].type != V_STRING) work_fail(w, "the filter indent needs a text");
  const Value spaces =
      value_binary(w, O_MULTIPLY, value_texts(" "), v[1].type == V_INT ? v[1] : value_int(4));
  const Value by = v[1].type == V_STRING ? v[1] : spaces;
  Text out = {0}, text = {0};
  text_add(w, &text, v[0].text, v[0].length);
  text_adds(w, &text, "\n");
  const List *lines = text_lines(w, text_value(&text));
  for (size_t i = 0; i < lines->count; i++) {
    const Value line = lines->items[i];
    if (i) text_adds(w, &out, "\n");
    if (i ? line.length || flag(v[3], false) : flag(v[2], false)) text_add(w, &out, by.text, by.length);
    text_add(w, &out, line.text, line.length);
  }
  return text_value(&out);
}

static Value f_tojson(Work *w, const Value *v, const Args *args) {
  Text out = {0};
  const Value *separators = NULL;
  if (v[3].type > V_NONE) {
    const List *l = value_items(w, v[3]);
    if (l->count != 2 || l->items[0].type != V_STRING || l->items[1].type != V_STRING)
      work_fail(w, "tojson: the separators are not two texts");
    separators = l->items;
  }
  Value indent = v[2].type == V_BOOL ? value_int(v[2].truth) : v[2];
  value_tojson(w, v[0], indent, separators, flag(v[1], false), flag(v[4], false), &out);
  return text_value(&out);
}

/* ---- numbers ---- */

static Value f_abs(Work *w, const Value *v, const Args *args) {
  if (v[0].type == V_FLOAT) return value_real(fabs(v[0].real));
  const int64_t i = value_index(w, v[0], "abs");
  return i < 0 ? value_binary(w, O_SUBTRACT, value_int(0), value_int(i)) : value_int(i);
}

/* A number in a text, as int() and float() read it; V_MISSING: none. */
static Value read_number(Work *w, Value text, bool real) {
  char digits[64];
  size_t n = 0;
  const Value s = text_strip(w, text, none(), true, true);
  if (s.length >= sizeof digits) work_fail(w, "a number of %zu digits is not supported", s.length);
  for (size_t i = 0; i < s.length; i++) {
    if (!strchr(real ? "+-0123456789_.eE" : "+-0123456789_", s.text[i]) || !s.text[i]) {
      if ((s.text[i] | 32) == 'n' || (s.text[i] | 32) == 'i')
        work_fail(w, "inf and nan in texts are not supported");
      return (Value){0};
    }
    if (s.text[i] == '_') work_fail(w, "numbers with _ in texts are not supported");
    digits[n++] = s.text[i];
  }
  digits[n] = 0;
  char *end;
  const Value v = real ? value_real(strtod(digits, &end)) : value_int(strtoll(digits, &end, 10));
  if (!n || *end) return (Value){0};
  if (!real && (v.integer == INT64_MAX || v.integer == INT64_MIN))
    work_fail(w, "a number needs more than 64 bits");
  return v;
}

static Value truncated(Work *w, Value v) {
  if (v.type != V_FLOAT) return v.type == V_BOOL ? value_int(v.truth) : v;
  if (!(fabs(v.real) < 9.2e18)) work_fail(w, "a number needs more than 64 bits");
  return value_int((int64_t)v.real);
}

static Value f_int(Work *w, const Value *v, const Args *args) {
  if (v[2].type > V_NONE && (v[2].type != V_INT || v[2].integer != 10))
    work_fail(w, "the filter int with a base is not supported");
  if (value_is_number(v[0])) return truncated(w, v[0]);
  Value number = {0};
  if (value_is_text(v[0])) number = read_number(w, v[0], false);
  if (value_is_text(v[0]) && number.type == V_MISSING) number = read_number(w, v[0], true);
  if (v[0].type == V_UNDEFINED) work_fail(w, "%s", v[0].text);
  if (number.type != V_MISSING) return truncated(w, number);
  return v[1].type == V_MISSING ? value_int(0) : v[1];
}

static Value f_float(Work *w, const Value *v, const Args *args) {
  if (value_is_number(v[0])) return value_real(value_double(v[0]));
  const Value number = value_is_text(v[0]) ? read_number(w, v[0], true) : (Value){0};
  if (v[0].type == V_UNDEFINED) work_fail(w, "%s", v[0].text);
  if (number.type != V_MISSING) return number;
  return v[1].type == V_MISSING ? value_real(0) : v[1];
}

static Value f_round(Work *w, const Value *v, const Args *args) {
  const int64_t digits = v[1].type == V_MISSING ? 0 : value_index(w, v[1], "round");
  const char how = v[2].type == V_STRING && v[2].length ? *v[2].text : 'r';
  char text[512];
  if (!value_is_number(v[0])) work_fail(w, "the filter round needs a number, not '%s'", value_type(v[0]));
  if (digits < 0 || digits > 100) work_fail(w, "round to %lld digits is not supported", (long long)digits);
  if (how != 'r' && strncmp(v[2].text, "common", v[2].length)) {
    if (strncmp(v[2].text, how == 'c' ? "ceil" : "floor", v[2].length))
      work_fail(w, "method must be common, ceil or floor");
    const double scale = pow(10, (double)digits), x = value_double(v[0]) * scale;
    return value_real((how == 'c' ? ceil(x) : floor(x)) / scale);
  }
  if (v[0].type != V_FLOAT) return truncated(w, v[0]);
  snprintf(text, sizeof text, "%.*f", (int)digits, v[0].real); /* halves to even, as Python */
  return value_real(strtod(text, NULL));
}

/* ---- attributes ---- */

/* item.a.0.b, of the text "a.0.b" or a number; nothing: the item itself. */
static Value attribute_of(Work *w, Value item, Value path, Value fallback) {
  if (path.type <= V_NONE) return item;
  if (path.type != V_STRING) return value_item(w, item, path);
  for (size_t at = 0; at <= path.length;) {
    const char *dot = memchr(path.text + at, '.', path.length - at);
    const size_t n = dot ? (size_t)(dot - path.text) - at : path.length - at;
    Value part = value_string(path.text + at, n);
    const Value number = n && strspn(part.text, "0123456789") >= n ? read_number(w, part, false) : (Value){0};
    item = value_item(w, item, number.type == V_INT ? number : part);
    if (item.type == V_UNDEFINED && fallback.type > V_NONE) item = fallback;
    at += n + 1;
  }
  return item;
}

static Value folded(Work *w, Value v, bool sensitive) {
  return sensitive || v.type != V_STRING ? v : text_case(w, v, 'l');
}

/* ---- sequences ---- */

CALLABLE(f_length, value_int(value_length(w, v[0])))
CALLABLE(f_list, value_list(V_LIST, value_items(w, v[0])))
static Value f_first(Work *w, const Value *v, const Args *args) {
  List *l = v[0].type == V_ITERATOR ? v[0].list : value_items(w, v[0]);
  const size_t first = v[0].type == V_ITERATOR ? l->next : 0;
  if (first >= l->count) return value_undefined(w, "No first item, sequence was empty.");
  if (v[0].type == V_ITERATOR) l->next++;
  return l->items[first];
}

static Value f_last(Work *w, const Value *v, const Args *args) {
  if (v[0].type == V_ITERATOR) work_fail(w, "'iterator' object is not reversible");
  const List *l = value_items(w, v[0]);
  return l->count ? l->items[l->count - 1] : value_undefined(w, "No last item, sequence was empty.");
}

static Value f_items(Work *w, const Value *v, const Args *args) {
  if (v[0].type == V_UNDEFINED) return iterator(list_new(w));
  if (v[0].type != V_DICT) work_fail(w, "Can only get item pairs from a mapping.");
  return iterator(
      value_items(w, call_callable(w, _("method"), method_find(w, v[0], "items"), v[0], &(Args){0})));
}

static Value f_join(Work *w, const Value *v, const Args *args) {
  const List *l = value_items(w, v[0]);
  const Value between = v[1].type == V_MISSING ? value_texts("") : value_str(w, v[1]);
  Text out = {0};
  for (size_t i = 0; i < l->count; i++) {
    if (i) text_add(w, &out, between.text, between.length);
    value_print(w, attribute_of(w, l->items[i], v[2], none()), &out);
  }
  return text_value(&out);
}

static Value f_reverse(Work *w, const Value *v, const Args *args) {
  const Value bounds[] = {none(), none(), value_int(-1)};
  if (v[0].type == V_STRING) return value_slice(w, v[0], bounds);
  const List *l = value_items(w, v[0]);
  List *out = list_new(w);
  for (size_t i = l->count; i > 0; i--) list_add(w, out, l->items[i - 1]);
  return v[0].type == V_ITERATOR ? value_list(V_LIST, out) : iterator(out);
}

typedef struct Sorted {
  Value key, item;
  size_t place;
  Work *work;
  int sign;
  bool path; /* Python compares lists of one key: equal ones need no order */
} Sorted;

static int by_key(const void *a, const void *b) {
  const Sorted *x = a, *y = b;
  const bool same = x->path && value_equal(x->work, x->key, y->key);
  const int order = same ? 0 : value_order(x->work, x->key, y->key, "<");
  return order ? x->sign * order : (x->place > y->place) - (x->place < y->place);
}

static List *sorted(Work *w, const List *l, Value path, bool pairs, bool sensitive, bool reverse) {
  Sorted *s = work_alloc(w, (l->count + 1) * sizeof *s);
  List *out = list_new(w);
  if (path.type == V_STRING && memchr(path.text, ',', path.length))
    work_fail(w, "sorting by several attributes is not supported");
  for (size_t i = 0; i < l->count; i++) {
    const Value key =
        pairs ? l->items[i].list->items[path.integer] : attribute_of(w, l->items[i], path, none());
    s[i] = (Sorted){folded(w, key, sensitive), l->items[i], i, w, reverse ? -1 : 1, !pairs};
  }
  work_step(w, 4 * l->count);
  if (l->count) qsort(s, l->count, sizeof *s, by_key);
  for (size_t i = 0; i < l->count; i++) list_add(w, out, s[i].item);
  return out;
}

CALLABLE(f_sort, value_list(V_LIST, sorted(w, value_items(w, v[0]), v[3], false, flag(v[2], false),
                                           flag(v[1], false))))
static Value f_dictsort(Work *w, const Value *v, const Args *args) {
  const Value by = v[2].type == V_MISSING ? value_texts("key") : v[2];
  const bool value = value_equal(w, by, value_texts("value"));
  if (!value && !value_equal(w, by, value_texts("key")))
    work_fail(w, "dictsort: sort by \"key\" or \"value\"");
  if (v[0].type != V_DICT) work_fail(w, "the filter dictsort needs a dict, not '%s'", value_type(v[0]));
  const Value pairs = call_callable(w, _("method"), method_find(w, v[0], "items"), v[0], &(Args){0});
  return value_list(V_LIST,
                    sorted(w, pairs.list, value_int(value), true, flag(v[1], false), flag(v[3], false)));
}

static Value f_unique(Work *w, const Value *v, const Args *args) {
  const List *l = value_items(w, v[0]);
  Dict *seen = dict_new(w);
  for (size_t i = 0; i < l->count; i++) {
    const Value key = folded(w, attribute_of(w, l->items[i], v[2], none()), flag(v[1], false));
    if (!dict_find(w, seen, key)) dict_put(w, seen, key, l->items[i]);
  }
  return iterator(&seen->values);
}

static Value extreme(Work *w, const Value *v, int sign) {
  const List *l = value_items(w, v[0]);
  Value best = {0}, key = {0};
  for (size_t i = 0; i < l->count; i++) {
    const Value k = folded(w, attribute_of(w, l->items[i], v[2], none()), flag(v[1], false));
    if (i && sign * value_order(w, k, key, "<") >= 0) continue;
    best = l->items[i];
    key = k;
  }
  return l->count ? best : value_undefined(w, "No aggregated item, sequence was empty.");
}

CALLABLE(f_min, extreme(w, v, 1))
CALLABLE(f_max, extreme(w, v, -1))
static Value f_sum(Work *w, const Value *v, const Args *args) {
  const List *l = value_items(w, v[0]);
  Value sum = v[2].type == V_MISSING ? value_int(0) : v[2];
  if (sum.type == V_STRING) work_fail(w, "sum() can't sum strings");
  for (size_t i = 0; i < l->count; i++) {
    const Value item = attribute_of(w, l->items[i], v[1], none());
    if (sum.type == V_FLOAT || item.type == V_FLOAT) work_fail(w, "the sum of floats is not supported");
    sum = value_binary(w, O_ADD, sum, item);
  }
  return sum;
}

/* ---- filters of items ---- */

static Args rest_of(const Args *args, size_t used) {
  return (Args){args->items + used, args->named, args->count - used, args->named_count};
}

static const char *name_of(Work *w, Value v) {
  if (v.type != V_STRING) work_fail(w, "the name of a filter or test is not a text");
  return arena_strndup(w->arena, v.text, v.length);
}

/* What is false has no items, even if it is no sequence. */
static const List *items_or_none(Work *w, Value v) {
  return value_true(v) ? value_items(w, v) : list_new(w);
}

static Value f_map(Work *w, const Value *v, const Args *args) {
  const List *l = items_or_none(w, v[0]);
  List *out = list_new(w);
  Value path = none(), fallback = none();
  for (size_t i = 0; !args->count && i < args->named_count; i++)
    if (!strcmp(args->named[i].name, "attribute"))
      path = args->named[i].value;
    else if (!strcmp(args->named[i].name, "default"))
      fallback = args->named[i].value;
    else
      work_fail(w, "the filter map has no argument %s", args->named[i].name);
  if (!args->count && path.type == V_NONE) work_fail(w, "map requires a filter argument");
  const char *name = args->count ? name_of(w, args->items[0]) : NULL;
  const Args rest = rest_of(args, name != NULL);
  for (size_t i = 0; i < l->count; i++)
    list_add(w, out,
             name ? filter_run(w, name, l->items[i], &rest) : attribute_of(w, l->items[i], path, fallback));
  return iterator(out);
}

static Value chosen(Work *w, const Value *v, const Args *args, bool by_attribute, bool wanted) {
  const List *l = items_or_none(w, v[0]);
  List *out = list_new(w);
  if (args->count < by_attribute) work_fail(w, "Missing parameter for attribute name");
  const char *test = args->count > by_attribute ? name_of(w, args->items[by_attribute]) : NULL;
  const Args rest = rest_of(args, test ? 1u + by_attribute : by_attribute);
  for (size_t i = 0; i < l->count; i++) {
    const Value item = by_attribute ? attribute_of(w, l->items[i], args->items[0], none()) : l->items[i];
    if ((test ? test_run(w, test, item, &rest) : value_true(item)) == wanted) list_add(w, out, l->items[i]);
  }
  return iterator(out);
}

CALLABLE(f_select, chosen(w, v, args, false, true))
CALLABLE(f_reject, chosen(w, v, args, false, false))
CALLABLE(f_selectattr, chosen(w, v, args, true, true))
CALLABLE(f_rejectattr, chosen(w, v, args, true, false))
static Value f_default(Work *w, const Value *v, const Args *args) {
  if (v[0].type != V_UNDEFINED && !(flag(v[2], false) && !value_true(v[0]))) return v[0];
  return v[1].type == V_MISSING ? value_texts("") : v[1];
}

static const Callable filters[] = {{"abs", "", f_abs},
                                   {"capitalize", "", f_capitalize},
                                   {"count", "", f_length},
                                   {"d", "|default_value boolean", f_default},
                                   {"default", "|default_value boolean", f_default},
                                   {"dictsort", "|case_sensitive by reverse", f_dictsort},
                                   {"e", "", f_escape},
                                   {"escape", "", f_escape},
                                   {"first", "", f_first},
                                   {"float", "|default", f_float},
                                   {"format", "*", f_format},
                                   {"indent", "|width first blank", f_indent},
                                   {"int", "|default base", f_int},
                                   {"items", "", f_items},
                                   {"join", "|d attribute", f_join},
                                   {"last", "", f_last},
                                   {"length", "", f_length},
                                   {"list", "", f_list},
                                   {"lower", "", f_lower},
                                   {"map", "*", f_map},
                                   {"max", "|case_sensitive attribute", f_max},
                                   {"min", "|case_sensitive attribute", f_min},
                                   {"reject", "*", f_reject},
                                   {"rejectattr", "*", f_rejectattr},
                                   {"replace", "old new|count", f_replace},
                                   {"reverse", "", f_reverse},
                                   {"round", "|precision method", f_round},
                                   {"safe", "", f_safe},
                                   {"select", "*", f_select},
                                   {"selectattr", "*", f_selectattr},
                                   {"sort", "|reverse case_sensitive attribute", f_sort},
                                   {"string", "", f_string},
                                   {"sum", "|attribute start", f_sum},
                                   {"title", "", f_title},
                                   {"tojson", "|ensure_ascii indent separators sort_keys", f_tojson},
                                   {"trim", "|chars", f_trim},
                                   {"unique", "|case_sensitive attribute", f_unique},
                                   {"upper", "", f_upper},
                                   {0}};

static const Callable *callable_named(Work *w, const char *kind, const Callable *c, const char *name) {
  while (c->name && strcmp(c->name, name)) c++;
  if (!c->name) work_fail(w, "the %s \"%s\" is not supported", kind, name);
  return c;
}

Value filter_run(Work *w, const char *name, Value v, const Args *args) {
  return call_callable(w, _("filter"), callable_named(w, _("filter"), filters, name), v, args);
}

/* ---- tests ---- */

CALLABLE(t_boolean, value_bool(v->type == V_BOOL))
CALLABLE(t_callable, value_bool(v->type == V_UNDEFINED || v->type >= V_LOOP))
CALLABLE(t_defined, value_bool(v->type != V_UNDEFINED))
CALLABLE(t_undefined, value_bool(v->type == V_UNDEFINED))
CALLABLE(t_none, value_bool(v->type == V_NONE))
CALLABLE(t_true, value_bool(v->type == V_BOOL && v->truth))
CALLABLE(t_false, value_bool(v->type == V_BOOL && !v->truth))
CALLABLE(t_integer, value_bool(v->type == V_INT))
CALLABLE(t_float, value_bool(v->type == V_FLOAT))
CALLABLE(t_number, value_bool(value_is_number(*v)))
CALLABLE(t_string, value_bool(value_is_text(*v)))
CALLABLE(t_mapping, value_bool(v->type == V_DICT))
CALLABLE(t_iterable, value_bool(value_is_iterable(*v) || v->type == V_LOOP))
CALLABLE(t_sequence, value_bool(value_is_iterable(*v) && v->type != V_ITERATOR && v->type != V_VIEW))
CALLABLE(t_even, value_bool(value_equal(w, value_binary(w, O_MODULO, *v, value_int(2)), value_int(0))))
CALLABLE(t_odd, value_bool(value_equal(w, value_binary(w, O_MODULO, *v, value_int(2)), value_int(1))))
CALLABLE(t_divisibleby, value_bool(value_equal(w, value_binary(w, O_MODULO, v[0], v[1]), value_int(0))))
CALLABLE(t_eq, value_bool(value_equal(w, v[0], v[1])))
CALLABLE(t_ne, value_bool(!value_equal(w, v[0], v[1])))
CALLABLE(t_lt, value_bool(value_order(w, v[0], v[1], "<") < 0))
CALLABLE(t_le, value_bool(value_order(w, v[0], v[1], "<=") <= 0))
CALLABLE(t_gt, value_bool(value_order(w, v[0], v[1], ">") > 0))
CALLABLE(t_ge, value_bool(value_order(w, v[0], v[1], ">=") >= 0))
CALLABLE(t_in, value_bool(value_in(w, v[0], v[1])))

static Value changes(Work *w, Value v, char how) {
  const Value s = value_str(w, v), other = text_case(w, s, how == 'l' ? 'u' : 'l');
  return value_bool(value_equal(w, s, text_case(w, s, how)) && !value_equal(w, s, other));
}

CALLABLE(t_lower, changes(w, v[0], 'l'))
CALLABLE(t_upper, changes(w, v[0], 'u'))
/* Identity of small numbers and of texts depends on Python's caches. */
static Value t_sameas(Work *w, const Value *v, const Args *args) {
  if (v[0].type != v[1].type) return value_bool(false);
  if (v[0].type != V_NONE && v[0].type != V_BOOL)
    work_fail(w, "the test sameas is supported for true, false and none");
  return value_bool(value_equal(w, v[0], v[1]));
}

static const Callable tests[] = {{"!=", "other", t_ne},
                                 {"<", "other", t_lt},
                                 {"<=", "other", t_le},
                                 {"==", "other", t_eq},
                                 {">", "other", t_gt},
                                 {">=", "other", t_ge},
                                 {"boolean", "", t_boolean},
                                 {"callable", "", t_callable},
                                 {"defined", "", t_defined},
                                 {"divisibleby", "num", t_divisibleby},
                                 {"eq", "other", t_eq},
                                 {"equalto", "other", t_eq},
                                 {"even", "", t_even},
                                 {"false", "", t_false},
                                 {"float", "", t_float},
                                 {"ge", "other", t_ge},
                                 {"greaterthan", "other", t_gt},
                                 {"gt", "other", t_gt},
                                 {"in", "seq", t_in},
                                 {"integer", "", t_integer},
                                 {"iterable", "", t_iterable},
                                 {"le", "other", t_le},
                                 {"lessthan", "other", t_lt},
                                 {"lower", "", t_lower},
                                 {"lt", "other", t_lt},
                                 {"mapping", "", t_mapping},
                                 {"ne", "other", t_ne},
                                 {"none", "", t_none},
                                 {"number", "", t_number},
                                 {"odd", "", t_odd},
                                 {"sameas", "other", t_sameas},
                                 {"sequence", "", t_sequence},
                                 {"string", "", t_string},
                                 {"true", "", t_true},
                                 {"undefined", "", t_undefined},
                                 {"upper", "", t_upper},
                                 {0}};

bool test_run(Work *w, const char *name, Value v, const Args *args) {
  return call_callable(w, _("test"), callable_named(w, _("test"), tests, name), v, args).truth;
}
