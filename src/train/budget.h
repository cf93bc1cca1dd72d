/* budget.h - --budget TIME: measures this machine, then chooses the run with the lowest expected loss in that
 * time.
 *
 * The choice uses a scaling law fitted to runs recorded in docs/log.md: L(N, D) = E + A / N^a + B / D^b for
 * N parameters and D tokens (Hoffmann et al. 2022); repeated passes over the same text count for less
 * (Muennighoff et al. 2023). */
#ifndef TRAIN_BUDGET_H
#define TRAIN_BUDGET_H

#include "train/plan.h"

/* Fills in tokenizer, vocabulary and shape where they were not given, and reports the choice. */
bool budget_choose(Settings *, const MaterialPart *, double deadline, const News *, Error *);
/* Called once the text is encoded: sets the number of steps that end at the deadline, from a few measured
 * ones. */
bool budget_steps(Settings *, Plan *, const Material *, double deadline, const News *, Error *);
/* Estimated cost of an evaluation, in updates, until the first one is timed. */
double budget_evaluation(const Plan *, const Material *, const Settings *);

#endif
