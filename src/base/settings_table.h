/* settings_table.h - makes a list of settings define its table. Include it last, before the list, in the
 * one .c file that owns the table; once per file, since SettingsHere is one type. */
#include "base/settings.h"

#undef SETTINGS_BEGIN
#undef SETTING
#undef SETTING_WITH_BASE
#undef SETTING_ON_RESUME
#undef SETTING_PROMPT
#undef SETTINGS_END
#define SETTINGS_BEGIN(type, table, section) \
  typedef type SettingsHere;                 \
  const SettingTable table = {section, sizeof(type), (const Setting[]) {
#define SETTING_OF(freedom, ...) SETTING_ITEM(SettingsHere, freedom, false, __VA_ARGS__),
#define SETTING(...)             SETTING_OF(SETTING_FIXED, __VA_ARGS__)
#define SETTING_WITH_BASE(...)   SETTING_OF(SETTING_FREE_WITH_BASE, __VA_ARGS__)
#define SETTING_ON_RESUME(...)   SETTING_OF(SETTING_FREE_ON_RESUME, __VA_ARGS__)
#define SETTING_PROMPT(...)      SETTING_ITEM(SettingsHere, SETTING_FIXED, true, __VA_ARGS__),
#define SETTINGS_END \
  { 0 }              \
  }                  \
  }                  \
  ;
