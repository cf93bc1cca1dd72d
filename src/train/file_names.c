#include "train/file_names.h"

#include <stdio.h>
#include <string.h>

#include "text/utf8.h"

static json_t *name_json(const char *name) {
  const size_t length = strlen(name);
  if (utf8_valid_prefix(name, length) == length) return json_build("s", name);
  Buffer hex = {0};
  for (size_t i = 0; i < length; i++) buffer_addf(&hex, "%02x", (unsigned char)name[i]);
  json_t *json = json_build("{s:o, s:s}", "name", utf8_json(name), "bytes", hex.data);
  buffer_free(&hex);
  return json;
}

json_t *file_names_json(const TextList *list) {
  json_t *array = json_array();
  for (size_t i = 0; i < list->count; i++) json_push(array, name_json(list->items[i]));
  return array;
}

const char *file_name_shown(const json_t *name) {
  return json_is_string(name) ? json_string_value(name) : json_get_text(name, "name", NULL);
}

/* NULL if it is not in the format of name_json. */
static char *bytes_of(const char *hex) {
  const size_t n = strlen(hex) / 2;
  char *bytes = mem_alloc_zeroed(n + 1, 1);
  for (size_t i = 0; i < n; i++) {
    unsigned byte;
    if (sscanf(hex + 2 * i, "%2x", &byte) != 1 || !byte) {
      mem_free(bytes);
      return NULL;
    }
    bytes[i] = (char)byte;
  }
  return bytes;
}

void file_names_read(const json_t *list, TextList *files) {
  files->items = mem_alloc_zeroed(json_array_size(list) + 1, sizeof *files->items);
  for (size_t i = 0; i < json_array_size(list); i++) {
    const json_t *name = json_array_get(list, i);
    const char *hex = json_get_text(name, "bytes", NULL), *shown = file_name_shown(name);
    char *path = hex ? bytes_of(hex) : shown ? mem_strdup(shown) : NULL;
    if (path) files->items[files->count++] = path;
  }
}
