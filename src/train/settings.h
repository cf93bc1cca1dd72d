/* settings.h - the settings of training as a struct; see settings.def. */
#ifndef TRAIN_SETTINGS_H
#define TRAIN_SETTINGS_H

#include "base/settings.h"

typedef struct TrainSettings {
#define SETTING(kind, name, otherwise, min, max, arg, help) SettingType_##kind name;
#include "train/settings.def"
#undef SETTING
} TrainSettings;
extern const SettingTable train_settings_table;

#endif
