/* trainer.h - the training loop, independent of architecture and task. */
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
  Settings *all_settings; /* includes `settings`; written to the recipe */
  const Plan *plan;
  uint64_t seed;
  Model *model;
  const Tokenizer *tokenizer;
  int32_t begin, opening;      /* tokens that samples start with (run/writer.h); -1: none */
  Batches *batches, *valid;    /* valid NULL: no held-out text */
  ObjectiveUse use, valid_use; /* what is minimized, and measured on held-out text */
  Judge *judge;                /* writes texts for held-out examples; NULL with running text */
  Optimizer optimizer;
  TrainState state;
  TrainLog log;
  News news;
  Pace pace;      /* opened by the caller with the deadline of --budget and the expected work */
  double results; /* time to score the finished model, in units of scoring one evaluation */
  bool unscored;  /* there was no time for any evaluation */
  double peak;    /* measured peak of the machine, FLOP/s */
  Gradients *gradients;
  /* since the last log line: */
  double loss_sum, norm;
  Tally tally;
  int64_t loss_count;
  double part_start;                            /* clock when this part of the run began */
  int64_t positions;                            /* source and target positions in the last update */
  double speed;                                 /* positions per second, smoothed */
  double reported;                              /* clock of the last progress event */
  bool hard_batch_reported, log_error_reported; /* each is reported once per part of a run */
} Trainer;

/* Trains from state.step to state.steps. *finished: false if interrupted; a checkpoint was saved then. */
bool trainer_run(Trainer *, bool *finished, Error *);

#endif
