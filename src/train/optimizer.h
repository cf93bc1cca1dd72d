/* optimizer.h - AdamW and Muon, gradient clipping, learning-rate schedules, weight averaging. */
#ifndef TRAIN_OPTIMIZER_H
#define TRAIN_OPTIMIZER_H

#include "nn/params.h"
#include "train/muon.h"
#include "train/settings.h"

typedef struct Optimizer {
  Params *params;
  const TrainSettings *settings;
  float *m, *v;           /* moments of the gradient, laid out as params_values */
  double decay;           /* weight decay of matrices and embeddings */
  float *average;         /* exponential moving average of the weights; NULL without --ema */
  bool by_muon;           /* matrices are updated by Muon, which does not use v */
  const Param **matrices; /* [matrix_count]: the matrices updated by Muon */
  int64_t matrix_count;
  Muon *muon;  /* [workers]: workspaces */
  int workers; /* matrices updated in parallel, one thread each; 1: one at a time by all threads */
} Optimizer;
/* decay: weight decay, from the plan. */
void optimizer_open(Optimizer *, Params *, const TrainSettings *, double decay);
void optimizer_close(Optimizer *);
/* Bytes per parameter, in addition to weights and gradients. */
int64_t optimizer_bytes_per_parameter(const TrainSettings *);

/* L2 norm of the whole gradient, the same for any number of threads. */
double gradient_norm(Params *);
/* Applies update number `step` (from 1), with the gradients scaled by `clip`. */
void optimizer_step(Optimizer *, int64_t step, double learning_rate, double clip);
/* The weights to evaluate and save: the moving average if there is one. */
float *optimizer_weights(Optimizer *);

/* Learning rate of update number `step` (from 1) of `steps`, as a share of the peak, in 0..1. */
double schedule_share(const TrainSettings *, int64_t step, int64_t steps, int64_t warmup);

#endif
