/* judge.h - scores a model's outputs for examples against their references: for `eval`, and during training
 * (--best-by). */
#ifndef RUN_JUDGE_H
#define RUN_JUDGE_H

#include "data/pairs.h"
#include "run/protection.h"
#include "run/rewriter.h"
#include "text/metrics.h"

typedef struct JudgeRequest {
  const Pairs *pairs;
  const PairLayout *layout;
  const Tokenizer *tokenizer;
  const SearchSettings *search;
  const SamplingSettings *sampling; /* may be NULL if search->sample is off */
  const Rules *rules;               /* may be NULL */
  int32_t never;                    /* a token that is never generated; -1: none */
  const MetricSettings *metrics;    /* NULL: none */
  uint64_t seed;
  int64_t max_tokens;
  size_t most;            /* maximum number of examples, evenly spaced; 0: all */
  Protection *protection; /* of the outputs; NULL: none */
} JudgeRequest;

typedef struct Judge Judge;
/* The reference of a pair is its target, that of a conversation its last reply. */
Judge *judge_open(const JudgeRequest *, Error *);
void judge_free(Judge *);

/* Generates outputs for all examples and scores them. Also false if interrupted. */
bool judge_run(Judge *, const Model *, Error *);
size_t judge_count(const Judge *); /* number of examples */
/* The score by the index-th metric after judge_run, 0 to 100. */
double judge_score(const Judge *, size_t metric);
/* metrics_miss_words for the references. */
bool judge_misses_words(const Judge *);
/* {"examples", "metrics": [{"name", "signature", "score"}, ...], "distinct_1", "distinct_2"}: scores, and the
 * share of distinct words and word bigrams in all outputs (Li et al. 2016), where a Han character is a word.
 * If JudgeRequest.protection compares: "checked", of the outputs that, or whose inputs, have anything to
 * compare, the share that keeps it, and that of the references, in which people may have written a number as
 * a word (null: there are none): {"examples", "kept", "kept_in_references"}. `coverage`: "coverage", the
 * scores of the outputs of most confidence, [{"share", "confidence", NAME: score, ...}]. NULL on failure. */
json_t *judge_json(Judge *, bool coverage, Error *);
/* The output for an example, and its length. */
const char *judge_output(const Judge *, size_t which, size_t *length);
/* Appends a few examples as "source → output"; which ones depends on `step`. */
bool judge_show(Judge *, const Model *, int64_t step, Buffer *, Error *);

#endif
