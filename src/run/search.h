/* search.h - beam search for the likeliest continuations of many inputs at once. */
#ifndef RUN_SEARCH_H
#define RUN_SEARCH_H

#include "base/settings.h"
#include "run/inputs.h"
#include "run/rules.h"

#include "run/search.def" /* SearchSettings, search_settings_table */

typedef struct SearchRequest {
  const Model *model;
  const SearchSettings *settings;
  int64_t most;       /* maximum number of new tokens */
  TokenSet ends;      /* tokens that end a text */
  int32_t never;      /* a token that is never generated and no end, such as padding; -1: none */
  const Rules *rules; /* may be NULL */
} SearchRequest;

/* score = logprob / length ^ length_penalty, the end token counted (Wu et al. 2016 without their constant 5,
 * as fairseq and transformers do).
 *
 * Returns up to `beam` hypotheses for each of `count` inputs, best first: results[i * beam + k]; missing ones
 * have ids.data NULL and score -INFINITY. The results of an input do not depend on the other inputs. Adjacent
 * inputs should have similar lengths. NULL if logits are not finite. Free with hypotheses_free. */
Hypothesis *search_run(const SearchRequest *, const Input *inputs, int64_t count);

#endif
