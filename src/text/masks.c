#include "text/masks.h"

#include <string.h>

#include "text/codes.h"
#include "text/utf8.h"

static const char begin_mark[] = "<|copy";

const char *mask_name(int mask) {
  static const char *const names[MASKS] = {"<|copy0|>",  "<|copy1|>",  "<|copy2|>",  "<|copy3|>",
                                           "<|copy4|>",  "<|copy5|>",  "<|copy6|>",  "<|copy7|>",
                                           "<|copy8|>",  "<|copy9|>",  "<|copy10|>", "<|copy11|>",
                                           "<|copy12|>", "<|copy13|>", "<|copy14|>", "<|copy15|>"};
  return names[mask];
}

bool masks_known(const Tokenizer *t) {
  return tokenizer_id(t, mask_name(0)) >= 0 && tokenizer_id(tokenizer_source(t), mask_name(0)) >= 0;
}

/* ---- spans to mask ---- */

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/* Runs of digits; none before a word that belongs to the number. */
static void add_digits(const char *text, const Span *number, Spans *out) {
  const size_t end = number->begin + number->length;
  if (!is_digit(text[end - 1])) return;
  for (size_t at = number->begin, n; at < end; at += n) {
    for (n = 0; at + n < end && is_digit(text[at + n]);) n++;
    if (n > 1) vec_push(out, ((Span){SPAN_NUMBER, at, n, -1}));
    if (!n) n = 1;
  }
}

static bool is_word_letter(uint32_t code) {
  enum { IDEOGRAPHIC = 0x2e80 };
  return code < IDEOGRAPHIC && code_is_letter(code);
}

/* The letters from `at` on, in bytes. */
static size_t word_length(const char *text, size_t length, size_t at) {
  size_t n = 0, k;
  uint32_t code;
  while ((k = utf8_decode(text + at + n, length - at - n, &code)) && is_word_letter(code)) n += k;
  return n;
}

/* Words of three letters or more with a capital one, between `from` and `to`, where there is no other span.
 */
static void add_names(const char *text, size_t length, size_t from, size_t to, Spans *out) {
  for (size_t at = from, n; at < to; at += n) {
    n = word_length(text, length, at);
    if (n >= 3 && at + n <= to && text[at] >= 'A' && text[at] <= 'Z')
      vec_push(out, ((Span){SPAN_TERM, at, n, -1}));
    if (!n) n = utf8_character(text + at, length - at);
    if (!n) n = 1;
  }
}

/* In their order. */
static bool maskable(SpanFinder *f, const char *text, size_t length, bool names, Spans *out, Error *err) {
  Spans all = {0};
  size_t at = 0;
  const bool ok = spans_find(f, text, length, false, &all, err);
  out->count = 0;
  for (size_t i = 0; ok && i < all.count; i++) {
    const Span *s = &all.data[i];
    if (names) add_names(text, length, at, s->begin, out);
    at = s->begin + s->length;
    if (s->kind == SPAN_NUMBER)
      add_digits(text, s, out);
    else if (s->kind != SPAN_WORD_NUMBER)
      vec_push(out, *s);
  }
  if (ok && names) add_names(text, length, at, length, out);
  vec_free(&all);
  return ok;
}

/* ---- masking ---- */

static int find(const Masks *m, const char *text, size_t length) {
  for (int i = 0; i < m->count; i++)
    if (m->items[i].length == length && !memcmp(m->items[i].text, text, length)) return i;
  return -1;
}

static void add(Masks *m, const char *text, const Span *s) {
  if (m->count < MASKS && find(m, text + s->begin, s->length) < 0)
    m->items[m->count++] = (Mask){s->kind, text + s->begin, s->length, s->term};
}

/* The length of the token that is spelled here; 0: none. */
static size_t token_here(const char *text, size_t length) {
  if (length < sizeof begin_mark || memcmp(text, begin_mark, sizeof begin_mark - 1)) return 0;
  for (int i = 0; i < MASKS; i++) {
    const size_t n = strlen(mask_name(i));
    if (n <= length && !memcmp(text, mask_name(i), n)) return n;
  }
  return 0;
}

/* The bytes up to where the next token may begin, at least one. */
static size_t before_token(const char *text, size_t length) {
  const char *next = memchr(text + 1, begin_mark[0], length - 1);
  return next ? (size_t)(next - text) : length;
}

void masks_reserve(Masks *m, const char *text, size_t length) {
  for (size_t at = 0, n; at < length; at += n)
    if ((n = token_here(text + at, length - at)))
      add(m, text, &(Span){SPAN_TAG, at, n, -1});
    else
      n = before_token(text + at, length - at);
}

static void write_item(const Masks *m, int item, Buffer *out) {
  buffer_adds(out, mask_name((m->first + item) % MASKS));
}

