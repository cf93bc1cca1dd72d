#include "base/unused.h"

#include <stdio.h>
#include <string.h>

#include "base/language.h"
#include "base/memory.h"

/* As it was given: "no-calibrate" of a switch that is off. */
static void flag_given(const Settings *s, const char *name, char *flag, size_t capacity) {
  Error unknown = {0};
  const void *value = NULL;
  const Setting *setting = settings_find(s, name, &value, &unknown);
  char *text = setting && setting->kind == SETTING_SWITCH ? settings_text(s, name) : NULL;
  snprintf(flag, capacity, "%s%s", text && !strcmp(text, "false") ? "no-" : "", settings_flag(s, name));
  mem_free(text);
}

bool unused_flag(const Settings *s, const char *name, const char *where, Error *err) {
  char flag[64];
  if (!settings_given_by_call(s, name)) return true;
  flag_given(s, name, flag, sizeof flag);
  return fail_usage(err, "--%s has no effect %s: leave it out", flag, language_text(where));
}

bool unused_setting(const Settings *s, const char *name, const char *where, const News *news, Error *err) {
  char flag[64];
  if (!unused_flag(s, name, where, err)) return false;
  flag_given(s, name, flag, sizeof flag);
  if (settings_given(s, name)) news_warning(news, "--%s has no effect %s", flag, language_text(where));
  return true;
}

bool unused_table(const Settings *s, const SettingTable *table, const char *where, const News *news,
                  Error *err) {
  for (const Setting *item = table->items; item->name; item++)
    if (!unused_setting(s, item->name, where, news, err)) return false;
  return true;
}

static bool is_one_of(const char *value, const char *values) {
  const size_t length = strlen(value);
  for (const char *at = values; at; at = strchr(at, '|') ? strchr(at, '|') + 1 : NULL)
    if (strcspn(at, "|") == length && !strncmp(at, value, length)) return true;
  return false;
}

static bool is_met(const SettingNeed *need, const char *value) {
  return *need->values == '!' ? !is_one_of(value, need->values + 1) : is_one_of(value, need->values);
}

/* "with --tokenizer char", "without --average", "without --optimizer muon". */
static void say_where(const Settings *s, const SettingNeed *need, const char *value, char *where,
                      size_t capacity) {
  const char *flag = settings_flag(s, need->other);
  if (settings_given(s, need->other))
    snprintf(where, capacity, _("with --%s %s"), flag, value);
  else if (*need->values == '!')
    snprintf(where, capacity, _("without --%s"), flag);
  else
    snprintf(where, capacity, _("without --%s %s"), flag, need->values);
}

static bool check_need(const Settings *given, const Settings *now, const SettingNeed *need, const News *news,
                       Error *err) {
  char where[160];
  if (need->in_recipes ? !settings_given_by_call(given, need->name) : !settings_given(given, need->name))
    return true;
  char *value = settings_text(now, need->other);
  const bool met = is_met(need, value);
  if (!met) say_where(given, need, value, where, sizeof where);
  mem_free(value);
  return met || unused_setting(given, need->name, where, news, err);
}

bool unused_needs(const Settings *given, const Settings *now, const SettingNeed *need, const News *news,
                  Error *err) {
  for (; need->name; need++)
    if (!check_need(given, now, need, news, err)) return false;
  return true;
}
