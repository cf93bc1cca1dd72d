/* sampler.h - samples a token from logits. */
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

/* Added to the logit of a token. */
typedef struct TokenBias {
  int32_t id;
  double added;
} TokenBias;
typedef VEC(TokenBias) TokenBiases;
/* The biases of the settings; fails for what is no token of the vocabulary. */
bool sampler_biases(const SamplingSettings *, int64_t vocabulary, TokenBiases *, Error *);

typedef struct Sampler {
  const SamplingSettings *settings;
  int64_t vocabulary;
  Candidate *candidates;     /* [vocabulary] */
  Candidate *order;          /* [vocabulary]: workspace of typical sampling; NULL if that is off */
  int32_t *counts;           /* [vocabulary]: occurrences within the penalty window */
  const Rules *rules;        /* may be set after opening, with `most` */
  const TokenBiases *biases; /* likewise; NULL: none */
  int64_t most;              /* maximum number of tokens, prompt included */
  const int32_t *source;     /* of an encoder, for the rules; NULL: none */
  int64_t source_length;
  float *scores; /* [vocabulary]: after the rules */
} Sampler;
void sampler_open(Sampler *, const SamplingSettings *, int64_t vocabulary);
void sampler_close(Sampler *);

/* The `count` likeliest tokens, likeliest first, by the model's own probabilities; allocates nothing. */
void sampler_likeliest(const float *logits, int64_t vocabulary, ink_alternative *, int64_t count);

/* Samples the next token from finite logits. history: all tokens so far, the first `prompt` of them given,
 * the rest generated. random: uniform in [0,1). *logprob: ln of the model's own probability of the token,
 * before biases, penalties, temperature and filters. Order: rules, biases, penalties, temperature, top-k,
 * typical, top-p, min-p; ties are broken in favour of the smaller id. -1: the rules have a constraint, and no
 * token may follow (*logprob is 0). */
int32_t sampler_draw(Sampler *, const float *logits, const int32_t *history, int64_t prompt, int64_t length,
                     double random, double *logprob);

#endif
