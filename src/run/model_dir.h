/* model_dir.h - which files of a directory are a model's, and how a new model takes an old one's place.
 *
 * A run that replaces a model lives in <model>/inkstone-next until it has a model of its own to show. Then,
 * in an order that may be cut off anywhere:
 *
 *   1. it is renamed to inkstone-next.ready: from here on readers take the new model, from there
 *   2. its files are linked over the old ones, its checkpoints renamed; what only the old one had is removed
 *   3. that directory is renamed to inkstone-next.done, and removed
 *
 * so that at any instant the old model or the new one is there, whole. */
#ifndef RUN_MODEL_DIR_H
#define RUN_MODEL_DIR_H

#include <sys/types.h>

#include "base/file.h"

typedef enum ModelDirContent {
  MODEL_DIR_EMPTY,   /* nothing that a model would be mixed up with */
  MODEL_DIR_STARTED, /* Inkstone's own, but neither weights nor checkpoints yet */
  MODEL_DIR_OURS,
  MODEL_DIR_FOREIGN /* files of a model, or of a run, without a card (inkstone.json) that says we wrote them
                     */
} ModelDirContent;

/* *met: a name that says so, in `buf`; NULL where it is empty. */
ModelDirContent model_dir_content(const char *dir, char buf[PATH_CAPACITY], const char **met);

/* Refuses, by name, a directory where a file of a model will have to be. */
bool model_dir_check(const char *dir, Error *);

/* Whose model is there: another one after a new one took its place, or began to. What was read in between is
 * of neither. Where it is: dir_current. */
typedef struct ModelDirMark {
  ino_t ready, card;
} ModelDirMark;
ModelDirMark model_dir_mark(const char *dir);
bool model_dir_same(ModelDirMark, ModelDirMark);
/* Where a run lives that is to replace the model in `dir`. */
const char *model_dir_next(char buf[PATH_CAPACITY], const char *dir);

/* The run in model_dir_next takes the place of the model in `dir`. */
bool model_dir_replace(const char *dir, Error *);
/* Removes what killed processes were writing there; only for who holds the directory's lock. */
void model_dir_sweep(const char *dir);
/* Completes what a crash cut off, if anything. */
bool model_dir_finish(const char *dir, Error *);

#endif
