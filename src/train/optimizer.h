/* optimizer.h - AdamW or Muon over all parameters at once, gradient clipping, learning-rate schedules, weight
 * averaging. */
#ifndef TRAIN_OPTIMIZER_H
#define TRAIN_OPTIMIZER_H

#include "nn/params.h"
#include "train/muon.h"
#include "train/settings.h"

typedef struct Optimizer {
  Params *params;
  const TrainSettings *settings;
  float *m, *v;           /* moments of the gradient, laid out as params_values */
  double decay;           /* of matrices and tables */
  float *average;         /* exponential moving average of the weights; NULL without --ema */
  bool by_muon;           /* the matrices; v is not used for those */
  const Param **matrices; /* [matrix_count]: those */
  int64_t matrix_count;
  Muon *muon; /* [workers]: where they are worked on, each by a thread of its own */
  int workers;
} Optimizer;
/* decay: as the plan decided. */
void optimizer_open(Optimizer *, Params *, const TrainSettings *, double decay);
void optimizer_close(Optimizer *);
/* Bytes beside weights and gradients, per parameter. */
int64_t optimizer_bytes_per_parameter(const TrainSettings *);

/* L2 norm of all gradients together, the same for any number of threads. */
double gradient_norm(Params *);
/* One update, the step-th (from 1). Scales the gradients by `clip` first. */
void optimizer_step(Optimizer *, int64_t step, double learning_rate, double clip);
/* The weights to evaluate and keep: the average if there is one. */
float *optimizer_weights(Optimizer *);

/* Learning rate of the step-th update (from 1) of `steps`, as a share of the peak, in 0..1. */
double schedule_share(const TrainSettings *, int64_t step, int64_t steps, int64_t warmup);

#endif
