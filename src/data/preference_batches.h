/* preference_batches.h - preferences as batches: of pairs, sequences 2i and 2i+1 are a prompt with the chosen
 * and with the rejected text; of verdicts (KTO), a prompt with its text, and with that of the next example of
 * the batch, from which the loss estimates how far the model has moved (Ethayarajh et al. 2024).
 *
 * Which examples a batch has is the same in every epoch, so that values of sequences can be computed once;
 * only the order of the batches changes. */
#ifndef DATA_PREFERENCE_BATCHES_H
#define DATA_PREFERENCE_BATCHES_H

#include "data/pair_batches.h"

/* Both sides of all preferences as examples of their own: of pairs 2i, the chosen one, and 2i+1. They share
 * the texts of the original; free with pairs_free before it. */
Pairs *preference_sides(const Pairs *);

typedef struct PreferenceRequest {
  const PairTokens *sides;
  const PairLayout *layout;
  bool verdicts;                    /* every side is an example of its own */
  int64_t sequences, tokens, limit; /* as for pair_batches */
  bool shuffled;
  uint64_t seed;
} PreferenceRequest;
/* Reports what is too long, by count and place. */
Batches *preference_batches(const PreferenceRequest *, const News *, Error *);

#endif
