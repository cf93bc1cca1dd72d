/* budget.h - --budget TIME: measures this machine, then chooses the run that learns the most in that time.
 *
 * What the best recipes have in common is in advice.def; shapes are compared by a law (law.h) or, of pairs,
 * by the number of updates that fit. */
#ifndef TRAIN_BUDGET_H
#define TRAIN_BUDGET_H

#include "train/plan.h"

/* Before the text is encoded: fills in what was not given, of a new model also tokenizer, vocabulary, shape
 * and batch, and reports the choice. */
bool budget_choose(Settings *, const Material *, double deadline, const News *, Error *);
/* Of a model that is changed, once the text is encoded: fills in the batch, so that enough updates fit. */
bool budget_tune(Settings *, const Config *, const Tuning *, int64_t window, const Material *,
                 double deadline, const News *, Error *);
/* Once there are batches: sets the number of steps that end at the deadline, from a few measured ones, or as
 * many as teach something; fills in how long training goes on where held-out loss has turned. */
bool budget_steps(Settings *, Plan *, const Material *, Batches *, double deadline, const News *, Error *);
/* The part of it that measures nothing: `update` are the seconds of one, `left` those until the deadline. */
bool budget_set_steps(Settings *, Plan *, const Material *, double update, double left, const News *,
                      Error *);
/* The number of steps above which a model that is changed only learns its examples by heart; 0: there is no
 * such number, held-out loss tells. */
int64_t budget_most_steps(const Settings *, const Plan *, const Material *);
/* Estimated cost of an evaluation, in updates, until the first one is timed. */
double budget_evaluation(const Plan *, const Material *, const Settings *);
/* Sets --batch-tokens, unless --batch is given. */
bool budget_fill_batch(Settings *, int64_t tokens, Error *);

#endif
