/* settings.h - the training settings as a struct; see settings.def. */
#ifndef TRAIN_SETTINGS_H
#define TRAIN_SETTINGS_H

#include "base/settings.h"

#include "train/distill.def"  /* DistillSettings, distill_settings_table */
#include "train/settings.def" /* TrainSettings, train_settings_table */

#endif
