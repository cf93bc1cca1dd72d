/* rewriter.h - generates an output for each input text: translate, summarize, reply. */
#ifndef RUN_REWRITER_H
#define RUN_REWRITER_H

#include "data/layout.h"
#include "run/abstain.h"
#include "run/bundle.h"
#include "run/protection.h"
#include "run/sampler.h"
#include "run/search.h"

typedef struct RewriteRequest {
  const Model *model;
  const Tokenizer *tokenizer;
  const PairLayout *layout;
  const SearchSettings *search;
  const SamplingSettings *sampling; /* may be NULL if search->sample is off */
  const Rules *rules;               /* may be NULL */
  int32_t never;                    /* a token that is never generated; -1: none */
  uint64_t seed;
  int64_t max_tokens;             /* new tokens of each part */
  Protection *protection;         /* of the outputs; NULL: none */
  const AbstainSettings *abstain; /* NULL: outputs are given whatever their confidence */
  ink_output_listener *listener;
  void *user;
  /* Optional: called with each part's input and its best output. */
  void (*on_part)(void *user, const struct RewriteRequest *, const Input *, const Ids *);
  void *part_user;
  bool errors_per_text; /* an unreadable text gets an output with the reason instead of failing the call */
} RewriteRequest;

/* A text, or a conversation up to now. */
typedef struct RewriteInput {
  const Turn *turns;
  size_t count;
} RewriteInput;

/* Passes n_best outputs per input to the listener, in the order of the inputs (samples if search->sample); a
 * text of white space gives an empty one. A text too long for the model is split at the ends of sentences,
 * the parts are rewritten separately and joined; ink_rewritten counts such texts, and sentences that had to
 * be split because they are too long by themselves. Of a conversation, the oldest turns are dropped; of a
 * last turn that is too long by itself, the oldest sentences, which its output reports (`cut`). */
bool rewriter_run(const RewriteRequest *, const RewriteInput *, int64_t count, ink_rewritten *, Error *);

#endif
