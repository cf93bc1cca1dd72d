/* judge.h - what a model makes of examples, measured against what is right: by `eval`, and while training
 * (--best-by). */
#ifndef RUN_JUDGE_H
#define RUN_JUDGE_H

#include "data/pairs.h"
#include "run/rewriter.h"
#include "text/metrics.h"

typedef struct JudgeRequest {
  const Pairs *pairs;
  const PairLayout *layout;
  const Tokenizer *tokenizer;
  const SearchSettings *search;
  const SamplingSettings *sampling; /* may be NULL where search->sample is off */
  const Rules *rules;               /* may be NULL */
  int32_t never;                    /* a token that no text has; -1: none */
  const MetricSettings *metrics;    /* NULL: none */
  uint64_t seed;
  int64_t max_tokens;
  size_t most; /* examples, spread evenly; 0: all */
} JudgeRequest;

typedef struct Judge Judge;
/* A pair asks for its target, a conversation for its last reply. */
Judge *judge_open(const JudgeRequest *, Error *);
void judge_free(Judge *);

/* Writes for all the examples and measures that. False also where interrupted. */
bool judge_run(Judge *, const Model *, Error *);
size_t judge_count(const Judge *); /* examples */
/* Of the last judge_run: the index-th metric, 0 to 100. */
double judge_score(const Judge *, size_t metric);
/* Of what is right: metrics_miss_words. */
bool judge_misses_words(const Judge *);
/* The same for people: [{"name", "signature", "score"}, ...]. */
json_t *judge_scores(const Judge *);
/* What was written for an example; its length. */
const char *judge_output(const Judge *, size_t which, size_t *length);
/* Different words and pairs of words among all that were written (Li et al. 2016); a Han character is a word.
 */
void judge_distinct(const Judge *, double *words, double *pairs);

/* A few of the examples, as "source -> what is written". Shows others at other steps. */
bool judge_show(Judge *, const Model *, int64_t step, Buffer *, Error *);

#endif
