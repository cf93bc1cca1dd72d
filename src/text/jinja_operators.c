/* jinja_operators.c - arithmetic, attributes, items, slices and formats, as in Python. */
#include <math.h>
#include <stdio.h>

#include "base/language.h"
#include "text/jinja_impl.h"

/* ---- arithmetic ---- */

_Noreturn static void refuse(Work *w, Operator op, Value a, Value b) {
  static const char *const names[] = {"+", "-", "*", "/", "//", "%", "**"};
  if (a.type == V_UNDEFINED || b.type == V_UNDEFINED)
    work_fail(w, "%s", a.type == V_UNDEFINED ? a.text : b.text);
  work_fail(w, "unsupported operand types for %s: '%s' and '%s'", names[op], value_type(a), value_type(b));
}

static int64_t power(Work *w, int64_t base, int64_t exponent) {
  int64_t result = 1;
  bool wraps = false;
  for (; exponent; exponent >>= 1) {
    if (exponent & 1) wraps |= __builtin_mul_overflow(result, base, &result);
    if (exponent > 1) wraps |= __builtin_mul_overflow(base, base, &base);
  }
  if (wraps) work_fail(w, "a number needs more than 64 bits");
  return result;
}

static int64_t floor_divided(int64_t x, int64_t y) {
  return x / y - (x % y && (x < 0) != (y < 0));
}

static Value integers(Work *w, Operator op, int64_t x, int64_t y) {
  int64_t result = 0;
  bool wraps = false;
  if (op >= O_DIVIDE && op <= O_MODULO && !y) work_fail(w, "division by zero");
  switch (op) {
    case O_ADD:
      wraps = __builtin_add_overflow(x, y, &result);
      break;
    case O_SUBTRACT:
      wraps = __builtin_sub_overflow(x, y, &result);
      break;
    case O_MULTIPLY:
      wraps = __builtin_mul_overflow(x, y, &result);
      break;
    case O_DIVIDE:
      if (llabs(x) >> 53 || llabs(y) >> 53) work_fail(w, "dividing numbers beyond 2^53 is not supported");
      return value_real((double)x / (double)y);
    case O_FLOOR:
      wraps = x == INT64_MIN && y == -1;
      if (!wraps) result = floor_divided(x, y);
      break;
    case O_MODULO:
      result = y == -1 ? 0 : x - floor_divided(x, y) * y;
      break;
    default:
      if (y < 0) {
        if (!x) work_fail(w, "0.0 cannot be raised to a negative power");
        return value_real(pow((double)x, (double)y));
      }
      result = power(w, x, y);
  }
  if (wraps) work_fail(w, "a number needs more than 64 bits");
  return value_int(result);
}

static Value reals(Work *w, Operator op, double x, double y) {
  if (op >= O_DIVIDE && op <= O_MODULO && y == 0) work_fail(w, "division by zero");
  double rest = op == O_FLOOR || op == O_MODULO ? fmod(x, y) : 0;
  if (rest != 0 && (rest < 0) != (y < 0)) rest += y;
  switch (op) {
    case O_ADD:
      return value_real(x + y);
    case O_SUBTRACT:
      return value_real(x - y);
    case O_MULTIPLY:
      return value_real(x * y);
    case O_DIVIDE:
      return value_real(x / y);
    case O_FLOOR:
      return value_real(round((x - rest) / y));
    case O_MODULO:
      return value_real(rest == 0 ? copysign(0, y) : rest);
    default:
      if ((x < 0 && y != floor(y)) || (x == 0 && y < 0) ||
          (isfinite(x) && isfinite(y) && !isfinite(pow(x, y))))
        work_fail(w, "this power is not a number");
      return value_real(pow(x, y));
  }
}

static Value repeated(Work *w, Value v, int64_t times) {
  Text text = {0};
  List *l = v.type == V_STRING ? NULL : list_new(w);
  for (int64_t i = 0; i < times && (l ? v.list->count : v.length); i++) {
    work_step(w, 1);
    if (!l) text_add(w, &text, v.text, v.length);
    for (size_t k = 0; l && k < v.list->count; k++) list_add(w, l, v.list->items[k]);
  }
  return l ? value_list(v.type, l) : text_value(&text);
}

static bool repeats(Value v, Value times) {
  return (v.type == V_STRING || v.type == V_LIST || v.type == V_TUPLE) &&
         (times.type == V_BOOL || times.type == V_INT);
}

/* What is added to escaped text is escaped, too. */
static Value joined(Work *w, Value a, Value b) {
  if (value_is_text(a)) {
    Text text = {0};
    const bool escapes = a.type == V_ESCAPED || b.type == V_ESCAPED;
    if (escapes) a = text_escape(w, a);
    if (escapes) b = text_escape(w, b);
    text_add(w, &text, a.text, a.length);
    text_add(w, &text, b.text, b.length);
    Value sum = text_value(&text);
    sum.type = a.type;
    return sum;
  }
  List *l = list_new(w);
  for (size_t i = 0; i < a.list->count; i++) list_add(w, l, a.list->items[i]);
  for (size_t i = 0; i < b.list->count; i++) list_add(w, l, b.list->items[i]);
  return value_list(a.type, l);
}