/* Text between spans, in which tokens may be spelled. */
static void write_between(const char *text, size_t length, const Masks *m, Buffer *out) {
  for (size_t at = 0, n; at < length; at += n) {
    const int item = (n = token_here(text + at, length - at)) ? find(m, text + at, n) : -1;
    if (!n) n = before_token(text + at, length - at);
    if (item >= 0)
      write_item(m, item, out);
    else
      buffer_add(out, text + at, n);
  }
}

static void write_masked(const char *text, size_t length, const Spans *spans, const Masks *m, Buffer *out) {
  size_t at = 0;
  for (size_t i = 0; i < spans->count; i++) {
    const Span *s = &spans->data[i];
    const int item = find(m, text + s->begin, s->length);
    if (item < 0) continue;
    write_between(text + at, s->begin - at, m, out);
    write_item(m, item, out);
    at = s->begin + s->length;
  }
  write_between(text + at, length - at, m, out);
}

bool masks_apply(SpanFinder *f, const char *text, size_t length, Masks *m, Buffer *out, Error *err) {
  Spans spans = {0};
  const bool ok = maskable(f, text, length, false, &spans, err);
  if (ok) {
    masks_reserve(m, text, length);
    for (size_t i = 0; i < spans.count; i++) add(m, text, &spans.data[i]);
    write_masked(text, length, &spans, m, out);
  }
  vec_free(&spans);
  return ok;
}

/* ---- putting back ---- */

/* The item whose token begins here, and the token's length; -1: none. */
static int item_here(const Masks *m, const char *text, size_t length, size_t *token) {
  *token = token_here(text, length);
  for (int i = 0; i < m->count && *token; i++) {
    const char *name = mask_name((m->first + i) % MASKS);
    if (strlen(name) == *token && !memcmp(text, name, *token)) return i;
  }
  return -1;
}

static bool is_letter_or_digit(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* `follows`: directly after another item. Two words do not become one: a model that was made to write several
 * tokens at once puts no space between them. */
static void put(const Mask *item, const Glossary *g, bool follows, Buffer *out) {
  const Term *term = item->term >= 0 && g ? &g->terms.data[item->term] : NULL;
  const char *text = term ? term->target : item->text;
  if (follows && is_letter_or_digit(*text) && is_letter_or_digit(out->data[out->length - 1]))
    buffer_adds(out, " ");
  buffer_add(out, text, term ? term->target_length : item->length);
}

void masks_put_back(const Masks *m, const Glossary *g, const char *text, size_t length, Buffer *out,
                    int64_t counts[MASKS]) {
  bool follows = false;
  if (counts) memset(counts, 0, MASKS * sizeof *counts);
  for (size_t at = 0, n; at < length; at += n) {
    const int item = item_here(m, text + at, length - at, &n);
    if (item >= 0) {
      put(&m->items[item], g, follows, out);
      if (counts) counts[item]++;
    } else {
      n = before_token(text + at, length - at);
      buffer_add(out, text + at, n);
    }
    follows = item >= 0;
  }
}

/* ---- training ---- */

static bool occurs(const Spans *spans, const MapKey *text, const char *wanted, size_t length) {
  for (size_t i = 0; i < spans->count; i++)
    if (spans->data[i].length == length &&
        !memcmp((const char *)text->bytes + spans->data[i].begin, wanted, length))
      return true;
  return false;
}

/* Items of texts[which] that occur in a later text. */
static void add_shared(const MapKey *texts, const Spans *spans, size_t count, size_t which, Masks *m) {
  const char *text = texts[which].bytes;
  for (size_t i = 0; i < spans[which].count; i++) {
    const Span *s = &spans[which].data[i];
    bool later = false;
    for (size_t k = which + 1; k < count && !later; k++)
      later = occurs(&spans[k], &texts[k], text + s->begin, s->length);
    if (later) add(m, text, s);
  }
}

bool masks_shared(SpanFinder *f, const MapKey *texts, size_t count, bool names, Masks *m, Error *err) {
  Spans *spans = mem_alloc_zeroed(count + 1, sizeof *spans);
  bool ok = true;
  for (size_t i = 0; i < count && ok; i++)
    ok = maskable(f, texts[i].bytes, texts[i].length, names, &spans[i], err);
  for (size_t i = 0; i + 1 < count && ok; i++) add_shared(texts, spans, count, i, m);
  for (size_t i = 0; i < count; i++) vec_free(&spans[i]);
  mem_free(spans);
  return ok;
}

bool masks_apply_shared(SpanFinder *f, const char *text, size_t length, bool names, const Masks *m,
                        Buffer *out, Error *err) {
  Spans spans = {0};
  const bool ok = maskable(f, text, length, names, &spans, err);
  if (ok) write_masked(text, length, &spans, m, out);
  vec_free(&spans);
  return ok;
}
