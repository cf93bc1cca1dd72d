/* draw.h - texts drawn from a model for many inputs at once, where search.h looks for the likeliest. */
#ifndef RUN_DRAW_H
#define RUN_DRAW_H

#include "run/inputs.h"
#include "run/sampler.h"

typedef struct DrawRequest {
  const Model *model;
  const SamplingSettings *settings;
  uint64_t seed;
  int64_t each;       /* texts for each input */
  TokenSet ends;      /* the tokens that end a text */
  int32_t never;      /* a token that ends it, too: none that is part of a text; -1: none */
  const Rules *rules; /* may be NULL */
} DrawRequest;

/* `each` texts for each of `count` inputs, best first: results[i * each + k]. score = logprob, of the model's
 * own probabilities. What is drawn for an input depends on its number and the seed, not on what else is drawn
 * with it. NULL where the network's values are no numbers. Free with hypotheses_free. */
Hypothesis *draw_run(const DrawRequest *, const Input *inputs, int64_t count, const int64_t *numbers);

#endif
