/* budget.h - --budget TIME: measure this machine, then choose what reaches the lowest loss in that time.
 *
 * The choice rests on a law of loss fitted to runs recorded in docs/log.md: L(N, D) = E + A / N^a + B / D^b
 * for a network of N parameters that saw D tokens (Hoffmann et al. 2022), where passes over the same text
 * count for less and less (Muennighoff et al. 2023). */
#ifndef TRAIN_BUDGET_H
#define TRAIN_BUDGET_H

#include "train/plan.h"

/* Fills in tokenizer, vocabulary and shape, as far as they were not given, and says what was chosen and why.
 */
bool budget_choose(Settings *, const MaterialPart *, double deadline, const News *, Error *);
/* Once the text is encoded: as many steps as end at the deadline, by measuring a few real ones. */
bool budget_steps(Settings *, Plan *, const Material *, double deadline, const News *, Error *);
/* What an evaluation is expected to cost, in updates, before the first one was timed. */
double budget_evaluation(const Plan *, const Material *, const Settings *);

#endif
