#include "base/settings.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buffer.h"
#include "base/language.h"
#include "base/narrow.h"
#include "base/structs.h"

enum { MOST_TABLES = 16, NAME_CAPACITY = 64 };

/* The origin of a value, in increasing priority. */
typedef enum Origin { BY_DEFAULT, BY_FILL, BY_FILE, BY_CALL } Origin;

typedef struct Part {
  const SettingTable *table;
  size_t count; /* of its settings */
  char *values;
  unsigned char *origins;
  char (*flags)[NAME_CAPACITY]; /* the names as flags */
} Part;

struct ink_settings {
  Part parts[MOST_TABLES];
  size_t count;
};

/* One setting of one object. */
typedef struct Entry {
  const Setting *setting;
  void *value;
  unsigned char *origin;
  const char *flag, *section;
} Entry;

static Entry entry_at(const Settings *s, size_t part, size_t item) {
  const Part *p = &s->parts[part];
  const Setting *setting = &p->table->items[item];
  return (Entry){setting, p->values + setting->offset, &p->origins[item], p->flags[item], p->table->section};
}

/* ---- values <-> text ---- */

/* A number with an optional suffix: `suffixes` mean base, base^2, ... */
static bool parse_scaled(const char *text, double base, const char *suffixes, double *out) {
  char *end;
  *out = strtod(text, &end);
  if (end == text) return false;
  const char *at = *end ? strchr(suffixes, tolower((unsigned char)*end)) : NULL;
  if (at) {
    *out *= pow(base, (double)(at - suffixes + 1));
    end++;
    if (base == 1024 && (*end == 'B' || *end == 'b')) end++;
  }
  return !*end && isfinite(*out);
}

/* A number that is too large becomes the nearest that fits, which is out of any setting's range. */
static bool parse_whole(const char *text, int64_t *out) {
  char *end;
  const long long value = strtoll(text, &end, 10);
  *out = value;
  if (end != text && !*end) return true;
  double real;
  if (!parse_scaled(text, 1000, "kmg", &real)) return false;
  *out = real < 0 ? INT64_MIN : INT64_MAX;
  if (fabs(real) > 9e18) return true;
  *out = llround(real); /* 1.005k is 1004.9999999999999 in binary */
  return fabs((double)*out - real) <= 1e-12 * fabs(real);
}

static bool parse_duration(const char *text, double *out) {
  static const struct {
    char unit;
    double seconds;
  } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
  char *end;
  const double value = strtod(text, &end);
  *out = value;
  if (end == text || !isfinite(value)) return false;
  for (size_t i = 0; i < sizeof units / sizeof *units; i++)
    if (*end == units[i].unit && !end[1]) {
      *out = value * units[i].seconds;
      return true;
    }
  return !*end;
}

static bool parse_truth(const char *text, bool *out) {
  static const char *const words[2][4] = {{"false", "no", "off", "0"}, {"true", "yes", "on", "1"}};
  for (int i = 0; i < 8; i++) {
    if (strcasecmp(text, words[i / 4][i % 4])) continue;
    *out = i / 4;
    return true;
  }
  return false;
}

static bool is_choice(const char *choices, const char *word) {
  const size_t length = strlen(word);
  for (const char *p = choices;; p++) {
    const char *end = strchr(p, '|');
    const size_t n = end ? (size_t)(end - p) : strlen(p);
    if (n == length && !memcmp(p, word, n)) return true;
    if (!end) return false;
    p = end;
  }
}

static void set_text(char **at, const char *text) {
  char *copy = *text ? mem_strdup(text) : NULL;
  mem_free(*at);
  *at = copy;
}

static void clear_list(TextList *list) {
  for (size_t i = 0; i < list->count; i++) mem_free(list->items[i]);
  mem_free(list->items);
  *list = (TextList){0};
}

static void add_to_list(TextList *list, const char *text) {
  char *copy = mem_strdup(text);
  const bool full = !(list->count & (list->count - 1)); /* the capacity is the next power of two */
  if (full) list->items = mem_resize(list->items, (list->count ? 2 * list->count : 1) * sizeof *list->items);
  list->items[list->count++] = copy;
}

