/* plan.h - the plan of a run, made before it starts: all defaults filled in, memory and disk estimated. */
#ifndef TRAIN_PLAN_H
#define TRAIN_PLAN_H

#include "data/material.h"
#include "models/model.h"
#include "train/teacher.h"

typedef struct Plan {
  Config config;
  Tuning tuning;
  const Teacher *teacher; /* NULL, or one without a path: none */
  int64_t context;        /* tokens of a training window, at most the context of the network */
  BatchSize batch;        /* of one batch, before it is split into pieces */
  int64_t mix;            /* batches per update */
  int64_t accumulate;     /* pieces per batch */
  int64_t steps, warmup, eval_every, eval_tokens, checkpoint_every, sample_every;
  double learning_rate, weight_decay;
  double step_tokens;      /* targets per update, on average */
  double text_tokens;      /* targets of one pass over the text */
  Cost cost;               /* of the largest piece */
  double flops_a_position; /* per source or target position, forward and backward */
  int64_t memory;          /* bytes needed, in total */
  int64_t disk;            /* bytes of the model and its checkpoints */
} Plan;

/* Whether --best-by is a metric rather than the loss. */
bool judged_by_metric(const TrainSettings *);
/* Refuses contradictory settings. If a flag contradicts a setting of a file, the latter is removed from
 * `own`, the run's copy of `given`. */
bool plan_contradictions(const Settings *given, Settings *own, const News *, Error *);
/* Refuses flags that this task does not use; warns about such settings in a file. */
bool plan_check_task(const Task *, const Settings *given, const News *, Error *);
/* Sets the batch size, by the shape of the network and the objective where the settings leave it open. */
bool plan_open(Plan *, const Config *, const Tuning *, int64_t context, const TrainSettings *,
               const Material *, Error *);
/* Completes the plan, from the resulting batches. */
bool plan_make(Plan *, const TrainSettings *, const Material *, const Batches *, Error *);
/* The number of steps that are so many passes over the tokens of the batches. */
int64_t plan_steps_of(const Plan *, double epochs, int64_t tokens);
/* Changes the number of steps and what depends on it. */
void plan_set_steps(Plan *, const TrainSettings *, int64_t steps);
/* Tokens of an update by the shape of the network, where nothing else is given. */
int64_t plan_batch_tokens(const Config *);
bool plan_check_memory(const Plan *, Error *);
/* Reports parameters, tokens, memory and disk; refuses a run that this machine cannot hold. */
bool plan_check(const Plan *, const Batches *, const char *directory, const News *, Error *);

#endif
