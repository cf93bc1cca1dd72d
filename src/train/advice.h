/* advice.h - what runs with --budget set where nothing is given, because the best recipes do. */
#ifndef TRAIN_ADVICE_H
#define TRAIN_ADVICE_H

#include "data/material.h"
#include "train/settings.h"

/* Kinds of runs, of which a line of advice.def needs one, and what else it needs. */
enum {
  TEXT = 1,   /* new models of running text */
  PAIRS = 2,  /* of pairs */
  TALK = 4,   /* of conversations */
  LABELS = 8, /* of labels */
  TUNED = 16, /* models that are changed, for any task */
  HELD_OUT = 32,
  WITH_MUON = 64,
  BATCH_OPEN = 128
};

/* The kinds of a run, by its settings and material. */
int advice_runs(const Settings *, const Material *);
/* Fills in settings, and reports each with its reason. */
bool advice_fill(Settings *, int runs, const News *, Error *);

#endif