/* A new list of one item or none, built before the old one is freed: memory may run out. */
static void start_list(TextList *list, const char *text) {
  TextList fresh = {0};
  if (text) add_to_list(&fresh, text);
  clear_list(list);
  *list = fresh;
}

static bool in_range(const Entry *p, double value, const char *text, Error *err) {
  const bool whole = p->setting->kind == SETTING_INT;
  if (value >= p->setting->min && value <= p->setting->max) return true;
  return fail_usage(err,
                    whole ? "--%s: %s is out of range: from %.0f to %.0f"
                          : N_("--%s: %s is out of range: from %.15g to %.15g"),
                    p->flag, text, p->setting->min, p->setting->max);
}

/* A parsed value before it is stored, so that an invalid one changes nothing. Texts need no parsing. */
typedef union Value {
  int64_t integer;
  double real;
  bool truth;
} Value;

/* Numbers and choices are ASCII. */
static bool refuse_full_width(const Entry *p, const char *text, Error *err) {
  char narrow[256];
  const char *full_width;
  int length;
  if (p->setting->kind == SETTING_TEXT || p->setting->kind == SETTING_LIST) return true;
  return !narrow_text(text, narrow, sizeof narrow, &full_width, &length) ||
         fail_usage(err, "--%s: \"%s\" has the full-width character %.*s: write %s", p->flag, text, length,
                    full_width, narrow);
}

static bool parse(const Entry *p, const char *text, Value *out, Error *err) {
  double real;
  if (!refuse_full_width(p, text, err)) return false;
  switch (p->setting->kind) {
    case SETTING_INT:
      if (!parse_whole(text, &out->integer))
        return fail_usage(err, "--%s: \"%s\" is not a whole number", p->flag, text);
      return in_range(p, (double)out->integer, text, err);
    case SETTING_REAL:
      if (!parse_scaled(text, 1000, "", &out->real))
        return fail_usage(err, "--%s: \"%s\" is not a number", p->flag, text);
      return in_range(p, out->real, text, err);
    case SETTING_BYTES:
      if (!parse_scaled(text, 1024, "kmgt", &real))
        return fail_usage(err, "--%s: \"%s\" is not a size such as 512M or 2G", p->flag, text);
      if (!in_range(p, real, text, err)) return false;
      out->integer = (int64_t)real;
      return true;
    case SETTING_SECONDS:
      if (!parse_duration(text, &out->real))
        return fail_usage(err, "--%s: \"%s\" is not a time such as 90s, 10m or 2h", p->flag, text);
      return in_range(p, out->real, text, err);
    case SETTING_SWITCH:
      return parse_truth(text, &out->truth) ||
             fail_usage(err, "--%s: \"%s\" is neither true nor false", p->flag, text);
    case SETTING_CHOICE:
      return is_choice(p->setting->arg, text) ||
             fail_usage(err, "--%s: \"%s\" is not one of %s", p->flag, text, p->setting->arg);
    case SETTING_TEXT:
    case SETTING_LIST:
      if (!*text && p->setting->kind == SETTING_LIST)
        return fail_usage(err, "--%s: the text is empty", p->flag);
      return settings_yaml_holds(text) || fail_usage(err, "--%s: \"%s\" is not UTF-8", p->flag, text);
  }
  return false;
}

static void store(const Entry *p, const char *text, const Value *value, bool first) {
  switch (p->setting->kind) {
    case SETTING_INT:
    case SETTING_BYTES:
      *(int64_t *)p->value = value->integer;
      break;
    case SETTING_REAL:
    case SETTING_SECONDS:
      *(double *)p->value = value->real;
      break;
    case SETTING_SWITCH:
      *(bool *)p->value = value->truth;
      break;
    case SETTING_CHOICE:
    case SETTING_TEXT:
      set_text(p->value, text);
      break;
    case SETTING_LIST:
      if (first)
        start_list(p->value, text);
      else
        add_to_list(p->value, text);
  }
}

