/* checkpoint.h - a run on disk, so that it can be killed at any instant.
 *
 * <run>/checkpoint-<step>/ holds model.safetensors, optimizer.safetensors and trainer_state.json. It is
 * written under another name, fsynced and renamed: it is there whole or not at all. */
#ifndef TRAIN_CHECKPOINT_H
#define TRAIN_CHECKPOINT_H

#include "base/news.h"
#include "train/optimizer.h"

/* Weights kept beside the checkpoints; see snapshots.h. */
typedef struct Snapshot {
  int64_t step;
  double rank; /* larger is kept longer */
} Snapshot;
enum { MOST_SNAPSHOTS = 32 };

/* Where a run stands, beside weights and moments. What is random or shuffled is a function of the step. */
typedef struct TrainState {
  int64_t step, steps; /* done, and planned in all */
  int64_t warmup;
  double rate_scale; /* halved by each rollback */
  int64_t rollbacks;
  double recent_loss;       /* running average, for spikes; 0: none yet */
  double best_score;        /* of the best evaluation: minus its loss, or what --best-by names */
  int64_t best_step, worse; /* 0: none yet; evaluations since the best one */
  double valid_loss;        /* the last evaluation */
  double seconds;           /* trained, over all parts of the run */
  Snapshot snapshots[MOST_SNAPSHOTS];
  int64_t snapshot_count;
} TrainState;

bool checkpoint_save(const char *run, const TrainState *, Optimizer *, int64_t keep, Error *);
/* Its own step's checkpoint says this state from now on: in one instant, the old one or the new one. */
bool checkpoint_restate(const char *run, const TrainState *, Error *);
/* The newest one that can be read; a damaged one is told, and set aside. *found: is there any? */
bool checkpoint_load(const char *run, TrainState *, Optimizer *, const News *, bool *found, Error *);
bool checkpoint_exists(const char *run);
/* Removes all, and what a crash left unfinished. */
bool checkpoint_remove_all(const char *run, Error *);

#endif
