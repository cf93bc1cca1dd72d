#include "train/run_dir.h"

#include <stdio.h>
#include <string.h>

#include "train/checkpoint.h"

bool run_dir_open(RunDir *d, const char *home, bool dry, Error *err) {
  *d = (RunDir){.home = home, .lock = {.lock = -1}};
  if (strlen(home) > PATH_CAPACITY / 2) return fail(err, "%.60s...: the path is too long", home);
  memcpy(d->path, home, strlen(home) + 1);
  return dry || model_dir_lock(&d->lock, home, err);
}

static bool has_run(const char *path) {
  char recipe[PATH_CAPACITY];
  return checkpoint_exists(path) && file_exists(path_join(recipe, path, "recipe.yaml"));
}

/* Finds the newest run: one meant to replace the model in `home`, else the run of that model. */
static bool find_run(RunDir *d) {
  char next[PATH_CAPACITY];
  model_dir_next(next, d->home);
  if (has_run(next)) {
    memcpy(d->path, next, strlen(next) + 1);
    return true;
  }
  return has_run(d->home);
}

static bool choose_new(RunDir *d, bool overwrite, Error *err) {
  char met[PATH_CAPACITY];
  const char *name;
  switch (model_dir_content(d->home, met, &name)) {
    case MODEL_DIR_EMPTY:
    case MODEL_DIR_STARTED:
      return true;
    case MODEL_DIR_FOREIGN:
      return fail(
          err, "%s contains %s, which Inkstone did not write (there is no inkstone.json): choose another -o",
          d->home, name);
    case MODEL_DIR_OURS:
      break;
  }
  model_dir_next(d->path, d->home);
  return overwrite ||
         fail(err,
              "%s already contains a model: continue it with --resume, replace it with --overwrite, or "
              "choose another -o",
              d->home);
}

bool run_dir_choose(RunDir *d, const TrainSettings *s, const News *news, bool *again, Error *err) {
  char met[PATH_CAPACITY];
  const char *name;
  *again = false;
  if (!model_dir_check(d->home, err)) return false;
  *again = s->resume && find_run(d);
  if (*again) return true;
  if (!s->resume) return choose_new(d, s->overwrite, err);
  const ModelDirContent content = model_dir_content(d->home, met, &name);
  if (content == MODEL_DIR_OURS || content == MODEL_DIR_FOREIGN)
    return fail(err,
                "%s contains %s but no run to continue (a checkpoint and recipe.yaml): fine-tune the model "
                "with --from "
                "%s and another -o, or start over with --overwrite",
                d->home, name, d->home);
  news_note(news, "%s: no checkpoint to resume from: starting from the beginning", d->home);
  return true;
}

/* Removes the files of a run that was stopped before its first checkpoint. */
static bool remove_started(const char *path, Error *err) {
  static const char *const names[] = {"log.jsonl", "report.html", "recipe.yaml"};
  char file[PATH_CAPACITY];
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (!dir_remove(path_join(file, path, names[i]), err)) return false;
  return model_dir_remove_states(path, err) && checkpoint_remove_all(path, err);
}

bool run_dir_begin(RunDir *d, Error *err) {
  return strcmp(d->path, d->home) ? dir_remove(d->path, err) && dir_make(d->path, err)
                                  : remove_started(d->path, err);
}

bool run_dir_settle(RunDir *d, Error *err) {
  if (!strcmp(d->path, d->home)) return true;
  if (!model_dir_replace(d->home, err)) return false;
  memcpy(d->path, d->home, strlen(d->home) + 1);
  return true;
}

void run_dir_close(RunDir *d) {
  model_dir_unlock(&d->lock);
}
