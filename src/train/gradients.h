/* gradients.h - the gradients of an update, from its batches.
 *
 * With several batches per update (--mix), the gradients of each batch are computed separately and added in
 * the order of the batches. The result is bit-identical whether all threads work on one batch at a time, or
 * (with at most as many threads as batches) each thread on a batch of its own, which avoids waiting. */
#ifndef TRAIN_GRADIENTS_H
#define TRAIN_GRADIENTS_H

#include "train/objective.h"
#include "train/plan.h"

typedef struct Gradients Gradients;

/* All arguments must outlive it. */
Gradients *gradients_new(const Model *, Batches *, const ObjectiveUse *, const Plan *, const TrainSettings *,
                         uint64_t seed);
void gradients_free(Gradients *); /* may be NULL */

/* Computes the mean loss over all units (targets) of update number `step` (from 0) and its gradients, stored
 * in the model's parameters; returns the loss. *positions: source and target positions, including padding. */
double gradients_make(Gradients *, int64_t step, int64_t *positions);
/* What the last update measured. */
Tally gradients_tally(const Gradients *);

/* Bytes needed in addition to the model and its gradients. */
int64_t gradients_bytes(const Plan *);

#endif
