#include "base/general.h"

static const Setting items[] = {
#define SETTING(kind, name, otherwise, min, max, arg, help) \
  SETTING_ITEM(GeneralSettings, kind, name, otherwise, min, max, arg, help),
#include "base/general.def"
#undef SETTING
};
const SettingTable general_settings_table = {"general", items, sizeof items / sizeof *items,
                                             sizeof(GeneralSettings)};
