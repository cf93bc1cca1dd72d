/* draw.h - samples texts for many inputs at once; search.h is its counterpart for beam search. */
#ifndef RUN_DRAW_H
#define RUN_DRAW_H

#include "run/inputs.h"
#include "run/sampler.h"

typedef struct DrawRequest {
  const Model *model;
  const SamplingSettings *settings;
  uint64_t seed;
  int64_t each;       /* texts for each input */
  TokenSet ends;      /* tokens that end a text */
  const Rules *rules; /* may be NULL */
} DrawRequest;

/* Samples `each` texts for each of `count` inputs, best first: results[i * each + k]. score = logprob, from
 * the model's unmodified probabilities. The texts of an input depend only on numbers[i] and the seed, not on
 * the other inputs. NULL if logits are not finite. Free with hypotheses_free. */
Hypothesis *draw_run(const DrawRequest *, const Input *inputs, int64_t count, const int64_t *numbers);

#endif
