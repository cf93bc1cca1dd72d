/* run_dir.h - the directory of a run: chosen and locked first, changed only once the run is known to be
 * possible.
 *
 * A run lives in the directory it was given or, where a model is there already (--overwrite), in one inside
 * of it, until it has a model of its own: run/model_dir.h. */
#ifndef TRAIN_RUN_DIR_H
#define TRAIN_RUN_DIR_H

#include "base/file.h"
#include "base/news.h"
#include "train/plan.h"

typedef struct RunDir {
  const char *home;         /* as it was named: where the model will be */
  char path[PATH_CAPACITY]; /* where the run is: home, or inside of it */
  bool made;                /* home was not there before */
  int lock;                 /* of home; -1: none */
} RunDir;

/* Locks `home`, making it if need be; a dry run does neither. */
bool run_dir_open(RunDir *, const char *home, bool dry, Error *);
/* Where the run is, or will be. *again: there is a run to resume. Refuses, naming what is there, what would
 * harm a model. */
bool run_dir_choose(RunDir *, const TrainSettings *, const News *, bool *again, Error *);
/* The place for a new run, empty. */
bool run_dir_begin(RunDir *, Error *);
/* The run has a model: it moves to `home`, where it is not there already. */
bool run_dir_settle(RunDir *, Error *);
/* Leaves nothing behind where it left nothing in `home`. */
void run_dir_close(RunDir *);

static inline const char *run_dir_file(const RunDir *d, char buf[PATH_CAPACITY], const char *name) {
  return path_join(buf, d->path, name);
}

#endif
