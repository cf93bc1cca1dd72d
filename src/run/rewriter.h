/* rewriter.h - texts in, texts out: translate, summarize, reply. */
#ifndef RUN_REWRITER_H
#define RUN_REWRITER_H

#include "data/layout.h"
#include "run/bundle.h"
#include "run/sampler.h"
#include "run/search.h"

typedef struct RewriteRequest {
  const Model *model;
  const Tokenizer *tokenizer;
  const PairLayout *layout;
  const SearchSettings *search;
  const SamplingSettings *sampling; /* where search->sample says to draw; else may be NULL */
  const Rules *rules;               /* may be NULL */
  int32_t never;                    /* a token that no text has; -1: none */
  uint64_t seed;
  int64_t max_tokens; /* new ones, for each part */
  ink_output_listener *listener;
  void *user;
  /* Looks at each part's input and what was found best for it; NULL: nobody does. */
  void (*on_part)(void *user, const struct RewriteRequest *, const Input *, const Ids *);
  void *part_user;
  bool spares; /* a text that cannot be read gets an output that says why, instead of ending all */
} RewriteRequest;

/* A text, or what was said up to now. */
typedef struct RewriteInput {
  const Turn *turns;
  size_t count;
} RewriteInput;

/* Gives n_best outputs (drawn ones, where search->sample) for each input, in their order; a text of white
 * space gives an empty one. A text too long for the model is cut at the ends of sentences, the parts are
 * rewritten each and joined, and that is counted in `ink_rewritten`; so is a single sentence too long, which
 * has to be split. Of a conversation the oldest turns are left out; of a last turn too long by itself the
 * oldest sentences, which its output says. */
bool rewriter_run(const RewriteRequest *, const RewriteInput *, int64_t count, ink_rewritten *, Error *);

#endif
