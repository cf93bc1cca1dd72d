#include "cli/present.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "cli/figure.h"
#include "cli/glyph.h"

enum { INDENT = 2, MOST_COLUMNS = 16 };

/* ---- single values ---- */

static void add_real(Buffer *b, double value) {
  char room[FIGURE_ROOM];
  if (fabs(value) >= 1e5 && fabs(value) < 1e15)
    buffer_adds(b, figure_count(room, (int64_t)llround(value)));
  else
    buffer_addf(b, "%.5g", value);
}

static void add_value(Buffer *b, const json_t *value) {
  char room[FIGURE_ROOM];
  size_t i;
  const json_t *item;
  switch (json_typeof(value)) {
    case JSON_STRING:
      buffer_add(b, json_string_value(value), json_string_length(value));
      break;
    case JSON_INTEGER:
      buffer_adds(b, figure_count(room, json_integer_value(value)));
      break;
    case JSON_REAL:
      add_real(b, json_real_value(value));
      break;
    case JSON_TRUE:
      buffer_adds(b, "yes");
      break;
    case JSON_FALSE:
      buffer_adds(b, "no");
      break;
    case JSON_NULL:
      buffer_adds(b, "-");
      break;
    case JSON_ARRAY:
      json_array_foreach(value, i, item) {
        buffer_adds(b, i ? ", " : "");
        add_value(b, item);
      }
      break;
    case JSON_OBJECT:
      buffer_adds(b, "{...}");
      break; /* inside of a list of mixed things */
  }
}

static char *value_text(const json_t *value) {
  Buffer b = {0};
  if (value) add_value(&b, value);
  return buffer_take(&b);
}

static char *label(const char *key) {
  char *text = mem_strdup(key);
  for (char *p = text; *p; p++)
    if (*p == '_') *p = ' ';
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

/* The keys of the first row are the columns; the column's text of one row (-1: its heading). */
static char *cell(const json_t *table, int row, const char *key) {
  return row < 0 ? label(key) : value_text(json_object_get(json_array_get(table, (size_t)row), key));
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
    const int columns = glyph_columns(key, strlen(key));
    if (!json_is_object(value) && !is_table(value) && columns > width) width = columns;
  }
  return width;
}

static void put_object(const json_t *object, int indent);

static void put_member(const char *name, const json_t *value, int indent, int width) {
  printf("%*s", indent, "");
  if (json_is_object(value) || is_table(value)) {
    printf("%s\n", name);
    if (json_is_object(value))
      put_object(value, indent + INDENT);
    else
      put_table(value, indent + INDENT);
    return;
  }
  char *text = value_text(value);
  pad(name, width, false);
  printf("  %s\n", text);
  mem_free(text);
}

/* Depth is limited where the JSON was read. */
static void put_object(const json_t *object, int indent) {
  const int width = label_width(object);
  const char *key;
  json_t *value;
  json_object_foreach((json_t *)(uintptr_t)object, key, value) {
    char *name = label(key);
    put_member(name, value, indent, width);
    mem_free(name);
  }
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
