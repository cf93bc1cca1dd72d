/* sampler.h - from logits to a token. */
#ifndef RUN_SAMPLER_H
#define RUN_SAMPLER_H

#include "base/settings.h"
#include "run/rules.h"

#include "run/settings.def" /* SamplingSettings, sampling_settings_table */

typedef struct Candidate {
  int32_t id;
  float logit;
  double p;
} Candidate;

typedef struct Sampler {
  const SamplingSettings *settings;
  int64_t vocabulary;
  Candidate *candidates; /* [vocabulary] */
  Candidate *order;      /* [vocabulary]: workspace; NULL where the settings do not ask for typical tokens */
  int32_t *counts;       /* [vocabulary]: how often each token was seen lately */
  const Rules *rules;    /* may be set after opening, with */
  int64_t most;          /* the tokens of prompt and text there is room for */
  float *scores;         /* [vocabulary]: as the rules leave them */
} Sampler;
void sampler_open(Sampler *, const SamplingSettings *, int64_t vocabulary);
void sampler_close(Sampler *);

/* Draws the next token by finite logits. history: all tokens so far, the first `prompt` of them given, the
 * rest written. random: uniform in [0,1). *logprob: ln of the model's own probability of the token, before
 * penalties, temperature and filters. Order: rules, penalties, temperature, top-k, typical, top-p, min-p;
 * ties go to the smaller id. */
int32_t sampler_draw(Sampler *, const float *logits, const int32_t *history, int64_t prompt, int64_t length,
                     double random, double *logprob);

#endif
