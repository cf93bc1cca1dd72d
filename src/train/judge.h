/* judge.h - what a model makes of held-out examples: shown while training, and measured against what is right
 * (--best-by). */
#ifndef TRAIN_JUDGE_H
#define TRAIN_JUDGE_H

#include "data/material.h"
#include "run/rewriter.h"
#include "train/settings.h"

typedef struct Judge Judge;

/* For pairs and conversations. Takes --eval-examples of them, spread evenly. */
Judge *judge_open(const Material *, const Tokenizer *, const TrainSettings *, const SearchSettings *,
                  Error *);
void judge_free(Judge *);

/* Does --best-by name a metric (else the loss judges)? */
bool judge_has_metric(const TrainSettings *);
/* The metric over the examples, 0 to 100. */
bool judge_score(Judge *, const Model *, double *score, Error *);
/* A few of the examples, as "source -> what is written". Shows others at other steps. */
bool judge_show(Judge *, const Model *, int64_t step, Buffer *, Error *);

#endif
