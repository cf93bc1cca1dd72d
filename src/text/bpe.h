/* bpe.h - byte-pair encoding of one word: the core that every tokenizer here shares.
 *
 * Merges are a table (left, right) -> (rank, result); a word's symbols are joined at the pair of lowest rank,
 * the leftmost first, until no pair has a rank (Sennrich et al. 2016). */
#ifndef TEXT_BPE_H
#define TEXT_BPE_H

#include "base/memory.h"

typedef VEC(int32_t) Ids;

typedef struct Merge {
  int32_t left, right, result;
} Merge;

typedef struct MergeSlot MergeSlot;

/* Ranks are places in the list. Of a pair that is there twice the later one counts, as for Hugging Face. */
typedef struct Merges {
  VEC(Merge) list;
  MergeSlot *slots; /* hash table (left, right) -> rank */
  size_t slot_count;
  uint64_t multiplier; /* a pair as one number, times it and shifted, is its place (multiply-shift) */
  int shift;
} Merges;
void merges_add(Merges *, Merge);
void merges_reserve(Merges *, size_t count); /* room for so many in all */
/* The rank of a pair; -1 if it is not merged. */
int32_t merges_rank(const Merges *, int32_t left, int32_t right);
void merges_free(Merges *);

/* Joins symbols in place; returns how many are left. O(n log n) for long words, with about 20 bytes a symbol.
 */
size_t merges_apply(const Merges *, int32_t *symbols, size_t count);

/* BPE-dropout (Provilkov et al. 2020): in each step every merge is left out with probability `drop`; a
 * function of (seed, stream). Words of more than a few dozen symbols are merged as ever. */
size_t merges_apply_dropping(const Merges *, int32_t *symbols, size_t count, double drop, uint64_t seed,
                             uint64_t stream);

#endif
