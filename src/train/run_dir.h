/* run_dir.h - the directory of a run: chosen and locked first, changed only once the run is known to be
 * possible.
 *
 * A run is stored in the given directory or, if that contains a model already (--overwrite), in a
 * subdirectory until it has a model itself: run/model_dir.h. */
#ifndef TRAIN_RUN_DIR_H
#define TRAIN_RUN_DIR_H

#include "base/file.h"
#include "base/news.h"
#include "run/model_dir.h"
#include "train/plan.h"

typedef struct RunDir {
  const char *home;         /* the given directory, where the model will be */
  char path[PATH_CAPACITY]; /* directory of the run: home or a subdirectory */
  ModelDirLock lock;        /* of home */
} RunDir;

/* Locks `home`, creating it if needed; a dry run does neither. */
bool run_dir_open(RunDir *, const char *home, bool dry, Error *);
/* Chooses the directory of the run. *again: there is a run to resume. Refuses what would damage a model. */
bool run_dir_choose(RunDir *, const TrainSettings *, const News *, bool *again, Error *);
/* Empties the directory for a new run. */
bool run_dir_begin(RunDir *, Error *);
/* Called when the run has a model: moves the run to `home` if it is not there already. */
bool run_dir_settle(RunDir *, Error *);
/* Unlocks `home`, and removes it if it was created and is empty. */
void run_dir_close(RunDir *);

static inline const char *run_dir_file(const RunDir *d, char buf[PATH_CAPACITY], const char *name) {
  return path_join(buf, d->path, name);
}

#endif
