/* trace_json.c - a trace as JSON, for the page and for programs. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "run/trace_page.h"
#include "text/utf8.h"

enum { LAYER_CHOICES = 3 }; /* shown of each layer; of the last one all */

/* ---- the texts of tokens ---- */

/* Where a text stands: what follows depends on it. */
typedef struct Reading {
  const Tokenizer *tokenizer;
  DecodeState state;
  char begun[4]; /* the first bytes of a character that is not complete */
  size_t length;
} Reading;

/* A text with the bytes of each of its tokens, which may divide characters. */
typedef struct Pieces {
  Buffer text;
  VEC(size_t) ends; /* of token i; it begins where token i-1 ends, the first one at `begin` */
  size_t begin;
} Pieces;

static void add_piece(Reading *r, Pieces *p, int32_t id) {
  size_t length = 0;
  const char *piece = tokenizer_next(r->tokenizer, id, &r->state, &length);
  buffer_add(&p->text, piece ? piece : "", piece ? length : 0);
  vec_push(&p->ends, p->text.length);
}

static Pieces pieces_after(const Reading *r) {
  Pieces p = {.begin = r->length};
  buffer_add(&p.text, r->begun, r->length);
  return p;
}

static void pieces_free(Pieces *p) {
  buffer_free(&p->text);
  vec_free(&p->ends);
}

/* Appends a token to the text. */
static void advance(Reading *r, int32_t id) {
  Pieces p = pieces_after(r);
  add_piece(r, &p, id);
  const size_t whole = utf8_whole_prefix(p.text.data ? p.text.data : "", p.text.length);
  r->length = p.text.length - whole;
  CHECK(r->length < sizeof r->begun);
  if (r->length) memcpy(r->begun, p.text.data + whole, r->length);
  pieces_free(&p);
}

/* Where the character that `at` divides begins and ends; false if `at` divides none. */
static bool divided(const Pieces *p, size_t at, size_t *begin, size_t *end) {
  for (size_t back = 1; back <= 3 && back <= at; back++) {
    const size_t length = utf8_character(p->text.data + at - back, p->text.length - at + back);
    if (length <= back) continue;
    *begin = at - back;
    *end = *begin + length;
    return true;
  }
  return false;
}

static void put_bytes(json_t *token, const char *bytes, size_t length) {
  Buffer hex = {0};
  for (size_t i = 0; i < length; i++) buffer_addf(&hex, "%s%02x", i ? " " : "", (unsigned char)bytes[i]);
  json_put(token, "bytes", json_stringn(hex.data, hex.length));
  if (!json_object_get(token, "text")) json_put(token, "text", json_stringn(hex.data, hex.length));
  buffer_free(&hex);
}

/* Which of how many tokens that share the characters begin .. end-1. */
static void put_part(json_t *token, const Pieces *p, size_t index, size_t begin, size_t end) {
  int part = 0, parts = 0;
  for (size_t i = 0, at = p->begin; i < p->ends.count; at = p->ends.data[i++])
    if (at < end && p->ends.data[i] > begin) {
      parts++;
      part += i <= index;
    }
  if (parts > 1) json_put(token, "part", json_build("[i, i]", part, parts));
}

/* Adds the text: of a token that divides characters, these characters, if the text has all of them. */
static void put_text(json_t *token, const Pieces *p, size_t index) {
  const size_t begin = index ? p->ends.data[index - 1] : p->begin, end = p->ends.data[index];
  size_t first = begin, stop = end, other;
  divided(p, begin, &first, &other);
  divided(p, end, &other, &stop);
  const bool valid = json_is_utf8(p->text.data + first, stop - first);
  if (valid) json_put(token, "text", json_stringn(p->text.data + first, stop - first));
  if (valid && first == begin && stop == end) return;
  put_bytes(token, p->text.data + begin, end - begin);
  if (valid) put_part(token, p, index, first, stop);
}

/* Tokens that add nothing to a text have their names; a model may have more tokens than its tokenizer. */
static json_t *token_json(const Tokenizer *t, const Pieces *p, size_t index, int32_t id) {
  char number[16];
  const char *name = tokenizer_name(t, id);
  json_t *json = json_build("{s:i}", "id", (int)id);
  if (p->ends.data[index] > (index ? p->ends.data[index - 1] : p->begin)) {
    put_text(json, p, index);
    return json;
  }
  snprintf(number, sizeof number, "#%d", (int)id);
  json_put(json, "text", utf8_json(name ? name : number));
  json_put(json, "special", json_true());
  return json;
}

/* ---- predictions ---- */

static json_t *predicted_json(const Tokenizer *t, const Pieces *p, size_t index, Choice c) {
  json_t *json = token_json(t, p, index, c.id);
  json_put(json, "probability", json_real(c.probability));
  return json;
}

static json_t *choice_json(const Reading *before, Choice c) {
  Reading r = *before;
  Pieces p = pieces_after(&r);
  add_piece(&r, &p, c.id);
  json_t *json = predicted_json(r.tokenizer, &p, 0, c);
  pieces_free(&p);
  return json;
}