/* The fewest digits, at least 15, that read back as the same value. */
static char *shortest_real(double value) {
  char text[40];
  for (int digits = 15; digits <= 17; digits++) {
    snprintf(text, sizeof text, "%.*g", digits, value);
    if (strtod(text, NULL) == value) break;
  }
  return mem_strdup(text);
}

static char *whole_text(int64_t value) {
  char text[32];
  snprintf(text, sizeof text, "%lld", (long long)value);
  return mem_strdup(text);
}

static char *list_text(const TextList *list) {
  Buffer b = {0};
  for (size_t i = 0; i < list->count; i++) buffer_addf(&b, "%s%s", i ? "," : "", list->items[i]);
  return buffer_take(&b);
}

static char *value_text(const Entry *p) {
  switch (p->setting->kind) {
    case SETTING_INT:
    case SETTING_BYTES:
      return whole_text(*(const int64_t *)p->value);
    case SETTING_REAL:
    case SETTING_SECONDS:
      return shortest_real(*(const double *)p->value);
    case SETTING_SWITCH:
      return mem_strdup(*(const bool *)p->value ? "true" : "false");
    case SETTING_TEXT:
    case SETTING_CHOICE:
      return mem_strdup(*(char *const *)p->value ? *(char *const *)p->value : "");
    case SETTING_LIST:
      return list_text(p->value);
  }
  return mem_strdup("");
}

/* ---- objects ---- */

static void name_as_flag(char flag[NAME_CAPACITY], const char *name) {
  CHECK(strlen(name) < NAME_CAPACITY);
  size_t i = 0;
  for (; name[i]; i++) flag[i] = name[i] == '_' ? '-' : name[i];
  flag[i] = '\0';
}

static void open_part(Part *part, const SettingTable *table) {
  part->table = table;
  while (table->items[part->count].name) part->count++;
  part->values = mem_alloc_zeroed(1, table->size);
  part->origins = mem_alloc_zeroed(part->count, 1);
  part->flags = mem_alloc_zeroed(part->count, NAME_CAPACITY);
  for (size_t i = 0; i < part->count; i++) name_as_flag(part->flags[i], table->items[i].name);
}

static void store_default(const Entry *p) {
  Error err = {0};
  Value value = {0};
  const char *text = p->setting->otherwise;
  if (*text && !parse(p, text, &value, &err)) check_failed(err.text, 0, p->flag);
  if (*text || p->setting->kind == SETTING_TEXT) store(p, text, &value, true);
}

Settings *settings_new(const SettingTable *const *tables, size_t count) {
  CHECK(count <= MOST_TABLES);
  Settings *s = mem_alloc_zeroed(1, sizeof *s);
  for (s->count = 0; s->count < count; s->count++) {
    open_part(&s->parts[s->count], tables[s->count]);
    for (size_t i = 0; i < s->parts[s->count].count; i++) {
      const Entry p = entry_at(s, s->count, i);
      store_default(&p);
    }
  }
  return s;
}

static void free_value(const Entry *p) {
  if (p->setting->kind == SETTING_TEXT || p->setting->kind == SETTING_CHOICE) mem_free(*(char **)p->value);
  if (p->setting->kind == SETTING_LIST) clear_list(p->value);
}

void ink_settings_free(ink_settings *s) {
  if (!s) return;
  for (size_t k = 0; k < s->count; k++) {
    for (size_t i = 0; i < s->parts[k].count; i++) {
      const Entry p = entry_at(s, k, i);
      free_value(&p);
    }
    mem_free(s->parts[k].values);
    mem_free(s->parts[k].origins);
    mem_free(s->parts[k].flags);
  }
  mem_free(s);
}

void *settings_part(const Settings *s, const SettingTable *table) {
  for (size_t k = 0; k < s->count; k++)
    if (s->parts[k].table == table) return s->parts[k].values;
  CHECK(!"settings without that table");
  return NULL;
}

/* ---- names ---- */

