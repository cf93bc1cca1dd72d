/* checkpoint.h - checkpoints of a run, which may be killed at any moment.
 *
 * <run>/checkpoint-<step>/ contains model.safetensors, optimizer.safetensors and trainer_state.json. It is
 * written under a temporary name, fsynced and renamed, so an incomplete one never appears. */
#ifndef TRAIN_CHECKPOINT_H
#define TRAIN_CHECKPOINT_H

#include "base/news.h"
#include "train/optimizer.h"

/* Weights of an evaluated model, kept for --average; see snapshots.h. */
typedef struct Snapshot {
  int64_t step;
  double rank; /* the lowest is dropped first */
} Snapshot;
enum { MOST_SNAPSHOTS = 32 };

/* State of a run except weights and moments. Random numbers and shuffling are functions of the step. */
typedef struct TrainState {
  int64_t step, steps; /* done, and planned in total */
  int64_t warmup;
  double rate_scale; /* halved by each rollback */
  int64_t rollbacks;
  double recent_loss;       /* running average, to detect spikes; 0: none yet */
  double best_score;        /* of the best evaluation: its metric of --best-by, or minus its loss */
  int64_t best_step, worse; /* 0: none yet; number of evaluations since then */
  double valid_loss;        /* of the last evaluation */
  double seconds;           /* training time, over all parts of the run */
  Snapshot snapshots[MOST_SNAPSHOTS];
  int64_t snapshot_count;
} TrainState;

bool checkpoint_save(const char *run, const TrainState *, Optimizer *, int64_t keep, Error *);
/* Atomically replaces the state in the checkpoint of state->step. */
bool checkpoint_restate(const char *run, const TrainState *, Error *);
/* Loads the newest readable checkpoint; a damaged one is reported and renamed. *found: there is any. */
bool checkpoint_load(const char *run, TrainState *, Optimizer *, const News *, bool *found, Error *);
bool checkpoint_exists(const char *run);
/* Removes all checkpoints, also unfinished ones left by a crash. */
bool checkpoint_remove_all(const char *run, Error *);

#endif
