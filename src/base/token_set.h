/* token_set.h - a small set of token ids, such as the end tokens; the first is the one to be written. */
#ifndef BASE_TOKEN_SET_H
#define BASE_TOKEN_SET_H

#include <stdbool.h>
#include <stdint.h>

enum { MOST_TOKENS = 16 };

typedef struct TokenSet {
  int32_t ids[MOST_TOKENS];
  int32_t count;
} TokenSet;

static inline bool token_set_has(const TokenSet *s, int64_t id) {
  for (int32_t i = 0; i < s->count; i++)
    if (s->ids[i] == id) return true;
  return false;
}

/* False: it is full. Ids below 0 and ids in the set are ignored. */
static inline bool token_set_add(TokenSet *s, int64_t id) {
  if (id < 0 || token_set_has(s, id)) return true;
  if (s->count == MOST_TOKENS) return false;
  s->ids[s->count++] = (int32_t)id;
  return true;
}

/* -1: it is empty. */
static inline int32_t token_set_first(const TokenSet *s) {
  return s->count ? s->ids[0] : -1;
}

static inline TokenSet token_set_of(int64_t id) {
  TokenSet s = {.count = 0};
  token_set_add(&s, id);
  return s;
}

/* A short sequence of tokens, such as the one that names the speaker. */
enum { MOST_RUN = 32 };

typedef struct TokenRun {
  int32_t ids[MOST_RUN];
  int32_t count;
} TokenRun;

static inline TokenRun token_run_of(int64_t id) {
  return id < 0 ? (TokenRun){.count = 0} : (TokenRun){{(int32_t)id}, 1};
}

#endif
