#include "text/span_check.h"

#include <string.h>

#include "text/numeral.h"
#include "text/utf8.h"

/* A span with what it is compared by. */
typedef struct Item {
  Span span;
  const char *text;
  Numeral value; /* of numbers; of part numbers only the digits */
  bool met;
} Item;

typedef struct Side {
  const char *text;
  Spans spans;
  VEC(Item) items;
} Side;

struct SpanChecker {
  SpanFinder *finder;
  Side source, output;
};

SpanChecker *span_checker_open(const Glossary *glossary, Error *err) {
  SpanFinder *finder = spans_open(glossary, err);
  if (!finder) return NULL;
  SpanChecker *c = mem_alloc_zeroed(1, sizeof *c);
  c->finder = finder;
  return c;
}

void span_checker_close(SpanChecker *c) {
  if (!c) return;
  Side *sides[] = {&c->source, &c->output};
  for (int i = 0; i < 2; i++) {
    vec_free(&sides[i]->spans);
    vec_free(&sides[i]->items);
  }
  spans_close(c->finder);
  mem_free(c);
}

/* ---- reading ---- */

static bool is_number(const Item *i) {
  return i->span.kind == SPAN_NUMBER || i->span.kind == SPAN_WORD_NUMBER;
}

static void read_value(Item *i) {
  if (is_number(i)) {
    numeral_read(&i->value, i->text, i->span.length);
    return;
  }
  size_t count = 0;
  for (size_t k = 0; k < i->span.length && count + 1 < NUMERAL_CAPACITY; k++)
    if (i->text[k] >= '0' && i->text[k] <= '9') i->value.digits[count++] = i->text[k];
}

static bool read_side(SpanChecker *c, Side *side, const char *text, size_t length, bool translated,
                      Error *err) {
  side->text = text;
  side->items.count = 0;
  if (!spans_find(c->finder, text, length, translated, &side->spans, err)) return false;
  for (size_t i = 0; i < side->spans.count; i++) {
    Item item = {.span = side->spans.data[i], .text = text + side->spans.data[i].begin};
    read_value(&item);
    vec_push(&side->items, item);
  }
  return true;
}

/* ---- equality ---- */

/* U+FF01 to U+FF5E are the full-width forms of ASCII. */
static uint32_t next_folded(const char **text, size_t *length) {
  uint32_t code = 0;
  const size_t n = utf8_decode(*text, *length, &code);
  *text += n;
  *length -= n;
  return code >= 0xff01 && code <= 0xff5e ? code - 0xfee0 : code;
}

static bool same_text(const Item *a, const Item *b) {
  const char *x = a->text, *y = b->text;
  size_t m = a->span.length, n = b->span.length;
  while (m && n)
    if (next_folded(&x, &m) != next_folded(&y, &n)) return false;
  return m == n;
}

static const Term *term_of(const SpanChecker *c, const Item *i) {
  return &spans_glossary(c->finder)->terms.data[i->span.term];
}

/* Several terms may have the same translation. */
static bool same_term(const SpanChecker *c, const Item *a, const Item *b) {
  const Term *x = term_of(c, a), *y = term_of(c, b);
  return x->target_length == y->target_length && !memcmp(x->target, y->target, x->target_length);
}

static bool equal(const SpanChecker *c, const Item *a, const Item *b) {
  if (is_number(a) && is_number(b)) return numerals_equal(&a->value, &b->value);
  if (a->span.kind != b->span.kind) return false;
  return a->span.kind == SPAN_TERM ? same_term(c, a, b) : same_text(a, b);
}

/* Whether a program that reads the output would notice a second one. */
static bool may_repeat(const Item *i) {
  return i->span.kind != SPAN_PLACEHOLDER && i->span.kind != SPAN_TAG;
}

