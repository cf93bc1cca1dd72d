/* unused.h - settings that were given, but have no effect in a call: a flag (or a call of
 * ink_settings_set) is refused by name, a setting of a file, which may serve several calls, gets a warning.
 */
#ifndef BASE_UNUSED_H
#define BASE_UNUSED_H

#include "base/news.h"
#include "base/settings.h"

/* `where` completes "--name has no effect ...", and may end with a remedy: "without --paired". */
bool unused_setting(const Settings *, const char *name, const char *where, const News *, Error *);
/* As above, but a file may have it without a word, as every recipe.yaml does. */
bool unused_flag(const Settings *, const char *name, const char *where, Error *);
/* Each setting of the table. */
bool unused_table(const Settings *, const SettingTable *, const char *where, const News *, Error *);

/* `name` has an effect only if `other` has one of the values, "a|b" or, of "!a", another one. */
typedef struct SettingNeed {
  const char *name, *other, *values;
  bool in_recipes; /* a recipe.yaml has it in any case: no warning */
} SettingNeed;
/* Each need of the list, which ends with {0}. `now`: the values, of which some may have been overridden since
 * they were given. */
bool unused_needs(const Settings *given, const Settings *now, const SettingNeed *, const News *, Error *);

#endif
