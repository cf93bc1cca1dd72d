/* tune.h - which part of a base model a run trains: settings to Tuning. */
#ifndef TRAIN_TUNE_H
#define TRAIN_TUNE_H

#include "data/material.h"
#include "models/model.h"
#include "train/settings.h"

/* Without `base`. */
Tuning tune_of(const TrainSettings *);
/* The adapter's alpha, given or twice its rank. */
double tune_alpha(const TrainSettings *);
/* Fails for a task that changes a model (MaterialKind.tunes) without one. */
bool tune_has_base(const Task *, const TrainSettings *, Error *);
/* Refuses settings that have no effect. */
bool tune_contradictions(const Settings *own, Error *);
/* The peak learning rate of adapters, and passes over the text, if none are given. */
double tune_learning_rate(const Config *);
enum { TUNE_PASSES = 3 };

#endif
