/* abstain.h - how sure a model is of an output, and what it answers if it is not. */
#ifndef RUN_ABSTAIN_H
#define RUN_ABSTAIN_H

#include "base/news.h"
#include "base/settings.h"

#include "run/abstain.def" /* AbstainSettings, abstain_settings_table */

/* The geometric mean of the tokens' probabilities, e^(logprob / tokens): the length-normalized
 * log-probability, which finds hallucinated translations best of what needs no second model (Guerreiro et al.
 * 2023, "Looking for a Needle in a Haystack"). 1 for no token. */
double confidence_of(double logprob, int64_t tokens);
/* Each of the two settings needs the other. */
bool abstain_check(const Settings *, Error *);

#endif
