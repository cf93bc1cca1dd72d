/* inputs.h - inputs of generation (prompts, and sources for an encoder) and its results. */
#ifndef RUN_INPUTS_H
#define RUN_INPUTS_H

#include "run/session.h"
#include "text/bpe.h"

/* A prompt of at least one token; a source if the network has an encoder. */
typedef struct Input {
  const int32_t *source, *prompt;
  int64_t source_length, length;
} Input;

/* Of `wanted` new tokens, the number that fits into the context after a prompt of `length` tokens. */
int64_t input_most_tokens(const Config *, int64_t length, int64_t wanted);

/* A generated text, without prompt and end token. */
typedef struct Hypothesis {
  Ids ids;
  double logprob, score; /* see search.h */
  bool unended;          /* has the maximum length, and no end */
  bool stuck;            /* ended where the constraint goes on, as no token could follow */
} Hypothesis;
void hypotheses_free(Hypothesis *, int64_t count);
int hypothesis_order(const void *, const void *); /* for qsort: highest score first */

#endif
