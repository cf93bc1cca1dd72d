/* state.h - what generation remembers between calls. Lives with the session.
 *
 * Keys and values of attention lie in pages of STATE_PAGE positions. A sequence has a list of pages, which
 * other sequences may share: prefixes and beams copy nothing but the last page, where it is partly filled and
 * both go on. A page has a number, the same in every cache of the network. Recurrent networks keep a row for
 * each sequence; what an encoder made of a source lies once, for all sequences that are written from it. */
#ifndef NN_STATE_H
#define NN_STATE_H

#include "ops/tensor.h"

enum { STATE_PAGE = 32 };

typedef struct State State;
/* It grows as needed; the numbers only say what it begins with. source_tokens: of the longest. */
typedef struct StateSize {
  int64_t sequences, sources, source_tokens;
} StateSize;
State *state_new(StateSize);
void state_free(State *);

/* A sequence of which nothing was read yet: the smallest number that is free. */
int32_t state_open(State *);
/* Another one that goes on behind the first `length` positions of `of`. What is kept in rows is copied as it
 * is: there `length` must be all that was read. */
int32_t state_fork(State *, int32_t of, int64_t length);
void state_close(State *, int32_t sequence);

/* Positions first .. first+count-1, of which `first` are filled, will be written: pages that others share are
 * copied. Before any pointer of state_cache is used. */
void state_reserve(State *, int32_t sequence, int64_t first, int64_t count);
/* The pages of a sequence, in order. */
const int32_t *state_pages(const State *, int32_t sequence, int64_t *count);
int64_t state_pages_used(const State *); /* by open sequences */

/* The cache of that name: where each page begins, [STATE_PAGE, width]; made when first asked for. */
float *const *state_cache(State *, const char *name, int64_t width);
/* Of each sequence a row of `width` values, zero at first. */
float *state_row(State *, const char *name, int64_t width, int32_t sequence);
/* What is remembered of sources by that name, [sources, source_tokens, width]. */
typedef struct StateMemory {
  float *values;
  int64_t sources, tokens, width;
} StateMemory;
const StateMemory *state_memory(State *, const char *name, int64_t width); /* width 0: it is known */
/* Sources 0 .. count-1 of up to so many tokens have a place; what is there stays. */
void state_hold_sources(State *, int64_t count, int64_t tokens);
int64_t state_sources(const State *); /* that have a place */

#endif
