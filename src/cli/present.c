#include "cli/present.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/figure.h"
#include "base/language.h"
#include "base/memory.h"
#include "cli/glyph.h"

enum { INDENT = 2, MOST_COLUMNS = 16 };

/* ---- words ---- */

/* Text from files may contain control characters. */
static char *visible(const char *text, size_t length) {
  Buffer b = {0};
  glyph_visible(&b, text, length);
  return buffer_take(&b);
}

static char *label(const char *key) {
  static const char *const translated[] = {
#define LABEL(english) english,
#include "cli/labels.def"
#undef LABEL
  };
  char *text = visible(key, strlen(key)), *local = NULL;
  for (char *p = text; *p; p++)
    if (*p == '_') *p = ' ';
  for (size_t i = 0; i < sizeof translated / sizeof *translated && !local; i++)
    if (!strcmp(text, translated[i])) local = mem_strdup(language_text(text));
  if (!local) return text;
  mem_free(text);
  return local;
}

/* ---- single values ---- */

static bool named(const char *key, const char *word) {
  return strstr(key, word) != NULL;
}

static void add_seconds(Buffer *b, double value) {
  char buf[FIGURE_SIZE];
  if (value >= 60)
    buffer_adds(b, figure_time(buf, value));
  else if (value >= 1)
    buffer_addf(b, "%.3g s", value);
  else if (value >= 1e-3)
    buffer_addf(b, "%.3g ms", value * 1e3);
  else
    buffer_addf(b, "%.3g us", value * 1e6);
}

static void add_large(Buffer *b, double value) {
  static const char prefixes[] = " kMGTPE";
  size_t i = 0;
  for (; fabs(value) >= 999.5 && prefixes[i + 1]; i++) value /= 1000;
  buffer_addf(b, "%.4g %c", value, prefixes[i]);
}

/* The unit of a number follows from its key. */
static void add_real(Buffer *b, const char *key, double value) {
  char buf[FIGURE_SIZE];
  if (named(key, "share"))
    buffer_addf(b, "%.1f %%", value * 100);
  else if (!strncmp(key, "seconds", 7))
    add_seconds(b, value);
  else if (fabs(value) >= 1e7)
    add_large(b, value);
  else if (fabs(value) >= 1e4)
    buffer_adds(b, figure_count(buf, (int64_t)llround(value)));
  else
    buffer_addf(b, "%.5g", value);
}

static void add_integer(Buffer *b, const char *key, int64_t value) {
  char buf[FIGURE_SIZE];
  const bool size = named(key, "bytes") && value >= 1000000;
  buffer_adds(b, size ? figure_bytes(buf, value) : figure_count(buf, value));
}

/* The values of these keys are words of the program, like labels. */
static void add_string(Buffer *b, const char *key, const json_t *value) {
  static const char *const of_words[] = {"bench", "work", "figure", "ceiling"};
  for (size_t i = 0; i < sizeof of_words / sizeof *of_words; i++) {
    if (strcmp(key, of_words[i])) continue;
    char *word = label(json_string_value(value));
    buffer_adds(b, word);
    mem_free(word);
    return;
  }
  buffer_add(b, json_string_value(value), json_string_length(value));
}

static void add_value(Buffer *b, const char *key, const json_t *value) {
  size_t i;
  const json_t *item;
  switch (json_typeof(value)) {
    case JSON_STRING:
      add_string(b, key, value);
      break;
    case JSON_INTEGER:
      add_integer(b, key, json_integer_value(value));
      break;
    case JSON_REAL:
      add_real(b, key, json_real_value(value));
      break;
    case JSON_TRUE:
      buffer_adds(b, _("yes"));
      break;
    case JSON_FALSE:
      buffer_adds(b, _("no"));
      break;
    case JSON_NULL:
      buffer_adds(b, "-");
      break;
    case JSON_ARRAY:
      json_array_foreach(value, i, item) {
        buffer_adds(b, i ? ", " : "");
        add_value(b, key, item);
      }
      break;
    case JSON_OBJECT:
      buffer_adds(b, "{...}");
      break; /* inside a list of mixed types */
  }
}

