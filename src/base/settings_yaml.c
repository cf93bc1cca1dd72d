/* settings_yaml.c - settings from a YAML mapping of names to scalars or lists of scalars, read event by
 * event: nothing nests, so that there is no depth to guard and no alias to expand. */
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "base/file.h"
#include "base/settings.h"

typedef struct Reader {
  yaml_parser_t parser;
  yaml_event_t event;
  bool has_event;
  const char *where;
  Error *err;
} Reader;

static size_t line(const Reader *r) {
  return r->event.start_mark.line + 1;
}

static bool next(Reader *r) {
  if (r->has_event) yaml_event_delete(&r->event);
  r->has_event = yaml_parser_parse(&r->parser, &r->event);
  if (r->has_event) return true;
  return fail(r->err, "%s:%zu: not valid YAML: %s", r->where, r->parser.problem_mark.line + 1,
              r->parser.problem ? r->parser.problem : "cannot be read");
}

static bool expect(Reader *r, yaml_event_type_t type, const char *what) {
  return next(r) && (r->event.type == type || fail(r->err, "%s:%zu: expected %s", r->where, line(r), what));
}

/* The text of this event, which is a scalar; NULL after an error. */
static const char *scalar(const Reader *r) {
  const char *text = (const char *)r->event.data.scalar.value;
  if (strlen(text) == r->event.data.scalar.length) return text;
  fail(r->err, "%s:%zu: a NUL character cannot be in a setting", r->where, line(r));
  return NULL;
}

static bool put(const Reader *r, Settings *s, const char *name, const char *text, bool first) {
  return settings_put_from_file(s, name, text, first, r->err) ||
         fail_prefix(r->err, "%s:%zu", r->where, line(r));
}

static bool put_scalar(const Reader *r, Settings *s, const char *name, bool first) {
  const char *text = scalar(r);
  return text && put(r, s, name, text, first);
}

static bool read_value(Reader *r, Settings *s, const char *name) {
  if (!next(r)) return false;
  if (r->event.type == YAML_SCALAR_EVENT) return put_scalar(r, s, name, true);
  if (r->event.type != YAML_SEQUENCE_START_EVENT)
    return fail(r->err, "%s:%zu: \"%s\" needs a value or a list of values", r->where, line(r), name);
  for (bool first = true; next(r); first = false) {
    if (r->event.type == YAML_SEQUENCE_END_EVENT) return !first || put(r, s, name, NULL, true);
    if (r->event.type != YAML_SCALAR_EVENT)
      return fail(r->err, "%s:%zu: \"%s\": lists inside of lists mean nothing here", r->where, line(r), name);
    if (!put_scalar(r, s, name, first)) return false;
  }
  return false;
}

/* Names seen, "-" and "_" alike, so that a key given twice is refused. */
static bool remember(Reader *r, TextList *seen, const char *name) {
  for (size_t i = 0; i < seen->count; i++)
    if (!strcmp(seen->items[i], name))
      return fail(r->err, "%s:%zu: \"%s\" is given twice", r->where, line(r), name);
  seen->items = mem_resize(seen->items, (seen->count + 1) * sizeof *seen->items);
  seen->items[seen->count++] = mem_strdup(name);
  return true;
}

static bool read_mapping(Reader *r, Settings *s, TextList *seen) {
  while (next(r)) {
    if (r->event.type == YAML_MAPPING_END_EVENT) return true;
    if (r->event.type != YAML_SCALAR_EVENT)
      return fail(r->err, "%s:%zu: expected the name of a setting", r->where, line(r));
    const char *key = scalar(r);
    char name[64];
    if (!key) return false;
    if (strlen(key) >= sizeof name)
      return fail_usage(r->err, "%s:%zu: unknown setting \"%.80s\"", r->where, line(r), key);
    for (size_t i = 0; i <= strlen(key); i++) name[i] = key[i] == '_' ? '-' : key[i];
    if (!remember(r, seen, name) || !read_value(r, s, name)) return false;
  }
  return false;
}

static bool read_document(Reader *r, Settings *s, TextList *seen) {
  if (!expect(r, YAML_STREAM_START_EVENT, "a YAML stream") || !next(r)) return false;
  if (r->event.type == YAML_STREAM_END_EVENT) return true; /* empty: nothing is set */
  if (!next(r)) return false;
  if (r->event.type != YAML_MAPPING_START_EVENT)
    return fail(r->err, "%s:%zu: expected lines of the form \"name: value\"", r->where, line(r));
  return read_mapping(r, s, seen) && expect(r, YAML_DOCUMENT_END_EVENT, "the end of the document") &&
         expect(r, YAML_STREAM_END_EVENT, "a single document");
}

static bool load(Settings *s, const char *text, size_t length, const char *where, Error *err) {
  Reader r = {.where = where, .err = err};
  TextList seen = {0};
  if (!yaml_parser_initialize(&r.parser)) mem_exhausted(0);
  yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, length);
  const bool ok = read_document(&r, s, &seen);
  if (r.has_event) yaml_event_delete(&r.event);
  yaml_parser_delete(&r.parser);
  for (size_t i = 0; i < seen.count; i++) mem_free(seen.items[i]);
  mem_free(seen.items);
  return ok;
}

bool settings_load_text(Settings *s, const char *yaml, const char *where, Error *err) {
  return load(s, yaml, strlen(yaml), where, err);
}

bool ink_settings_load(ink_settings *s, const char *path, ink_error *err) {
  MEM_GUARD(err, return false);
  FileView file;
  bool ok = file_view(path, &file, err);
  if (ok) {
    ok = load(s, file.data, file.size, path, err);
    file_view_close(&file);
  }
  MEM_GUARD_END();
  return ok;
}

/* ---- writing ---- */

bool settings_yaml_holds(const char *text) {
  yaml_event_t event;
  const yaml_char_t *bytes = (const yaml_char_t *)text;
  if (!yaml_scalar_event_initialize(&event, NULL, NULL, bytes, -1, 1, 1, YAML_ANY_SCALAR_STYLE)) return false;
  yaml_event_delete(&event);
  return true;
}

/* Writes the escape for the character at `p` if YAML cannot hold it raw or would take it for a line break;
 * returns the character's bytes, 0 if it needs none. `p` is UTF-8 and NUL-terminated. */
static int escape(const unsigned char *p, char out[8]) {
  if (*p == '"' || *p == '\\') return snprintf(out, 8, "\\%c", *p), 1;
  if (*p < 0x20 || *p == 0x7f) return snprintf(out, 8, "\\x%02x", *p), 1;
  if (*p == 0xc2 && p[1] < 0xa0) return snprintf(out, 8, "\\x%02x", p[1]), 2; /* U+0080..9F */
  if (*p == 0xe2 && p[1] == 0x80 && (p[2] | 1) == 0xa9) return snprintf(out, 8, "\\u20%02x", p[2] - 0x80), 3;
  if (*p == 0xef && p[1] == 0xbb && p[2] == 0xbf) return snprintf(out, 8, "\\ufeff"), 3;
  if (*p == 0xef && p[1] == 0xbf && (p[2] | 1) == 0xbf) return snprintf(out, 8, "\\uff%02x", p[2] + 0x40), 3;
  return 0;
}

void settings_yaml_quote(Buffer *b, const char *text) {
  buffer_adds(b, "\"");
  for (const unsigned char *p = (const unsigned char *)text; *p;) {
    char out[8];
    const int escaped = escape(p, out);
    if (escaped)
      buffer_adds(b, out);
    else
      buffer_add(b, p, 1);
    p += escaped ? escaped : 1;
  }
  buffer_adds(b, "\"");
}
