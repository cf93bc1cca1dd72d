/* trainer.h - the training loop: the same for every architecture and task. */
#ifndef TRAIN_TRAINER_H
#define TRAIN_TRAINER_H

#include "run/bundle.h"
#include "run/judge.h"
#include "train/checkpoint.h"
#include "train/gradients.h"
#include "train/log.h"
#include "train/pace.h"
#include "train/run_dir.h"

typedef struct Trainer {
  RunDir *run;
  const TrainSettings *settings;
  Settings *all_settings; /* which those are part of: a recipe is written from them */
  const Plan *plan;
  uint64_t seed;
  Model *model;
  const Tokenizer *tokenizer;
  int32_t begin;            /* token that samples start from; -1: none */
  Batches *batches, *valid; /* valid NULL: nothing held out */
  Judge *judge;             /* shows what the model makes of examples; NULL: of running text */
  Optimizer optimizer;
  TrainState state;
  TrainLog log;
  News news;
  Pace pace;      /* opened by the caller: --budget's deadline, and what work is expected */
  double results; /* scoring the finished model is worth so many evaluations' scoring, in time */
  bool unscored;  /* there was no time for an evaluation */
  double peak;    /* the machine's measured FLOP/s */
  Gradients *gradients;
  /* since the last line of the log */
  double loss_sum, norm;
  int64_t loss_count;
  double part_start;                  /* clock when this part of the run began */
  int64_t positions;                  /* of sources and targets, in the last update */
  double speed;                       /* of them, a second, smoothed */
  double told;                        /* clock of the last progress event */
  bool told_hard_batch, told_unshown; /* said once in a part of a run */
} Trainer;

/* Runs from state.step to state.steps. *finished is false where it was interrupted, after a checkpoint. */
bool trainer_run(Trainer *, bool *finished, Error *);

#endif
