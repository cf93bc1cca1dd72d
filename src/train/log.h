/* log.h - the log of a run: log.jsonl (one JSON object per line) and TensorBoard event files. */
#ifndef TRAIN_LOG_H
#define TRAIN_LOG_H

#include "base/file.h"
#include "io/tfevents.h"

typedef struct TrainLog {
  FILE *lines;
  TfEvents *events;
  char path[PATH_CAPACITY];
} TrainLog;

/* Removes lines after `step`, logged by an interrupted run: those steps will be repeated. */
bool log_open(TrainLog *, const char *run, int64_t step, Error *);
void log_close(TrainLog *);

typedef struct LogStep {
  int64_t step;
  double seconds, loss, valid_loss; /* a loss of 0: not measured here */
  const char *metric;               /* the name of metric_value; NULL: not measured here */
  double metric_value;
  double learning_rate, tokens_per_second, gradient_norm;
  const char *const *names;                /* of measures, ended by NULL */
  const double *measures, *valid_measures; /* their values; NULL: not measured here */
} LogStep;
bool log_step(TrainLog *, const LogStep *, Error *);
bool log_sample(TrainLog *, int64_t step, const char *text, Error *);
bool log_remark(TrainLog *, int64_t step, const char *text, Error *); /* a rollback, a changed plan */

#endif