Value value_binary(Work *w, Operator op, Value a, Value b) {
  if (value_is_number(a) && value_is_number(b)) {
    if (a.type == V_FLOAT || b.type == V_FLOAT) return reals(w, op, value_double(a), value_double(b));
    return integers(w, op, value_index(w, a, ""), value_index(w, b, ""));
  }
  if (op == O_ADD && value_is_text(a) && value_is_text(b)) return joined(w, a, b);
  if (op == O_ADD && a.type == b.type && (a.type == V_LIST || a.type == V_TUPLE)) return joined(w, a, b);
  if (op == O_MULTIPLY && repeats(a, b)) return repeated(w, a, value_index(w, b, ""));
  if (op == O_MULTIPLY && repeats(b, a)) return repeated(w, b, value_index(w, a, ""));
  if (op == O_MODULO && a.type == V_STRING) return format_run(w, a, b);
  refuse(w, op, a, b);
}

/* ---- formats ---- */

typedef struct Format {
  Work *work;
  const char *at, *end;
  Value arguments;
  size_t used;
} Format;

static Value next_argument(Format *f) {
  const bool tuple = f->arguments.type == V_TUPLE;
  if (f->used >= (tuple ? f->arguments.list->count : 1))
    work_fail(f->work, "not enough arguments for format string");
  return tuple ? f->arguments.list->items[f->used++] : (f->used++, f->arguments);
}

/* One %..., with flags, width and precision. */
static void add_conversion(Format *f, Text *out) {
  char spec[24] = "%", text[512];
  size_t n = 1;
  while (f->at < f->end && n < 12 && strchr("-+ 0123456789.", *f->at)) spec[n++] = *f->at++;
  const char kind = f->at < f->end ? *f->at++ : 0;
  if (kind == '%' && n == 1) {
    text_adds(f->work, out, "%");
    return;
  }
  if (!kind || !strchr("sdif", kind) || (kind == 's' && n > 1) || n > 8)
    work_fail(f->work, "the format %s%c is not supported", spec, kind ? kind : ' ');
  const Value v = next_argument(f);
  if (kind == 's') {
    value_print(f->work, v, out);
    return;
  }
  if (!value_is_number(v) || (kind != 'f' && v.type == V_FLOAT && !(fabs(v.real) < 9e18)))
    work_fail(f->work, "%%%c format: a number is required, not %s", kind, value_type(v));
  if (kind == 'f') {
    memcpy(spec + n, "f", 2);
    n = (size_t)snprintf(text, sizeof text, spec, value_double(v));
  } else {
    memcpy(spec + n, "lld", 4);
    n = (size_t)snprintf(text, sizeof text, spec,
                         (long long)(v.type == V_FLOAT ? (int64_t)v.real : value_index(f->work, v, "")));
  }
  if (n >= sizeof text) work_fail(f->work, "a formatted number is too long");
  text_adds(f->work, out, text);
}

Value format_run(Work *w, Value format, Value arguments) {
  Format f = {w, format.text, format.text + format.length, arguments, 0};
  Text out = {0};
  while (f.at < f.end)
    if (*f.at != '%')
      text_add(w, &out, f.at++, 1);
    else
      f.at++, add_conversion(&f, &out);
  const ValueType type = arguments.type; /* Python takes all these for mappings, which may have unused keys */
  const bool mapping = type == V_DICT || type == V_LIST || type == V_RANGE || type == V_UNDEFINED;
  const bool all = type == V_TUPLE ? f.used == arguments.list->count : f.used || mapping;
  if (!all) work_fail(w, "not all arguments converted during string formatting");
  return text_value(&out);
}

/* ---- attributes and items ---- */

static Value none_such(Work *w, Value v, const char *what, const char *name) {
  if (v.type == V_UNDEFINED) work_fail(w, "%s", v.text);
  if (v.type == V_NONE) return value_undefined(w, "'None' has no %s '%s'", what, name);
  return value_undefined(w, "'%s object' has no %s '%s'", value_type(v), what, name);
}

static const Value *member(Work *w, Value v, const char *name) {
  return v.type == V_DICT || v.type == V_NAMESPACE ? dict_find(w, v.dict, value_texts(name)) : NULL;
}

