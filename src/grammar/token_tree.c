#include "grammar/token_tree.h"

#include <stdlib.h>
#include <string.h>

typedef struct TokenBytes {
  const char *bytes;
  int32_t length, id;
} TokenBytes;

static int by_bytes(const void *a, const void *b) {
  const TokenBytes *x = a, *y = b;
  const int order = memcmp(x->bytes, y->bytes, (size_t)(x->length < y->length ? x->length : y->length));
  if (order || x->length != y->length) return order ? order : x->length - y->length;
  return (x->id > y->id) - (x->id < y->id);
}

/* ---- a tree ---- */

static size_t common(const TokenBytes *a, const TokenBytes *b) {
  size_t n = 0;
  while (n < (size_t)a->length && n < (size_t)b->length && a->bytes[n] == b->bytes[n]) n++;
  return n;
}

typedef struct Growing {
  VEC(TokenNode) nodes;
  VEC(int32_t) tokens;
  int32_t path[TOKEN_MOST_BYTES]; /* the nodes of the present text */
  size_t depth;
} Growing;

static void leave(Growing *w, size_t depth) {
  while (w->depth > depth) w->nodes.data[w->path[--w->depth]].behind = (int32_t)w->nodes.count;
}

static void add_token(Growing *w, const TokenBytes *token, const TokenBytes *before) {
  leave(w, before ? common(before, token) : 0);
  for (size_t i = w->depth; i < (size_t)token->length; i++) {
    w->path[w->depth++] = (int32_t)w->nodes.count;
    vec_push(&w->nodes, ((TokenNode){0, (int32_t)w->tokens.count, (uint16_t)i, (uint8_t)token->bytes[i]}));
  }
  vec_push(&w->tokens, token->id);
}

static TokenTree grow(const TokenBytes *sorted, size_t count) {
  Growing w = {0};
  for (size_t i = 0; i < count; i++) add_token(&w, &sorted[i], i ? &sorted[i - 1] : NULL);
  leave(&w, 0);
  vec_push(&w.nodes, ((TokenNode){0, (int32_t)w.tokens.count, 0, 0}));
  return (TokenTree){w.nodes.data, (int32_t)w.nodes.count - 1, w.tokens.data};
}

/* ---- states ---- */

static bool same_state(const DecodeState *a, const DecodeState *b) {
  return a->begun == b->begun && a->after_word == b->after_word && a->stripped == b->stripped;
}

static int find_state(const TokenTrees *t, const DecodeState *s) {
  for (int i = 0; i < t->count; i++)
    if (same_state(&t->states[i], s)) return i;
  return -1;
}

/* The bytes of all tokens in a state, and the states that follow. */
static TokenBytes *collect(TokenTrees *t, DecodeState state, size_t *count) {
  TokenBytes *all = mem_alloc_zeroed((size_t)(t->size + 1), sizeof *all);
  *count = 0;
  for (int64_t id = 0; id < t->size; id++) {
    DecodeState after = state;
    size_t length = 0;
    const char *bytes = tokenizer_next(t->tokenizer, (int32_t)id, &after, &length);
    if (!length || length > TOKEN_MOST_BYTES || tokenizer_is_special(t->tokenizer, (int32_t)id)) continue;
    all[(*count)++] = (TokenBytes){bytes, (int32_t)length, (int32_t)id};
    if (find_state(t, &after) >= 0) continue;
    if (t->count < TOKEN_MOST_TREES)
      t->states[t->count++] = after;
    else
      t->too_many = true;
  }
  return all;
}

/* In most vocabularies all states give the tokens the same bytes: at the same addresses. */
static void add_tree(TokenTrees *t, int state, TokenBytes **all, size_t *counts) {
  all[state] = collect(t, t->states[state], &counts[state]);
  for (int i = 0; i < state; i++)
    if (counts[i] == counts[state] && !memcmp(all[i], all[state], counts[i] * sizeof **all)) {
      t->which[state] = t->which[i];
      return;
    }
  TokenBytes *sorted = mem_alloc((counts[state] + 1) * sizeof *sorted);
  memcpy(sorted, all[state], counts[state] * sizeof *sorted);
  qsort(sorted, counts[state], sizeof *sorted, by_bytes);
  t->trees[state] = grow(sorted, counts[state]);
  t->which[state] = state;
  mem_free(sorted);
}

TokenTrees *token_trees_new(const Tokenizer *tokenizer, Error *err) {
  TokenBytes *all[TOKEN_MOST_TREES] = {NULL};
  size_t counts[TOKEN_MOST_TREES];
  TokenTrees *t = mem_alloc_zeroed(1, sizeof *t);
  t->tokenizer = tokenizer;
  t->size = tokenizer_size(tokenizer);
  t->states[t->count++] = (DecodeState){.begun = false};
  t->states[t->count++] = decode_state_within();
  for (int i = 0; i < t->count; i++) add_tree(t, i, all, counts);
  for (int i = 0; i < t->count; i++) mem_free(all[i]);
  if (!t->too_many) return t;
  token_trees_free(t);
  fail(err,
       "this model's texts cannot be constrained: how its tokens are written depends on too much before "
       "them");
  return NULL;
}

void token_trees_free(TokenTrees *t) {
  if (!t) return;
  for (int i = 0; i < t->count; i++) {
    mem_free(t->trees[i].nodes);
    mem_free(t->trees[i].tokens);
  }
  mem_free(t);
}

int token_trees_at(const TokenTrees *t, const DecodeState *s) {
  const int at = find_state(t, s);
  CHECK(at >= 0);
  return t->which[at];
}
