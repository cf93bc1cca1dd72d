/* settings.h - typed settings, each described once in a `.def` file.
 *
 * A `.def` file lists the settings of one area, one per line:
 *
 *   SETTINGS_BEGIN(ModelSettings, model_settings_table, "model")
 *   SETTING(kind, name, default, min, max, arg, help)
 *   SETTINGS_END
 *
 * kind     C type       written as
 * INT      int64_t      12, 4k, 2M (k, M, G: powers of 1000)
 * REAL     double       0.1, 3e-4
 * TEXT     char *       any text (NULL if unset)
 * CHOICE   char *       one of the words in `arg`, "a|b|c" (NULL if unset and no default)
 * SWITCH   bool         --name, --no-name; true, false in YAML
 * BYTES    int64_t      512M, 1G (powers of 1024)
 * SECONDS  double       90, 30s, 10m, 2h
 * LIST     TextList     any text, may be given several times
 *
 * `default` is text, "" for unset (0, NULL, empty). SETTING_WITH_BASE, SETTING_ON_RESUME (see SettingFreedom)
 * and SETTING_PROMPT (see Setting) have the same form. Including the list after this header defines the
 * struct and declares its table; including it after base/settings_table.h, in one .c file, defines the table.
 * Flags, --help, man page, completion, YAML keys, their checks, and conflicts with --from and --resume are
 * derived from it. */
#ifndef BASE_SETTINGS_H
#define BASE_SETTINGS_H

#include "buffer.h"

typedef struct TextList {
  char **items;
  size_t count;
} TextList;

typedef enum SettingKind {
  SETTING_INT,
  SETTING_REAL,
  SETTING_TEXT,
  SETTING_CHOICE,
  SETTING_SWITCH,
  SETTING_BYTES,
  SETTING_SECONDS,
  SETTING_LIST
} SettingKind;

/* May the setting be given when a base model or an interrupted run determines the others? */
typedef enum SettingFreedom {
  SETTING_FIXED,
  SETTING_FREE_WITH_BASE, /* with --from, which determines the rest of its table */
  SETTING_FREE_ON_RESUME  /* with --resume, which determines all others */
} SettingFreedom;

typedef int64_t SettingType_INT;
typedef double SettingType_REAL;
typedef char *SettingType_TEXT;
typedef char *SettingType_CHOICE;
typedef bool SettingType_SWITCH;
typedef int64_t SettingType_BYTES;
typedef double SettingType_SECONDS;
typedef TextList SettingType_LIST;

typedef struct Setting {
  const char *name; /* of the struct's member: top_p; the flag is --top-p */
  SettingKind kind;
  SettingFreedom freedom;
  bool is_prompt; /* text that a model reads: flags may give it empty, and in any --encoding */
  size_t offset;
  const char *otherwise; /* default value as text */
  double min, max;
  const char *arg, *help;
} Setting;

typedef struct SettingTable {
  const char *section;
  size_t size;          /* of the struct */
  const Setting *items; /* terminated by an item without a name */
} SettingTable;

/* With these definitions a list is a struct and the declaration of its table. */
#define SETTINGS_BEGIN(type, table, section) \
  typedef struct type type;                  \
  extern const SettingTable table;           \
  struct type {
#define SETTING(kind, name, otherwise, min, max, arg, help) SettingType_##kind name;
#define SETTING_WITH_BASE                                   SETTING
#define SETTING_ON_RESUME                                   SETTING
#define SETTING_PROMPT                                      SETTING
#define SETTINGS_END \
  }                  \
  ;

#define SETTING_ITEM(type, freedom, is_prompt, kind, name, otherwise, min, max, arg, help) \
  { #name, SETTING_##kind, freedom, is_prompt, offsetof(type, name), otherwise, min, max, arg, help }

/* struct ink_settings: one value struct per table. */
typedef ink_settings Settings;
Settings *settings_new(const SettingTable *const *tables, size_t count); /* free: ink_settings_free */
void *settings_part(const Settings *, const SettingTable *);             /* the struct of one table */
/* Was it given by flag or file? CHECKs that the name exists. */
bool settings_given(const Settings *, const char *name);
/* Was it given by a call (a flag), which overrides a file? */
bool settings_given_by_call(const Settings *, const char *name);
/* Resets it to its default. */
void settings_forget(Settings *, const char *name);
bool settings_knows(const Settings *, const char *name);
/* The name as a flag: "top-p" for "top_p". CHECKs that it exists, as does settings_freedom. */
const char *settings_flag(const Settings *, const char *name);
SettingFreedom settings_freedom(const Settings *, const char *name);
Settings *settings_copy(const Settings *); /* with the origins; free: ink_settings_free */
/* As ink_settings_get, but running out of memory unwinds. The caller frees. */
char *settings_text(const Settings *, const char *name);
/* As ink_settings_set, but does not replace a given value: used by presets and `--budget`. */
bool settings_fill(Settings *, const char *name, const char *text, Error *);
/* The settings given or filled in, as a YAML mapping for ink_settings_load. The caller frees
 * with mem_free. */
char *settings_to_yaml(const Settings *);
/* As ink_settings_load, from text; `where` names it in errors. */
bool settings_load_text(Settings *, const char *yaml, const char *where, Error *);

/* For settings_yaml.c: sets a value read from a file. `first`: replaces a list instead of appending;
 * `text` NULL: by the empty list. */
bool settings_put_from_file(Settings *, const char *name, const char *text, bool first, Error *);
bool settings_yaml_holds(const char *text);           /* is it UTF-8, as YAML requires? */
void settings_yaml_quote(Buffer *, const char *text); /* as a double-quoted scalar on one line */
/* The setting of that name and a pointer to its value; NULL if unknown: the error suggests the nearest
 * name. */
const Setting *settings_find(const Settings *, const char *name, const void **value, Error *);
/* Edit distance of short names, for "did you mean". */
size_t text_distance(const char *a, const char *b);

#endif
