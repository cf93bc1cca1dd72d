/* model_dir.h - which files of a directory belong to a model, and how a new model replaces an old one.
 *
 * A run that replaces a model works in <model>/inkstone-next until it has a model of its own. Then, in steps
 * that may be interrupted at any point:
 *
 *   1. inkstone-next is renamed to inkstone-next.ready: from now on readers open the new model there
 *   2. its files are linked over the old ones, its checkpoints renamed; files only the old model had are
 * removed
 *   3. inkstone-next.ready is renamed to inkstone-next.done and removed
 *
 * so that at any instant either the old or the new model is complete. */
#ifndef RUN_MODEL_DIR_H
#define RUN_MODEL_DIR_H

#include <sys/types.h>

#include "base/file.h"

typedef enum ModelDirContent {
  MODEL_DIR_EMPTY,   /* no files of a model */
  MODEL_DIR_STARTED, /* written by Inkstone, but no weights or checkpoints yet */
  MODEL_DIR_OURS,
  MODEL_DIR_FOREIGN /* files of a model or a run, but no card (inkstone.json) of Inkstone */
} ModelDirContent;

/* *met: a file name that shows it, in `buf`; NULL if empty. */
ModelDirContent model_dir_content(const char *dir, char buf[PATH_CAPACITY], const char **met);

/* Whether it has the configuration of a model, of whatever program. */
bool model_dir_has_model(const char *dir);

/* Fails if a directory has the name of a file that a model needs. */
bool model_dir_check(const char *dir, Error *);

/* Identifies the model in a directory; the mark changes when a new model replaces it. Data read while it
 * changed may mix both models. The current directory of a model: dir_current. */
typedef struct ModelDirMark {
  ino_t ready, card;
} ModelDirMark;
ModelDirMark model_dir_mark(const char *dir);
bool model_dir_same(ModelDirMark, ModelDirMark);
/* A directory, locked to write a model into it. */
typedef struct ModelDirLock {
  const char *home;
  bool made; /* it did not exist */
  int lock;  /* -1: not locked */
} ModelDirLock;
/* Creates the directory if needed, completes an interrupted replacement, and removes the temporary files of
 * killed processes. Unlock it in any case, which removes the directory if it was created and is empty. */
bool model_dir_lock(ModelDirLock *, const char *home, Error *);
void model_dir_unlock(ModelDirLock *);
/* The name, in `buf`, of a file that no model of Inkstone has: a part, perhaps, of another program's model,
 * which would be mixed with a new one. NULL: there is none. */
const char *model_dir_stranger(const char *dir, char buf[PATH_CAPACITY]);
/* The working directory of a run that is to replace the model in `dir`. */
const char *model_dir_next(char buf[PATH_CAPACITY], const char *dir);

/* Removes checkpoints, averaged weights and TensorBoard's events of the old run, which its model does not
 * need. */
bool model_dir_remove_states(const char *dir, Error *);
/* Replaces the model in `dir` by the run in model_dir_next. */
bool model_dir_replace(const char *dir, Error *);
/* Completes a replacement that was interrupted, if any. */
bool model_dir_finish(const char *dir, Error *);

#endif