static bool find(const Settings *s, const char *name, Entry *out) {
  char flag[NAME_CAPACITY];
  if (strlen(name) >= sizeof flag) return false;
  name_as_flag(flag, name);
  for (size_t k = 0; k < s->count; k++)
    for (size_t i = 0; i < s->parts[k].count; i++)
      if (!strcmp(flag, s->parts[k].flags[i])) {
        *out = entry_at(s, k, i);
        return true;
      }
  return false;
}

size_t text_distance(const char *a, const char *b) {
  size_t row[NAME_CAPACITY + 1], n = strlen(b);
  if (n > NAME_CAPACITY || strlen(a) > NAME_CAPACITY) return NAME_CAPACITY;
  for (size_t j = 0; j <= n; j++) row[j] = j;
  for (size_t i = 1; *a; a++, i++) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= n; j++) {
      size_t best = diagonal + (*a != b[j - 1]);
      if (row[j] + 1 < best) best = row[j] + 1;
      if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
      diagonal = row[j];
      row[j] = best;
    }
  }
  return row[n];
}

static const char *nearest(const Settings *s, const char *name) {
  char flag[NAME_CAPACITY];
  const char *best = NULL;
  size_t least = strlen(name) / 3 + 2; /* beyond that it is probably not a typing error */
  if (strlen(name) >= sizeof flag) return NULL;
  name_as_flag(flag, name);
  for (size_t k = 0; k < s->count; k++)
    for (size_t i = 0; i < s->parts[k].count; i++) {
      const size_t d = text_distance(flag, s->parts[k].flags[i]);
      if (d < least) {
        least = d;
        best = s->parts[k].flags[i];
      }
    }
  return best;
}

static bool find_known(const Settings *s, const char *name, Entry *out, Error *err) {
  if (find(s, name, out)) return true;
  const char *near = nearest(s, name);
  return near ? fail_usage(err, "unknown setting \"%s\"; did you mean \"%s\"?", name, near)
              : fail_usage(err, "unknown setting \"%s\"", name);
}

const Setting *settings_find(const Settings *s, const char *name, const void **value, Error *err) {
  Entry p;
  if (!find_known(s, name, &p, err)) return NULL;
  *value = p.value;
  return p.setting;
}

static bool put(Settings *s, const char *name, const char *text, Origin origin, bool first, Error *err) {
  Entry p;
  if (!find_known(s, name, &p, err)) return false;
  const bool list = p.setting->kind == SETTING_LIST;
  if (!list && !(text && first)) return fail_usage(err, "--%s: needs one value, not a list", p.flag);
  Value value;
  if (text && !parse(&p, text, &value, err)) return false;
  if (*p.origin > origin) return true;
  store(&p, text, &value, first);
  *p.origin = (unsigned char)origin;
  return true;
}

/* Each call appends to a list; the first call discards the values of a file. */
static bool set_by_call(Settings *s, const char *name, const char *text, Error *err) {
  Entry p;
  const bool first = !find(s, name, &p) || p.setting->kind != SETTING_LIST || *p.origin < BY_CALL;
  return put(s, name, text, BY_CALL, first, err);
}

bool ink_settings_set(ink_settings *s, const char *name, const char *text, ink_error *err) {
  MEM_GUARD(err, return false);
  const bool ok = set_by_call(s, name, text, err);
  MEM_GUARD_END();
  return ok;
}

bool settings_put_from_file(Settings *s, const char *name, const char *text, bool first, Error *err) {
  return put(s, name, text, BY_FILE, first, err);
}

bool settings_fill(Settings *s, const char *name, const char *text, Error *err) {
  return put(s, name, text, BY_FILL, true, err);
}

bool settings_given(const Settings *s, const char *name) {
  Entry p;
  CHECK(find(s, name, &p));
  return *p.origin >= BY_FILE;
}

bool settings_given_by_call(const Settings *s, const char *name) {
  Entry p;
  CHECK(find(s, name, &p));
  return *p.origin == BY_CALL;
}

void settings_forget(Settings *s, const char *name) {
  Entry p;
  CHECK(find(s, name, &p));
  if (p.setting->kind == SETTING_LIST) clear_list(p.value);
  store_default(&p);
  *p.origin = BY_DEFAULT;
}