/* Each span of the output meets one of the source; what is left over may repeat one that has been met. */
static void meet(SpanChecker *c, bool complete) {
  for (size_t k = 0; k < c->output.items.count; k++) {
    Item *o = &c->output.items.data[k];
    for (int pass = 0; pass < 2 && !o->met; pass++)
      for (size_t i = 0; i < c->source.items.count && !o->met; i++) {
        Item *s = &c->source.items.data[i];
        if (pass == 0 ? s->met : complete && !may_repeat(o)) continue;
        if (equal(c, s, o)) s->met = o->met = true;
      }
  }
}

/* ---- the same digits, cut otherwise ---- */

static bool is_open(const Item *i) {
  return !i->met && *i->value.digits && (is_number(i) || i->span.kind == SPAN_CODE);
}

/* Whether items that are left over, one after the other from `first`, have together the digits of one on the
 * other side: 1 250 and 1,250; 8.30 and 8:30; COVID-19 and COVID 19. */
static bool join(const Item *one, Side *other, size_t first) {
  const char *digits = one->value.digits;
  size_t used = 0, last = first;
  for (; digits[used] && last < other->items.count && is_open(&other->items.data[last]); last++) {
    const char *part = other->items.data[last].value.digits;
    const size_t n = strlen(part);
    if (strncmp(digits + used, part, n)) return false;
    used += n;
  }
  if (digits[used] || (last - first < 2 && is_number(one) == is_number(&other->items.data[first])))
    return false;
  for (size_t i = first; i < last; i++) other->items.data[i].met = true;
  return true;
}

static void join_all(Side *side, Side *other) {
  for (size_t i = 0; i < side->items.count; i++) {
    Item *one = &side->items.data[i];
    for (size_t k = 0; k < other->items.count && is_open(one); k++)
      if (is_open(&other->items.data[k])) one->met = join(one, other, k);
  }
}

/* ---- mismatches ---- */

/* A number as a word is not missed, and a term in the output may have another source. */
static bool is_missed(const Item *i, bool in_source) {
  return !i->met && i->span.kind != SPAN_WORD_NUMBER && (in_source || i->span.kind != SPAN_TERM);
}

static Item *first_missed(Side *side, SpanKind kind) {
  for (size_t i = 0; i < side->items.count; i++)
    if (side->items.data[i].span.kind == kind && is_missed(&side->items.data[i], false))
      return &side->items.data[i];
  return NULL;
}

static void list(SpanChecker *c, bool complete, SpanMismatches *out) {
  for (size_t i = 0; i < c->source.items.count && complete; i++) {
    const Item *s = &c->source.items.data[i];
    if (!is_missed(s, true)) continue;
    Item *o = first_missed(&c->output, s->span.kind);
    if (o) o->met = true;
    vec_push(out, ((SpanMismatch){s->span.kind, s->text, s->span.length, o ? o->text : NULL,
                                  o ? o->span.length : 0, s->span.term}));
  }
  for (size_t i = 0; i < c->output.items.count; i++) {
    const Item *o = &c->output.items.data[i];
    if (is_missed(o, false))
      vec_push(out, ((SpanMismatch){o->span.kind, NULL, 0, o->text, o->span.length, -1}));
  }
}

static size_t count_spans(const Side *side, bool in_source) {
  size_t count = 0;
  for (size_t i = 0; i < side->items.count; i++)
    count += side->items.data[i].span.kind != SPAN_WORD_NUMBER &&
             (in_source || side->items.data[i].span.kind != SPAN_TERM);
  return count;
}

bool span_check(SpanChecker *c, const char *source, size_t source_length, const char *output,
                size_t output_length, bool complete, SpanMismatches *out, size_t *spans, Error *err) {
  out->count = 0;
  if (!read_side(c, &c->source, source, source_length, false, err) ||
      !read_side(c, &c->output, output, output_length, true, err))
    return false;
  *spans = (complete ? count_spans(&c->source, true) : 0) + count_spans(&c->output, false);
  meet(c, complete);
  join_all(&c->source, &c->output);
  join_all(&c->output, &c->source);
  list(c, complete, out);
  return true;
}
