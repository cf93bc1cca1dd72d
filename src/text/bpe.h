/* bpe.h - byte-pair encoding of one word, shared by all tokenizers.
 *
 * Merges are a table (left, right) -> (rank, result); the pair of lowest rank, leftmost first, is joined
 * until no pair has a rank (Sennrich et al. 2016). */
#ifndef TEXT_BPE_H
#define TEXT_BPE_H

#include "base/memory.h"

typedef VEC(int32_t) Ids;
bool ids_begin_with(const Ids *, const Ids *first);

typedef struct Merge {
  int32_t left, right, result;
} Merge;

typedef VEC(Merge) MergeList;
typedef struct MergeSlot MergeSlot;

/* The rank is the index in the list. If a pair occurs twice the later one counts, as in Hugging Face. */
typedef struct Merges {
  MergeList list;
  MergeSlot *slots; /* hash table (left, right) -> rank */
  size_t slot_count;
  uint64_t multiplier; /* multiply-shift hash of the pair as a 64-bit number */
  int shift;
} Merges;
void merges_add(Merges *, Merge);
void merges_take(Merges *, MergeList *); /* all of a list, which is emptied */
/* The rank of a pair; -1 if it is not merged. */
int32_t merges_rank(const Merges *, int32_t left, int32_t right);
void merges_free(Merges *);

/* Merges symbols in place; returns the new count. O(n log n) for long words, with about 20 bytes per symbol.
 */
size_t merges_apply(const Merges *, int32_t *symbols, size_t count);

/* BPE-dropout (Provilkov et al. 2020): in each step every merge is skipped with probability `drop`; a
 * function of (seed, stream). Words of more than 64 symbols are merged without dropout. */
size_t merges_apply_dropping(const Merges *, int32_t *symbols, size_t count, double drop, uint64_t seed,
                             uint64_t stream);

#endif
