/* recipe.h - recipe.yaml: the settings that reproduce the weights from the same texts. */
#ifndef TRAIN_RECIPE_H
#define TRAIN_RECIPE_H

#include "train/run_dir.h"

/* Fills in the values that the plan decided and that were not given. */
bool recipe_fill(Settings *, const Plan *, Error *);
/* Replaces *settings by the recipe at `path` of the run being resumed, updated with `given`. A changed value
 * of a setting that may not change on resume is refused. A new number of steps is left to the caller
 * (recipe_replan). */
bool recipe_continue(const char *path, const Settings *given, Settings **settings, Error *);
bool recipe_write(const RunDir *, const Settings *, Error *);

/* Refuses an invalid list of changes. */
bool recipe_check_replan(const char *changes, Error *);
/* Notes the first step of `changes` that a run of `steps` does not make, if there is one. */
void recipe_note_unreached(const char *changes, int64_t steps, const News *);
/* The number of steps that `changes` (--replan, "STEP:STEPS ...") sets at `step`, else `otherwise`. */
int64_t recipe_steps(const char *changes, int64_t step, int64_t otherwise);
/* Adds a change and saves the recipe. */
bool recipe_replan(const RunDir *, Settings *, int64_t step, int64_t steps, Error *);

#endif
