/* inputs.h - what is continued: prompts, and the sources they are written from; and what is found. */
#ifndef RUN_INPUTS_H
#define RUN_INPUTS_H

#include "run/session.h"
#include "text/bpe.h"

/* At least one token of a prompt; a source where the network has an encoder. */
typedef struct Input {
  const int32_t *source, *prompt;
  int64_t source_length, length;
} Input;

/* Of `wanted` new tokens, those that fit into the context behind a prompt of that length. */
int64_t input_most_tokens(const Config *, int64_t length, int64_t wanted);

/* A text that was found: without prompt and end. */
typedef struct Hypothesis {
  Ids ids;
  double logprob, score; /* see search.h */
} Hypothesis;
void hypotheses_free(Hypothesis *, int64_t count);
int hypothesis_order(const void *, const void *); /* for qsort: the highest score first */

#endif
