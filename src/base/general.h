/* general.h - the settings shared by all commands: threads and seed. */
#ifndef BASE_GENERAL_H
#define BASE_GENERAL_H

#include "base/settings.h"

#include "base/general.def" /* GeneralSettings, general_settings_table */

#endif
