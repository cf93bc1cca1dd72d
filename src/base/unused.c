#include "base/unused.h"

#include "base/language.h"

bool unused_setting(const Settings *s, const char *name, const char *where, const News *news, Error *err) {
  const char *flag = settings_flag(s, name);
  if (settings_given_by_call(s, name))
    return fail_usage(err, "--%s has no effect %s: leave it out", flag, language_text(where));
  if (settings_given(s, name)) news_warning(news, "--%s has no effect %s", flag, language_text(where));
  return true;
}

bool unused_table(const Settings *s, const SettingTable *table, const char *where, const News *news,
                  Error *err) {
  for (const Setting *item = table->items; item->name; item++)
    if (!unused_setting(s, item->name, where, news, err)) return false;
  return true;
}
