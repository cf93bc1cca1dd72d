/* measure.h - measures the duration of a training step on this machine. */
#ifndef TRAIN_MEASURE_H
#define TRAIN_MEASURE_H

#include "train/plan.h"

/* How steps are computed (--checkpoint-activations, --precision), and what is trained. */
typedef struct StepMode {
  bool recompute;
  Precision precision;
  Tuning tuning;
  const char *optimizer; /* NULL: AdamW */
} StepMode;
StepMode step_mode(const TrainSettings *);

/* Seconds for one update (forward, backward, optimizer) over [sequences, context] tokens, and a source of the
 * same size if there is an encoder: the fastest of at least two after a warm-up, repeated for `seconds`.
 * `resident` (or NULL): resident memory of the process after that. */
double measure_step(const Config *, int64_t sequences, StepMode, double seconds, int64_t *resident);
/* The same of updates with the run's own batches, spread over the text, and its objective: the mean. */
double measure_updates(const Plan *, const Material *, Batches *, const Settings *, double seconds);

#endif
