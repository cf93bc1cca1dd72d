/* general.h - the settings that every activity shares: threads and seed. */
#ifndef BASE_GENERAL_H
#define BASE_GENERAL_H

#include "base/settings.h"

typedef struct GeneralSettings {
#define SETTING(kind, name, otherwise, min, max, arg, help) SettingType_##kind name;
#include "base/general.def"
#undef SETTING
} GeneralSettings;
extern const SettingTable general_settings_table;

#endif
