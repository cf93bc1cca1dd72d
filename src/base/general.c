#include "base/general.h"

#include "base/settings_table.h"

#include "base/general.def"
