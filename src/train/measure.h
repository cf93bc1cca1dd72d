/* measure.h - how long a training step takes here, found out by doing some. */
#ifndef TRAIN_MEASURE_H
#define TRAIN_MEASURE_H

#include "models/model.h"
#include "train/settings.h"

/* How it is done, as --checkpoint-activations and --precision have it. */
typedef struct StepWay {
  bool recompute;
  Precision precision;
} StepWay;
StepWay step_way(const TrainSettings *);

/* Seconds for one update over [sequences, context] tokens (and as large a source, where there is an encoder):
 * forward, backward, optimizer. The best of as many as fit into `seconds`, two at least, after one that warms
 * up.
 * `resident` (or NULL): what the process then holds of memory. */
double measure_step(const Config *, int64_t sequences, StepWay, double seconds, int64_t *resident);

#endif
