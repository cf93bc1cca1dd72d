/* ngrams.h - n-grams counted exactly: a trie with its edges in a hash table.
 *
 * An n-gram is its first n-1 tokens (a node) and its last one, so that all orders up to m of a text of length
 * n take m * n look-ups of fixed size, and no two n-grams are ever taken for one. */
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
  VEC(uint32_t) at;    /* of each position, the node of the n-gram that starts there */
} Ngrams;

void ngrams_free(Ngrams *);
/* Forgets all, in time proportional to what there was: a gigantic line costs the short ones after it nothing.
 */
void ngrams_clear(Ngrams *);
/* Adds the n-grams of orders 1..most to the counts of a side. */
void ngrams_count(Ngrams *, const int32_t *tokens, size_t count, int most, NgramSide);
/* most = max(most, reference), reference = 0: one reference after the other. */
void ngrams_keep_most(Ngrams *);
void ngrams_clear_side(Ngrams *, NgramSide);
Ngram *ngrams_find(Ngrams *, int32_t token); /* the node of a single token; NULL: never counted */

#endif
