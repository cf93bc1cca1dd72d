/* common.h - the longest common subsequence of two texts of words, in little memory: rows of the table are
 * bit vectors, 64 columns per step (Crochemore et al. 2001, Hyyro 2004), and are recomputed for the
 * traceback. */
#ifndef TEXT_COMMON_H
#define TEXT_COMMON_H

#include "base/memory.h"

/* Zero-initialize. */
typedef struct Common {
  VEC(uint64_t) places;    /* sorted (word, index) of b */
  VEC(uint64_t) row;       /* bit j clear: the table grows by one at column j */
  VEC(uint64_t) some_rows; /* every `step`-th row */
  VEC(uint64_t) rows;      /* the rows between two of them */
} Common;

void common_free(Common *);
int64_t common_length(Common *, const int32_t *a, size_t rows, const int32_t *b, size_t columns);
/* Marks in `kept` the words of a in one longest common subsequence: the one found by tracing back from the
 * end, moving along a on ties. */
void common_mark(Common *, const int32_t *a, size_t rows, const int32_t *b, size_t columns, char *kept);

#endif