bool settings_knows(const Settings *s, const char *name) {
  Entry p;
  return find(s, name, &p);
}

const char *settings_flag(const Settings *s, const char *name) {
  Entry p;
  CHECK(find(s, name, &p));
  return p.flag;
}

SettingFreedom settings_freedom(const Settings *s, const char *name) {
  Entry p;
  CHECK(find(s, name, &p));
  return p.setting->freedom;
}

char *settings_text(const Settings *s, const char *name) {
  Entry p;
  return find(s, name, &p) ? value_text(&p) : NULL;
}

char *ink_settings_get(const ink_settings *s, const char *name) {
  MEM_GUARD(NULL, return NULL);
  char *text = settings_text(s, name);
  MEM_GUARD_END();
  return text;
}

static void copy_value(const Entry *to, const Entry *from) {
  const SettingKind kind = from->setting->kind;
  const TextList *list = from->value;
  *to->origin = *from->origin;
  if (kind == SETTING_SWITCH) *(bool *)to->value = *(const bool *)from->value;
  if (kind == SETTING_REAL || kind == SETTING_SECONDS) *(double *)to->value = *(const double *)from->value;
  if (kind == SETTING_INT || kind == SETTING_BYTES) *(int64_t *)to->value = *(const int64_t *)from->value;
  if (kind == SETTING_LIST) {
    clear_list(to->value);
    for (size_t i = 0; i < list->count; i++) add_to_list(to->value, list->items[i]);
  } else if (kind == SETTING_TEXT || kind == SETTING_CHOICE) {
    const char *text = *(char *const *)from->value;
    set_text(to->value, text ? text : "");
  }
}

Settings *settings_copy(const Settings *from) {
  const SettingTable *tables[MOST_TABLES];
  for (size_t k = 0; k < from->count; k++) tables[k] = from->parts[k].table;
  Settings *s = settings_new(tables, from->count);
  for (size_t k = 0; k < s->count; k++)
    for (size_t i = 0; i < s->parts[k].count; i++) {
      const Entry to = entry_at(s, k, i), source = entry_at(from, k, i);
      copy_value(&to, &source);
    }
  return s;
}

bool ink_settings_describe(const ink_settings *s, int index, ink_setting_info *info) {
  for (size_t k = 0; index >= 0 && k < s->count; k++) {
    const int count = (int)s->parts[k].count;
    if (index < count) {
      const Entry p = entry_at(s, k, (size_t)index);
      const ink_setting_info own = {.name = p.flag,
                                    .section = p.section,
                                    .arg = p.setting->arg,
                                    .default_value = p.setting->otherwise,
                                    .help = language_text(p.setting->help),
                                    .is_switch = p.setting->kind == SETTING_SWITCH,
                                    .repeats = p.setting->kind == SETTING_LIST,
                                    .is_prompt = p.setting->is_prompt};
      struct_give(info, &own, sizeof own);
      return true;
    }
    index -= count;
  }
  return false;
}

/* ---- as YAML ---- */

static void yaml_value(Buffer *b, const Entry *p) {
  if (p->setting->kind != SETTING_LIST) {
    char *text = value_text(p);
    const bool plain = p->setting->kind != SETTING_TEXT;
    if (plain)
      buffer_adds(b, text);
    else
      settings_yaml_quote(b, text);
    mem_free(text);
    return;
  }
  const TextList *list = p->value;
  buffer_adds(b, "[");
  for (size_t i = 0; i < list->count; i++) {
    buffer_adds(b, i ? ", " : "");
    settings_yaml_quote(b, list->items[i]);
  }
  buffer_adds(b, "]");
}

char *settings_to_yaml(const Settings *s) {
  Buffer b = {0};
  for (size_t k = 0; k < s->count; k++)
    for (size_t i = 0; i < s->parts[k].count; i++) {
      const Entry p = entry_at(s, k, i);
      if (*p.origin == BY_DEFAULT) continue;
      buffer_addf(&b, "%s: ", p.flag);
      yaml_value(&b, &p);
      buffer_adds(&b, "\n");
    }
  return buffer_take(&b);
}
