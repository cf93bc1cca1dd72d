/* common.h - the longest common subsequence of two texts of words, in memory near their length: rows of the
 * table are kept as bits, 64 columns a step (Crochemore et al. 2001, Hyyro 2004), and made a second time for
 * the way back. */
#ifndef TEXT_COMMON_H
#define TEXT_COMMON_H

#include "base/memory.h"

/* Zero-initialize. */
typedef struct Common {
  VEC(uint64_t) places;    /* of the words of b: word and place, sorted */
  VEC(uint64_t) row;       /* where the table does not grow by one from a column to the next */
  VEC(uint64_t) some_rows; /* every `step`-th */
  VEC(uint64_t) rows;      /* those between two of them */
} Common;

void common_free(Common *);
int64_t common_length(Common *, const int32_t *a, size_t rows, const int32_t *b, size_t columns);
/* Marks in `kept` the words of a that are in one of the longest common subsequences: the one found from the
 * end, going on with fewer of a where that is as long. */
void common_mark(Common *, const int32_t *a, size_t rows, const int32_t *b, size_t columns, char *kept);

#endif
