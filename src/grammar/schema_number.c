/* schema_number.c - numbers of JSON, with whole bounds: which digits may follow which. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/language.h"
#include "grammar/schema.h"

enum { MOST_DIGITS = 16 };
static const double most_bound = 1e15;

/* ---- whole numbers ---- */

static Expr digits(SchemaReader *r, int64_t min, int64_t max) {
  CodeSet s = {0};
  code_set_add(&s, '0', '9');
  const Expr e = expr_repeat(r->g, expr_set(r->g, &s), min, max);
  vec_free(&s);
  return e;
}

static Expr digit(SchemaReader *r, char first, char last) {
  CodeSet s = {0};
  code_set_add(&s, (unsigned char)first, (unsigned char)last);
  const Expr e = expr_set(r->g, &s);
  vec_free(&s);
  return e;
}

/* Of numbers with the same number of digits, those from `low` to `high`; NULL: all from it, all to it. */
static Expr between(SchemaReader *r, const char *low, const char *high) {
  Expr items[3];
  size_t count = 0;
  const int64_t rest = (int64_t)strlen(low ? low : high) - 1;
  const char first = low ? *low : '0', last = high ? *high : '9';
  if (rest < 0) return expr_empty(r->g);
  if (low && high && first == last)
    return expr_pair(r->g, digit(r, first, first), between(r, low + 1, high + 1));
  if (low) items[count++] = expr_pair(r->g, digit(r, first, first), between(r, low + 1, NULL));
  if (high) items[count++] = expr_pair(r->g, digit(r, last, last), between(r, NULL, high + 1));
  const char from = (char)(first + (low != NULL)), to = (char)(last - (high != NULL));
  if (from <= to) items[count++] = expr_pair(r->g, digit(r, from, to), digits(r, rest, rest));
  return expr_either(r->g, items, count);
}

static Expr same_length(SchemaReader *r, int64_t low, int64_t high) {
  char from[24], to[24];
  snprintf(from, sizeof from, "%" PRId64, low);
  snprintf(to, sizeof to, "%" PRId64, high);
  return between(r, from, to);
}

/* The numbers from `low`, at least 0, to `high`; high < 0: without end. */
static Expr whole_range(SchemaReader *r, int64_t low, int64_t high) {
  VEC(Expr) items = {0};
  int length = 1;
  for (int64_t first = 0, last = 9; length <= MOST_DIGITS; first = last + 1, last = 10 * last + 9, length++) {
    const int64_t from = low > first ? low : first, to = high >= 0 && high < last ? high : last;
    if (high < 0 && low <= first) break;
    if (from <= to) vec_push(&items, same_length(r, from, to));
  }
  if (high < 0 && length == 1) vec_push(&items, expr_string(r->g, "0"));
  if (high < 0) vec_push(&items, expr_pair(r->g, digit(r, '1', '9'), digits(r, length - 1, MOST_DIGITS - 1)));
  const Expr e = expr_either(r->g, items.data, items.count);
  vec_free(&items);
  return e;
}

/* ---- bounds ---- */

/* Of a number without its sign: from low to high, either possibly excluded; high < 0: without end. */
typedef struct Bounds {
  int64_t low, high;
  bool above_low, below_high;
} Bounds;

/* With an end, high above low, or equal to it and both included. */
static Expr real_range(SchemaReader *r, Bounds b) {
  Expr items[3];
  size_t count = 0;
  const int64_t low = b.low + b.above_low;
  if (b.above_low)
    items[count++] = expr_pair(r->g, whole_range(r, b.low, b.low), schema_regex(r, "\\.[0-9]{0,14}[1-9]"));
  if (b.high < 0 || low <= b.high - 1)
    items[count++] = expr_pair(r->g, whole_range(r, low, b.high < 0 ? -1 : b.high - 1),
                               schema_regex(r, "(?:\\.[0-9]{1,15})?"));
  if (b.high >= 0 && !b.below_high)
    items[count++] = expr_pair(r->g, whole_range(r, b.high, b.high), schema_regex(r, "(?:\\.0{1,15})?"));
  return expr_either(r->g, items, count);
}

static Expr magnitude(SchemaReader *r, Bounds b, bool whole) {
  if (b.high >= 0 && (b.low > b.high || (b.low == b.high && (b.above_low || b.below_high))))
    return expr_never(r->g);
  if (!whole) return real_range(r, b);
  b.low += b.above_low;
  b.high -= b.high >= 0 && b.below_high;
  return b.high >= 0 && b.low > b.high ? expr_never(r->g) : whole_range(r, b.low, b.high);
}

/* The two sides of 0, of which -0 is left out. */
static Expr bounded(SchemaReader *r, const double *low, const double *high, bool above, bool below,
                    bool whole) {
  Expr items[2];
  size_t count = 0;
  if (!high || *high >= 0) {
    const bool from_zero = !low || *low < 0;
    items[count++] = magnitude(r,
                               (Bounds){from_zero ? 0 : (int64_t)*low, high ? (int64_t)*high : -1,
                                        !from_zero && above, high && below},
                               whole);
  }
  if (!low || *low < 0) {
    const bool to_zero = !high || *high >= 0;
    const Bounds b = {to_zero ? 0 : (int64_t) - *high, low ? (int64_t) - *low : -1, to_zero || below,
                      low && above};
    items[count++] = expr_pair(r->g, expr_string(r->g, "-"), magnitude(r, b, whole));
  }
  return expr_either(r->g, items, count);
}

typedef struct Bound {
  double value;
  bool given, excluded;
} Bound;

/* The stricter of a bound and its exclusive form; of whole numbers, rounded to the inside. */
static Bound read_bound(SchemaReader *r, const json_t *schema, const char *key, const char *exclusive,
                        double sign, bool whole) {
  Bound b = {0};
  const char *const keys[] = {key, exclusive};
  for (int i = 0; i < 2; i++) {
    const json_t *value = json_object_get(schema, keys[i]);
    if (!value) continue;
    const double x = json_number_value(value) * sign;
    if (!json_is_number(value)) schema_refuse(r, N_("\"%s\" is not a number"), keys[i]);
    if (b.given && x < b.value) continue;
    b = (Bound){x, true, i == 1};
  }
  if (whole && b.given && b.value != floor(b.value)) b = (Bound){ceil(b.value), true, false};
  if (b.given && (b.value != floor(b.value) || fabs(b.value) > most_bound))
    schema_refuse(r, N_("the bounds of a number must be whole, and not above 1e15"));
  b.value *= sign;
  return b;
}

Expr schema_number(SchemaReader *r, const json_t *schema, bool whole) {
  const Bound low = read_bound(r, schema, "minimum", "exclusiveMinimum", 1, whole),
              high = read_bound(r, schema, "maximum", "exclusiveMaximum", -1, whole);
  if (grammar_full(r->g)) return expr_never(r->g);
  if (low.given || high.given)
    return bounded(r, low.given ? &low.value : NULL, high.given ? &high.value : NULL, low.excluded,
                   high.excluded, whole);
  const Expr front = schema_regex(r, "-?(?:0|[1-9][0-9]{0,15})");
  return whole ? front
               : expr_pair(r->g, front, schema_regex(r, "(?:\\.[0-9]{1,16})?(?:[eE][-+]?[0-9]{1,2})?"));
}
