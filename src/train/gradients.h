/* gradients.h - the gradients of an update, from its batches.
 *
 * An update of several batches (--mix) makes the gradients of each apart and adds them in the batches' order:
 * the same bits whether the batches are worked on one after the other by all threads, or, where there are no
 * more threads than batches, each on a thread of its own, where no thread waits for another between products.
 */
#ifndef TRAIN_GRADIENTS_H
#define TRAIN_GRADIENTS_H

#include "train/plan.h"

typedef struct Gradients Gradients;

/* All live longer than it does. */
Gradients *gradients_new(const Model *, Batches *, const Plan *, const TrainSettings *, uint64_t seed);
void gradients_free(Gradients *); /* NULL is fine */

/* Fills the gradients of the model's parameters with those of the mean loss over all targets of the update
 * after `step` others; returns that loss. *positions: of sources and targets, padding counted. */
double gradients_make(Gradients *, int64_t step, int64_t *positions);

/* Bytes that it takes beside the model and its gradients. */
int64_t gradients_bytes(const Plan *);

#endif
