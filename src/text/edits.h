/* edits.h - edit distance of two texts of words, with an alignment, and what it would be if a block of words
 * stood elsewhere: the inner loop of TER. Costs are counted near the diagonal only (Tercom's beam), as
 * sacrebleu does.
 */
#ifndef TEXT_EDITS_H
#define TEXT_EDITS_H

#include "base/memory.h"

/* Zero-initialize; set the texts; edits_align. */
typedef struct Edits {
  int32_t *hypothesis; /* edits_shift changes it */
  const int32_t *reference;
  size_t hypothesis_count, reference_count;

  int64_t distance;
  VEC(int64_t) aligned; /* of each word of the reference: the word it is, or the one before it, -1: none */
  VEC(char) hypothesis_wrong, reference_wrong; /* of each word: is it part of an edit? */

  /* table[i][j]: cost of making the first j words of the reference of the first i of the hypothesis. Of row i
   * there is the beam only, from rows[i] on. */
  double slope; /* of the diagonal */
  int64_t beam;
  VEC(size_t) rows;
  VEC(int32_t) costs;
  VEC(char) steps;
  VEC(int32_t) above, below, shifted;
} Edits;

void edits_free(Edits *);
void edits_align(Edits *);
/* The distance if the `length` words at `from` stood before the word at `to`; where `to` is inside of the
 * block or at its end, that many words further on. */
int64_t edits_if_shifted(Edits *, size_t from, size_t length, size_t to);
void edits_shift(Edits *, size_t from, size_t length, size_t to); /* does it; then align anew */

#endif