static char *value_text(const char *key, const json_t *value) {
  Buffer b = {0};
  if (value) add_value(&b, key, value);
  char *text = visible(b.data ? b.data : "", b.length);
  buffer_free(&b);
  return text;
}

static void pad(const char *text, int width, bool right) {
  const int blank = width - glyph_columns(text, strlen(text));
  printf("%*s%s%*s", right && blank > 0 ? blank : 0, "", text, !right && blank > 0 ? blank : 0, "");
}

/* ---- tables ---- */

static bool is_table(const json_t *value) {
  return json_is_array(value) && json_array_size(value) && json_is_object(json_array_get(value, 0));
}

/* The text of a table cell in column `key`; row -1 is the heading. */
static char *cell(const json_t *table, int row, const char *key) {
  return row < 0 ? label(key) : value_text(key, json_object_get(json_array_get(table, (size_t)row), key));
}

static int column_width(const json_t *table, const char *key) {
  int width = 0;
  for (int row = -1; row < (int)json_array_size(table); row++) {
    char *text = cell(table, row, key);
    const int columns = glyph_columns(text, strlen(text));
    if (columns > width) width = columns;
    mem_free(text);
  }
  return width;
}

static void put_table(const json_t *table, int indent) {
  const char *keys[MOST_COLUMNS];
  int widths[MOST_COLUMNS], count = 0;
  bool number[MOST_COLUMNS];
  json_t *first = json_array_get(table, 0), *value;
  const char *key;
  json_object_foreach(first, key, value) {
    if (count == MOST_COLUMNS) break;
    keys[count] = key;
    number[count] = json_is_number(value);
    widths[count++] = column_width(table, key);
  }
  for (int row = -1; row < (int)json_array_size(table); row++) {
    printf("%*s", indent, "");
    for (int i = 0; i < count; i++) {
      char *text = cell(table, row, keys[i]);
      if (i) fputs("  ", stdout);
      pad(text, i + 1 < count || number[i] ? widths[i] : 0, number[i]);
      mem_free(text);
    }
    putchar('\n');
  }
}

/* ---- objects ---- */

static int label_width(const json_t *object) {
  const char *key;
  json_t *value;
  int width = 0;
  json_object_foreach((json_t *)(uintptr_t)object, key, value) {
    if (json_is_object(value) || is_table(value)) continue;
    char *name = label(key);
    const int columns = glyph_columns(name, strlen(name));
    if (columns > width) width = columns;
    mem_free(name);
  }
  return width;
}

static void put_object(const json_t *object, int indent);

static void put_member(const char *key, const json_t *value, int indent, int width) {
  char *name = label(key);
  printf("%*s", indent, "");
  if (json_is_object(value) || is_table(value)) {
    printf("%s\n", name);
    if (json_is_object(value))
      put_object(value, indent + INDENT);
    else
      put_table(value, indent + INDENT);
  } else {
    char *text = value_text(key, value);
    pad(name, width, false);
    printf("  %s\n", text);
    mem_free(text);
  }
  mem_free(name);
}

/* Recursion is bounded: json_parse limits the depth. */
static void put_object(const json_t *object, int indent) {
  const int width = label_width(object);
  const char *key;
  json_t *value;
  json_object_foreach((json_t *)(uintptr_t)object, key,
                      value) if (!json_is_object(value) || json_object_size(value))
      put_member(key, value, indent, width);
}

void present(const json_t *json, bool as_json) {
  if (as_json) {
    char *text = json_text(json, JSON_INDENT(2));
    puts(text);
    mem_free(text);
  } else if (json_is_object(json))
    put_object(json, 0);
  else if (is_table(json))
    put_table(json, 0);
}

bool present_text(const char *text, bool as_json, Error *err) {
  json_t *json = json_parse(text, strlen(text), "result", err);
  if (!json) return false;
  present(json, as_json);
  json_decref(json);
  return true;
}