/* A method of the object, or *found is false. */
static Value method_of(Work *w, Value v, const char *name, bool *found) {
  const Callable *c = method_find(w, v, name);
  *found = c != NULL;
  if (!c) return (Value){0};
  if (!c->run)
    return value_undefined(w, "access to attribute '%s' of '%s' object is unsafe.", name, value_type(v));
  Method *m = work_alloc(w, sizeof *m);
  *m = (Method){v, c};
  return (Value){V_METHOD, {.method = m}, 0};
}

Value value_attribute(Work *w, Value v, const char *name) {
  bool found;
  if (v.type == V_LOOP) return loop_attribute(w, v.loop, name);
  if (v.type == V_ESCAPED || v.type == V_MACRO || v.type == V_METHOD || v.type == V_FUNCTION)
    work_fail(w, "the attribute '%s' of '%s' is not supported", name, value_type(v));
  const Value method = method_of(w, v, name, &found);
  if (found) return method;
  const Value *item = member(w, v, name);
  return item ? *item : none_such(w, v, _("attribute"), name);
}

static Value element(Work *w, Value v, int64_t index, Value fallback) {
  const int64_t count = value_length(w, v);
  if (index < 0) index += count;
  if (index < 0 || index >= count) return fallback;
  if (!value_is_text(v)) return v.list->items[index];
  const size_t begin = text_offset(v.text, v.length, index);
  return value_string(v.text + begin, text_offset(v.text + begin, v.length - begin, 1));
}

Value value_item(Work *w, Value v, Value index) {
  char name[64];
  if (v.type == V_UNDEFINED) work_fail(w, "%s", v.text);
  if (v.type == V_ESCAPED) work_fail(w, "an item of escaped text is not supported");
  if (v.type == V_DICT) {
    const bool hashable = index.type < V_LIST || index.type == V_TUPLE;
    const Value *item = hashable ? dict_find(w, v.dict, index) : NULL;
    if (item) return *item;
  }
  if (index.type == V_STRING && (v.type != V_NAMESPACE && v.type != V_LOOP)) {
    bool found;
    char *text = work_alloc(w, index.length + 1);
    memcpy(text, index.text, index.length);
    if (v.type >= V_MACRO) return value_attribute(w, v, text);
    const Value method = method_of(w, v, text, &found);
    return found ? method : none_such(w, v, _("attribute"), text);
  }
  if (v.type == V_NAMESPACE || v.type == V_LOOP) {
    if (index.type == V_STRING)
      return value_attribute(w, v, arena_strndup(w->arena, index.text, index.length));
    return none_such(w, v, _("element"), value_type(index));
  }
  if ((index.type == V_INT || index.type == V_BOOL)) {
    snprintf(name, sizeof name, "%lld", (long long)value_index(w, index, ""));
    const Value missing = none_such(w, v, _("element"), name);
    const bool indexed = v.type == V_STRING || v.type == V_LIST || v.type == V_TUPLE || v.type == V_RANGE;
    return indexed ? element(w, v, value_index(w, index, ""), missing) : missing;
  }
  return none_such(w, v, _("element"), value_type(index));
}

/* ---- slices ---- */

static int64_t bound(Work *w, Value v, int64_t count, int64_t fallback, int64_t least, int64_t most) {
  if (v.type == V_NONE || v.type == V_MISSING) return fallback;
  int64_t i = value_index(w, v, "slice");
  if (i < 0) i += count;
  return i < least ? least : i > most ? most : i;
}

Value value_slice(Work *w, Value v, const Value bounds[3]) {
  const int64_t step = bounds[2].type <= V_NONE ? 1 : value_index(w, bounds[2], "slice");
  if (v.type == V_UNDEFINED) work_fail(w, "%s", v.text);
  if (v.type != V_STRING && v.type != V_LIST && v.type != V_TUPLE)
    work_fail(w, "a slice of a value of the type '%s' is not supported", value_type(v));
  if (!step) work_fail(w, "slice step cannot be zero");
  const int64_t count = value_length(w, v), least = step > 0 ? 0 : -1, most = step > 0 ? count : count - 1;
  int64_t from = bound(w, bounds[0], count, step > 0 ? 0 : count - 1, least, most);
  const int64_t to = bound(w, bounds[1], count, step > 0 ? count : -1, least, most);
  work_step(w, (size_t)count / 64);
  if (v.type == V_STRING && step == 1) {
    const size_t begin = text_offset(v.text, v.length, from);
    return value_string(v.text + begin,
                        to > from ? text_offset(v.text + begin, v.length - begin, to - from) : 0);
  }
  const List *all = value_items(w, v);
  List *l = list_new(w);
  Text text = {0};
  while (step > 0 ? from < to : from > to) {
    if (v.type == V_STRING)
      text_add(w, &text, all->items[from].text, all->items[from].length);
    else
      list_add(w, l, all->items[from]);
    if (__builtin_add_overflow(from, step, &from)) break;
  }
  return v.type == V_STRING ? text_value(&text) : value_list(v.type, l);
}
