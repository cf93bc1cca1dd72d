/* search.h - beam search: the likeliest continuations of many inputs at once. */
#ifndef RUN_SEARCH_H
#define RUN_SEARCH_H

#include "base/settings.h"
#include "run/inputs.h"
#include "run/rules.h"

#include "run/search.def" /* SearchSettings, search_settings_table */

typedef struct SearchRequest {
  const Model *model;
  const SearchSettings *settings;
  int64_t most;       /* new tokens */
  TokenSet ends;      /* the tokens that end a text */
  int32_t never;      /* a token that is not written, such as padding; -1: none */
  const Rules *rules; /* may be NULL */
} SearchRequest;

/* score = logprob / length ^ length_penalty, the end token counted (Wu et al. 2016 without their constant 5,
 * as fairseq and transformers do).
 *
 * Up to `beam` hypotheses for each of `count` inputs, best first: results[i * beam + k]; fewer where less was
 * found (ids.data NULL and score -INFINITY then). The results of an input do not depend on what else is
 * searched with it. Inputs of similar length should be neighbours. NULL where the network's
 * values are no numbers. Free with hypotheses_free. */
Hypothesis *search_run(const SearchRequest *, const Input *inputs, int64_t count);

#endif
