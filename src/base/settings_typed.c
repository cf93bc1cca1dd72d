/* settings_typed.c - typed access to the values of settings. */
#include <inttypes.h>
#include <stdio.h>

#include "base/language.h"
#include "base/settings.h"

typedef enum Shape { WHOLE, REAL, TRUTH, TEXT } Shape;

static Shape shape_of(SettingKind kind) {
  switch (kind) {
    case SETTING_INT:
    case SETTING_BYTES:
      return WHOLE;
    case SETTING_REAL:
    case SETTING_SECONDS:
      return REAL;
    case SETTING_SWITCH:
      return TRUTH;
    default:
      return TEXT;
  }
}

static const void *value_of(const Settings *s, const char *name, Shape wanted, Error *err) {
  static const char *const shapes[] = {N_("a whole number"), N_("a number"), N_("a switch"), N_("a text")};
  const void *value = NULL;
  const Setting *setting = settings_find(s, name, &value, err);
  if (!setting) return NULL;
  const Shape shape = shape_of(setting->kind);
  if (shape == wanted) return value;
  fail_usage(err, "--%s is %s, not %s", name, language_text(shapes[shape]), language_text(shapes[wanted]));
  return NULL;
}

bool ink_settings_get_int(const ink_settings *s, const char *name, int64_t *value, ink_error *err) {
  const int64_t *found = value_of(s, name, WHOLE, err);
  if (found) *value = *found;
  return found != NULL;
}

bool ink_settings_get_real(const ink_settings *s, const char *name, double *value, ink_error *err) {
  const double *found = value_of(s, name, REAL, err);
  if (found) *value = *found;
  return found != NULL;
}

bool ink_settings_get_bool(const ink_settings *s, const char *name, bool *value, ink_error *err) {
  const bool *found = value_of(s, name, TRUTH, err);
  if (found) *value = *found;
  return found != NULL;
}

bool ink_settings_set_int(ink_settings *s, const char *name, int64_t value, ink_error *err) {
  char text[32];
  snprintf(text, sizeof text, "%" PRId64, value);
  return value_of(s, name, WHOLE, err) && ink_settings_set(s, name, text, err);
}

bool ink_settings_set_real(ink_settings *s, const char *name, double value, ink_error *err) {
  char text[32];
  snprintf(text, sizeof text, "%.17g", value);
  return value_of(s, name, REAL, err) && ink_settings_set(s, name, text, err);
}

bool ink_settings_set_bool(ink_settings *s, const char *name, bool value, ink_error *err) {
  return value_of(s, name, TRUTH, err) && ink_settings_set(s, name, value ? "true" : "false", err);
}
