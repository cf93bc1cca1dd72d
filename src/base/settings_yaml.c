/* settings_yaml.c - settings from a YAML mapping of names to scalars or lists of scalars. */
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

static size_t line(const Reader *r) { return r->event.start_mark.line + 1; }

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

static const char *scalar(const Reader *r) { return (const char *)r->event.data.scalar.value; }

static bool put(Reader *r, Settings *s, const char *name, bool first) {
  const size_t at = line(r);
  if (strlen(scalar(r)) != r->event.data.scalar.length)
    return fail(r->err, "%s:%zu: a NUL character cannot be in a setting", r->where, at);
  return settings_put_from_file(s, name, scalar(r), first, r->err) || fail_prefix(r->err, "%s:%zu", r->where, at);
}

static bool read_value(Reader *r, Settings *s, const char *name) {
  if (!next(r)) return false;
  if (r->event.type == YAML_SCALAR_EVENT) return put(r, s, name, true);
  if (r->event.type != YAML_SEQUENCE_START_EVENT)
    return fail(r->err, "%s:%zu: \"%s\" needs a value or a list of values", r->where, line(r), name);
  for (bool first = true; next(r); first = false) {
    if (r->event.type == YAML_SEQUENCE_END_EVENT) return true;
    if (r->event.type != YAML_SCALAR_EVENT)
      return fail(r->err, "%s:%zu: \"%s\": lists inside of lists mean nothing here", r->where, line(r), name);
    if (!put(r, s, name, first)) return false;
  }
  return false;
}

/* Names seen, "-" and "_" alike, so that a key given twice is refused. */
static bool remember(Reader *r, TextList *seen, const char *name) {
  for (size_t i = 0; i < seen->count; i++)
    if (!strcmp(seen->items[i], name)) return fail(r->err, "%s:%zu: \"%s\" is given twice", r->where, line(r), name);
  seen->items = mem_resize(seen->items, (seen->count + 1) * sizeof *seen->items);
  seen->items[seen->count++] = mem_strdup(name);
  return true;
}

static bool read_mapping(Reader *r, Settings *s, TextList *seen) {
  while (next(r)) {
    if (r->event.type == YAML_MAPPING_END_EVENT) return true;
    if (r->event.type != YAML_SCALAR_EVENT)
      return fail(r->err, "%s:%zu: expected the name of a setting", r->where, line(r));
    char name[64];
    const size_t length = strlen(scalar(r));
    if (length >= sizeof name) return fail(r->err, "%s:%zu: unknown setting \"%.80s\"", r->where, line(r), scalar(r));
    for (size_t i = 0; i <= length; i++) name[i] = scalar(r)[i] == '_' ? '-' : scalar(r)[i];
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
  if (!yaml_parser_initialize(&r.parser)) return fail(err, "%s: out of memory", where);
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
  FileView file;
  if (!file_view(path, &file, err)) return false;
  const bool ok = load(s, file.data, file.size, path, err);
  file_view_close(&file);
  return ok;
}
