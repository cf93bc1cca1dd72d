/* ngrams.h - exact n-gram counts: a trie with its edges in a hash table.
 *
 * An n-gram is represented by the node of its first n-1 tokens and its last token, so that counting all
 * orders up to m of n tokens takes m * n look-ups of fixed size, without false matches. */
#ifndef TEXT_NGRAMS_H
#define TEXT_NGRAMS_H

#include "base/memory.h"

typedef VEC(int32_t) Tokens;

typedef enum NgramSide { NGRAMS_HYPOTHESIS, NGRAMS_REFERENCE, NGRAMS_MOST, NGRAMS_SIDES } NgramSide;

typedef struct Ngram {
  uint64_t edge; /* parent node << 32 | token */
  size_t slot;   /* in the hash table */
  int32_t order; /* 1: a single token */
  int32_t count[NGRAMS_SIDES];
} Ngram;

typedef struct Ngrams {
  VEC(Ngram) nodes;
  VEC(uint32_t) slots; /* 0: free, else the node's index + 1; count is a power of two */
  VEC(uint32_t) at;    /* for each position, the node of the n-gram that starts there */
} Ngrams;

void ngrams_free(Ngrams *);
/* Clears in time proportional to the number of n-grams, not to the capacity, so that short lines stay fast
 * after a very long one. */
void ngrams_clear(Ngrams *);
/* Adds the n-grams of orders 1..most to the counts of a side. */
void ngrams_count(Ngrams *, const int32_t *tokens, size_t count, int most, NgramSide);
/* most = max(most, reference), reference = 0: called after each reference. */
void ngrams_keep_most(Ngrams *);
void ngrams_clear_side(Ngrams *, NgramSide);
Ngram *ngrams_find(Ngrams *, int32_t token); /* the node of a single token; NULL: never counted */

#endif
