/* measure.h - measures the duration of a training step on this machine. */
#ifndef TRAIN_MEASURE_H
#define TRAIN_MEASURE_H

#include "models/model.h"
#include "train/settings.h"

/* How steps are computed (--checkpoint-activations, --precision). */
typedef struct StepWay {
  bool recompute;
  Precision precision;
} StepWay;
StepWay step_way(const TrainSettings *);

/* Seconds for one update (forward, backward, optimizer) over [sequences, context] tokens, and a source of the
 * same size if there is an encoder: the fastest of at least two after a warm-up, repeated for `seconds`.
 * `resident` (or NULL): resident memory of the process after that. */
double measure_step(const Config *, int64_t sequences, StepWay, double seconds, int64_t *resident);

#endif
