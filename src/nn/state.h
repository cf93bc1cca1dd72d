/* state.h - the state of generation between calls; belongs to the session.
 *
 * Keys and values of attention are stored in pages of STATE_PAGE positions. A sequence has a list of
 * pages, which other sequences may share: prefixes and beams copy only the last page, if it is partly
 * filled and both continue. A page has the same number in every cache of the network. Recurrent networks
 * keep a row per sequence; an encoder's output is stored once per source, for all sequences generated from
 * it. */
#ifndef NN_STATE_H
#define NN_STATE_H

#include "ops/types.h"

enum { STATE_PAGE = 32 };

typedef struct State State;
/* Initial sizes; the state grows as needed. source_tokens: of the longest source. cache: the type of keys and
 * values. */
typedef struct StateSize {
  int64_t sequences, sources, source_tokens;
  TensorType cache;
} StateSize;
State *state_new(StateSize);
void state_free(State *);

/* Opens an empty sequence; returns the smallest unused number. */
int32_t state_open(State *);
/* Opens a sequence that continues the first `length` positions of `of`. Rows are copied unchanged: with
 * rows, `length` must be all positions read. */
int32_t state_fork(State *, int32_t of, int64_t length);
void state_close(State *, int32_t sequence);

/* Prepares positions first .. first+count-1 for writing, the first `first` being filled: shared pages are
 * copied. Call it before using pointers from state_cache. */
void state_reserve(State *, int32_t sequence, int64_t first, int64_t count);
/* The pages of a sequence, in order. */
const int32_t *state_pages(const State *, int32_t sequence, int64_t *count);
int64_t state_pages_used(const State *); /* by open sequences */

/* The pages of the cache of that name, STATE_PAGE * width elements each; created on first use. */
void *const *state_cache(State *, const char *name, int64_t width);
int64_t state_page_bytes(const State *); /* of a page in all caches */
/* A sequence's row of `width` values, initially zero. */
float *state_row(State *, const char *name, int64_t width, int32_t sequence);
/* Encoder output stored under that name, [sources, source_tokens, width]. */
typedef struct StateMemory {
  float *values;
  int64_t sources, tokens, width;
} StateMemory;
const StateMemory *state_memory(State *, const char *name, int64_t width); /* width 0: it exists */
/* Ensures capacity for sources 0 .. count-1 of up to `tokens` tokens; keeps the contents. */
void state_hold_sources(State *, int64_t count, int64_t tokens);
int64_t state_sources(const State *); /* capacity */

#endif
