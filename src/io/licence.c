#include "io/licence.h"

#include <string.h>

#include "base/buffer.h"
#include "base/file.h"

const LicencePart licence_parts[LICENCE_PARTS] = {{"id", "license", "general.license"},
                                                  {"name", "license_name", "general.license.name"},
                                                  {"link", "license_link", "general.license.link"}};

void licence_put(json_t *licence, const char *part, const char *text, size_t length) {
  enum { LONGEST = 500 };
  bool good = length > 0 && length <= LONGEST && json_is_utf8(text, length);
  for (size_t i = 0; i < length && good; i++) good = (unsigned char)text[i] >= ' ' && text[i] != 0x7f;
  if (good) json_put(licence, part, json_stringn(text, length));
}

/* ---- front matter ---- */

typedef struct Span {
  const char *text;
  size_t length;
} Span;

static bool is(Span s, const char *text) {
  return s.length == strlen(text) && !memcmp(s.text, text, s.length);
}

static bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r';
}

static Span trimmed(Span s) {
  while (s.length && is_blank(s.text[0])) s.text++, s.length--;
  while (s.length && is_blank(s.text[s.length - 1])) s.length--;
  return s;
}

/* Removes the line from the text. */
static Span next_line(Span *rest) {
  const char *end = memchr(rest->text, '\n', rest->length);
  const Span line = {rest->text, end ? (size_t)(end - rest->text) : rest->length};
  const size_t taken = line.length + (end != NULL);
  rest->text += taken, rest->length -= taken;
  return line;
}

/* What stands between such marks, or all. */
static Span within(Span s, char first, char last) {
  const bool both = s.length >= 2 && s.text[0] == first && s.text[s.length - 1] == last;
  return both ? trimmed((Span){s.text + 1, s.length - 2}) : s;
}

static Span value_of(Span s) {
  return within(within(within(trimmed(s), '[', ']'), '"', '"'), '\'', '\'');
}

/* The part whose key begins the line; LICENCE_PARTS: none. *value: what follows. */
static int part_of(Span line, Span *value) {
  int i = 0;
  for (; i < LICENCE_PARTS; i++) {
    const size_t length = strlen(licence_parts[i].key);
    if (line.length <= length || memcmp(line.text, licence_parts[i].key, length) || line.text[length] != ':')
      continue;
    *value = value_of((Span){line.text + length + 1, line.length - length - 1});
    break;
  }
  return i;
}

/* The items of a list, "- mit", in lines of their own. */
static void add_items(Buffer *value, Span *rest) {
  for (Span after = *rest; rest->length; *rest = after) {
    const Span line = trimmed(next_line(&after));
    if (!line.length || *line.text != '-' || is(line, "---")) return;
    const Span item = value_of((Span){line.text + 1, line.length - 1});
    if (value->length) buffer_adds(value, ", ");
    buffer_add(value, item.text, item.length);
  }
}

void licence_of_card(json_t *licence, const char *card, size_t length) {
  Span rest = {card, length};
  if (!is(trimmed(next_line(&rest)), "---")) return;
  while (rest.length) {
    Span line = next_line(&rest), value;
    if (is(trimmed(line), "---")) break;
    const int i = part_of(line, &value);
    if (i == LICENCE_PARTS || json_object_get(licence, licence_parts[i].part)) continue;
    Buffer all = {0};
    buffer_add(&all, value.text, value.length);
    if (!value.length) add_items(&all, &rest);
    licence_put(licence, licence_parts[i].part, all.data, all.length);
    buffer_free(&all);
  }
}

/* ---- a directory ---- */

/* What cannot be read states nothing. */
static void read_card(json_t *licence, const char *path) {
  FileView card;
  if (!file_exists(path) || !file_view_regular(path, &card, NULL)) return;
  licence_of_card(licence, card.data, card.size);
  file_view_close(&card);
}

json_t *licence_of_directory(const char *directory, const json_t *configuration) {
  static const char *const files[] = {"LICENSE", "LICENSE.txt", "LICENSE.md", "LICENCE", "COPYING"};
  char path[PATH_CAPACITY];
  json_t *licence = json_object();
  for (int i = 0; i < LICENCE_PARTS; i++) {
    const json_t *text = json_object_get(configuration, licence_parts[i].key);
    if (json_is_string(text))
      licence_put(licence, licence_parts[i].part, json_string_value(text), json_string_length(text));
  }
  if (!json_object_size(licence)) read_card(licence, path_join(path, directory, "README.md"));
  for (size_t i = 0; i < sizeof files / sizeof *files && !json_object_get(licence, "text_file"); i++)
    if (file_exists(path_join(path, directory, files[i])) && !dir_exists(path))
      json_put(licence, "text_file", json_string(files[i]));
  return licence;
}

void licence_add_keys(const json_t *licence, json_t *configuration) {
  for (int i = 0; i < LICENCE_PARTS; i++) {
    json_t *text = json_object_get(licence, licence_parts[i].part);
    if (text) json_share(configuration, licence_parts[i].key, text);
  }
}
