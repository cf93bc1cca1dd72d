/* edits.h - the word-level edit distance of two texts with an alignment, and the distance after moving a
 * block of words: the inner loop of TER. Costs are computed near the diagonal only (Tercom's beam), as in
 * sacrebleu. */
#ifndef TEXT_EDITS_H
#define TEXT_EDITS_H

#include "base/memory.h"

/* Zero-initialize; set the texts; edits_align. */
typedef struct Edits {
  int32_t *hypothesis; /* edits_shift changes it */
  const int32_t *reference;
  size_t hypothesis_count, reference_count;

  int64_t distance;
  VEC(int64_t) aligned; /* for each reference word: its hypothesis word, or the preceding one, -1: none */
  VEC(char) hypothesis_wrong, reference_wrong; /* for each word: is it part of an edit? */

  /* table[i][j]: cost of turning the first i words of the hypothesis into the first j of the reference. Only
   * the beam of row i is stored, from costs[rows[i]] on. */
  double slope; /* of the diagonal */
  int64_t beam;
  VEC(size_t) rows;
  VEC(int32_t) costs;
  VEC(char) steps;
  VEC(int32_t) above, below, shifted;
} Edits;

void edits_free(Edits *);
void edits_align(Edits *);
/* The distance if the `length` words at `from` were moved before the word at `to`; if `to` is within the
 * block or at its end, before word `to + length`. */
int64_t edits_if_shifted(Edits *, size_t from, size_t length, size_t to);
void edits_shift(Edits *, size_t from, size_t length, size_t to); /* moves them; call edits_align again */

#endif
