/* snapshots.h - weights kept along a run, whose mean becomes the finished model (--average): the mean of a
 * few late points lies deeper in the valley than any of them (Polyak and Juditsky 1992; Vaswani et al. 2017).
 *
 * Files snapshot-<step>.safetensors in the model directory, removed at the end. */
#ifndef TRAIN_SNAPSHOTS_H
#define TRAIN_SNAPSHOTS_H

#include "nn/params.h"
#include "train/checkpoint.h"

/* Keeps these weights if they are among the `most` best by `rank`; the list is in the state, so that a
 * checkpoint remembers it. */
bool snapshots_add(const char *run, TrainState *, Params *, const float *values, double rank, int64_t most,
                   Error *);
/* Removes files that are not in the list: once a checkpoint says so. */
bool snapshots_prune(const char *run, const TrainState *, Error *);
/* Takes those out of the list whose files are gone: those of a checkpoint that is not the newest may be. */
void snapshots_find(const char *run, TrainState *);
/* The mean of those in the list, into values. */
bool snapshots_mean(const char *run, const TrainState *, Params *, float *values, Error *);

#endif