static json_t *choices_json(const Reading *before, const Prediction *p, int64_t most) {
  json_t *list = json_array();
  for (int64_t i = 0; i < p->count && i < most; i++) json_push(list, choice_json(before, p->best[i]));
  return list;
}

/* An alternative with what the text goes on with after it. */
static json_t *branch_json(const Reading *before, const Branch *b) {
  Reading r = *before;
  Pieces p = pieces_after(&r);
  json_t *list = json_array();
  for (size_t i = 0; i < b->tokens.count; i++) add_piece(&r, &p, b->tokens.data[i].id);
  json_t *json = predicted_json(r.tokenizer, &p, 0, b->tokens.data[0]);
  for (size_t i = 1; i < b->tokens.count; i++)
    json_push(list, predicted_json(r.tokenizer, &p, i, b->tokens.data[i]));
  json_put(json, "continuation", list);
  if (b->ended) json_put(json, "ended", json_true());
  pieces_free(&p);
  return json;
}

static json_t *alternatives_json(const Trace *t, const Reading *before, int64_t position) {
  const Prediction *p = trace_prediction(t, position, t->depths - 1);
  json_t *list = json_array();
  for (int64_t i = 0; i < p->count; i++) {
    const Branch *b = trace_branch_at(t, position, i);
    json_push(list, b->tokens.count ? branch_json(before, b) : choice_json(before, p->best[i]));
  }
  return list;
}

static void put_follower(json_t *json, const Prediction *p) {
  if (!p->rank) return; /* nothing follows */
  json_put(json, "probability", json_real(p->probability));
  json_put(json, "rank", json_integer(p->rank));
}

/* Of the token after a position; `before`: the text up to there. */
static json_t *prediction_json(const Trace *t, const Reading *before, int64_t position) {
  json_t *json = json_object(), *layers = json_array();
  put_follower(json, trace_prediction(t, position, t->depths - 1));
  json_put(json, "alternatives", alternatives_json(t, before, position));
  for (int64_t depth = 0; depth < t->depths; depth++) {
    const Prediction *p = trace_prediction(t, position, depth);
    json_t *layer = json_build("{s:o}", "best", choices_json(before, p, LAYER_CHOICES));
    put_follower(layer, p);
    json_push(layers, layer);
  }
  json_put(json, "layers", layers);
  return json;
}

static void put_tokens(json_t *json, const Trace *t, const Tokenizer *tokenizer) {
  const size_t count = t->ids.count;
  Reading all = {.tokenizer = tokenizer}, before = all;
  Pieces p = {0};
  json_t *tokens = json_array();
  for (size_t i = 0; i < count; i++) add_piece(&all, &p, t->ids.data[i]);
  for (size_t i = 0; i < count; i++) {
    json_t *token = token_json(tokenizer, &p, i, t->ids.data[i]);
    if ((int64_t)i >= t->prompt) json_put(token, "generated", json_true());
    if (i) json_put(token, "prediction", prediction_json(t, &before, (int64_t)i - 1));
    json_push(tokens, token);
    advance(&before, t->ids.data[i]);
  }
  json_put(json, "tokens", tokens);
  json_put(json, "next", prediction_json(t, &before, (int64_t)count - 1));
  pieces_free(&p);
}

/* ---- attention ---- */

/* [layers][heads][queries][keys] */
static json_t *attention_json(const Trace *t) {
  json_t *layers = json_array();
  const float *at = t->attention;
  for (int64_t l = 0; l < t->layers; l++) {
    json_t *heads = json_array();
    for (int64_t h = 0; h < t->heads; h++) {
      json_t *rows = json_array();
      for (size_t i = 0; i < t->ids.count; i++) {
        json_t *row = json_array();
        for (size_t k = 0; k <= i; k++) json_push(row, json_real((double)*at++));
        json_push(rows, row);
      }
      json_push(heads, rows);
    }
    json_push(layers, heads);
  }
  return layers;
}

/* The same numbers, in this order, each as the byte 255 sqrt(weight): small weights keep their digits. */
static json_t *attention_bytes(const Trace *t) {
  const int64_t count = t->layers * t->heads * trace_pairs((int64_t)t->ids.count);
  char *bytes = mem_alloc((size_t)count);
  Buffer text = {0};
  for (int64_t i = 0; i < count; i++) bytes[i] = (char)lrint(255 * sqrt((double)t->attention[i]));
  base64_write(bytes, (size_t)count, &text);
  json_t *json = json_stringn(text.data, text.length);
  buffer_free(&text);
  mem_free(bytes);
  return json;
}

json_t *trace_json(const Trace *t, const Tokenizer *tokenizer, bool compact) {
  const Config *c = &t->model->config;
  json_t *json =
      json_build("{s:s, s:I, s:I, s:b, s:I}", "arch", c->arch->name, "layers", (json_int_t)c->layers, "heads",
                 (json_int_t)t->heads, "ended", t->ended, "prompt_tokens", (json_int_t)t->prompt);
  if (!compact) json_put(json, "generator", json_string("inkstone explain"));
  put_tokens(json, t, tokenizer);
  if (t->attention) json_put(json, "attention", compact ? attention_bytes(t) : attention_json(t));
  return json;
}
