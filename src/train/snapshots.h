/* snapshots.h - weights saved during a run, whose mean becomes the finished model (--average): the mean of
 * several late points has a lower loss than each of them (Polyak and Juditsky 1992; Vaswani et al. 2017).
 *
 * Stored as snapshot-<step>.safetensors in the model directory; removed at the end. */
#ifndef TRAIN_SNAPSHOTS_H
#define TRAIN_SNAPSHOTS_H

#include "nn/params.h"
#include "train/checkpoint.h"

/* Saves these weights if they are among the `most` best by `rank`. The list is part of the state, hence of
 * checkpoints. */
bool snapshots_add(const char *run, TrainState *, Params *, const float *values, double rank, int64_t most,
                   Error *);
/* Removes files that are not in the list; called after the list was saved in a checkpoint. */
bool snapshots_prune(const char *run, const TrainState *, Error *);
/* Removes entries without a file from the list, as an older checkpoint may have. */
void snapshots_find(const char *run, TrainState *);
/* Stores the mean of the listed weights in values. */
bool snapshots_mean(const char *run, const TrainState *, Params *, float *values, Error *);

#endif
