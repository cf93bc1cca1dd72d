/* plan.h - what a run will do, settled before it starts: every default filled in, memory and disk reckoned.
 */
#ifndef TRAIN_PLAN_H
#define TRAIN_PLAN_H

#include "data/material.h"
#include "models/model.h"
#include "train/settings.h"

typedef struct Plan {
  Config config;
  int64_t context;    /* tokens of a training window, at most the network's own context */
  BatchSize batch;    /* one of those of an update, over all pieces */
  int64_t mix;        /* batches of an update */
  int64_t accumulate; /* pieces */
  int64_t steps, warmup, eval_every, eval_tokens, checkpoint_every, sample_every;
  double learning_rate, weight_decay;
  double step_tokens;      /* targets an update, on average */
  Cost cost;               /* of one piece, as large as any */
  double flops_a_position; /* of a source or a target, forward and backward */
  int64_t memory;          /* bytes needed, in all */
  int64_t disk;            /* bytes of the model and its checkpoints */
} Plan;

/* Does --best-by name a metric (else the loss judges)? */
bool judged_by_metric(const TrainSettings *);
/* Refuses settings that cannot both be given; of a flag and a file that contradict each other the file's goes
 * from `own`, the run's copy of `given`. */
bool plan_contradictions(const Settings *given, Settings *own, Error *);
/* Refuses flags that only other tasks read, and tells them where a file has them. */
bool plan_check_task(const Task *, const Settings *given, const News *, Error *);
/* How large batches are: what the settings leave open by the shape. */
bool plan_open(Plan *, const Config *, int64_t context, const TrainSettings *, Error *);
/* The rest, by the batches that this gave. */
bool plan_make(Plan *, const TrainSettings *, const Material *, const Batches *, Error *);
/* As plan_make does for the steps, when something decided on another number of them. */
void plan_set_steps(Plan *, const TrainSettings *, int64_t steps);
/* Tells parameters, tokens, memory, and refuses what this machine cannot hold, with the numbers and a way
 * out. */
bool plan_check(const Plan *, const Batches *, const char *directory, const News *, Error *);

#endif
