/* recipe.h - recipe.yaml: the settings that give the same weights again, from the same texts. */
#ifndef TRAIN_RECIPE_H
#define TRAIN_RECIPE_H

#include "train/run_dir.h"

/* What a plan decided, where it was not given; `settings` are the run's. */
bool recipe_fill(Settings *, const Plan *, Error *);
/* Replaces *settings by those of the run being resumed, of the recipe at `path`, with what may change as it
 * is given now; another value of anything else is refused by name. Steps given now are the caller's to
 * change, by recipe_replan. */
bool recipe_continue(const char *path, const Settings *given, Settings **settings, Error *);
bool recipe_write(const RunDir *, const Settings *, Error *);

/* Refuses what is no list of changes. */
bool recipe_check_replan(const char *changes, Error *);
/* Steps of a run whose number was changed on the way: `changes` as in the setting "replan", "STEP:STEPS ...".
 */
int64_t recipe_steps(const char *changes, int64_t step, int64_t otherwise);
/* Another change; saved at once. */
bool recipe_replan(const RunDir *, Settings *, int64_t step, int64_t steps, Error *);

#endif
