/* settings_yaml.c - reads settings from a YAML mapping of names to scalars or lists of scalars, event by
 * event: without nesting, so that no depth has to be limited and no alias expanded. */
#include <string.h>
#include <yaml.h>

#include "base/file.h"
#include "base/language.h"
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
  if (r->parser.error == YAML_MEMORY_ERROR) mem_exhausted(0); /* libyaml takes no allocator */
  return fail(r->err, "%s:%zu: not valid YAML: %s", r->where, r->parser.problem_mark.line + 1,
              r->parser.problem ? language_text(r->parser.problem) : _("cannot be read"));
}

static bool expect(Reader *r, yaml_event_type_t type, const char *what) {
  return next(r) && (r->event.type == type || fail(r->err, "%s:%zu: expected %s", r->where, line(r), what));
}

/* The text of this scalar event; NULL on error. */
static const char *scalar(const Reader *r) {
  const char *text = (const char *)r->event.data.scalar.value;
  if (strlen(text) == r->event.data.scalar.length) return text;
  fail(r->err, "%s:%zu: a setting cannot contain a NUL character", r->where, line(r));
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
      return fail(r->err, "%s:%zu: \"%s\": a list cannot contain a list", r->where, line(r), name);
    if (!put_scalar(r, s, name, first)) return false;
  }
  return false;
}

/* Records a name, with "-" for "_"; fails if it was given before. */
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
  if (!expect(r, YAML_STREAM_START_EVENT, _("a YAML stream")) || !next(r)) return false;
  if (r->event.type == YAML_STREAM_END_EVENT) return true; /* empty: nothing is set */
  if (!next(r)) return false;
  if (r->event.type != YAML_MAPPING_START_EVENT)
    return fail(r->err, "%s:%zu: expected lines of the form \"name: value\"", r->where, line(r));
  return read_mapping(r, s, seen) && expect(r, YAML_DOCUMENT_END_EVENT, _("the end of the document")) &&
         expect(r, YAML_STREAM_END_EVENT, _("a single document"));
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

/* Decodes the first code point of NUL-terminated text; returns its length in bytes, 0 if it is not UTF-8
 * (RFC 3629: shortest forms, no surrogates). libyaml's own check accepts surrogates, which its reader
 * rejects. */
static int decode(const unsigned char *p, uint32_t *code) {
  static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  const int bytes = *p < 0x80 ? 1 : *p < 0xc0 ? 0 : *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : *p < 0xf8 ? 4 : 0;
  *code = bytes == 1 ? *p : *p & (0x7f >> bytes);
  for (int i = 1; i < bytes; i++) {
    if ((p[i] & 0xc0) != 0x80) return 0;
    *code = *code << 6 | (p[i] & 0x3f);
  }
  const bool surrogate = *code >= 0xd800 && *code < 0xe000;
  return *code >= least[bytes] && *code <= 0x10ffff && !surrogate ? bytes : 0;
}

bool settings_yaml_holds(const char *text) {
  uint32_t code;
  const unsigned char *p = (const unsigned char *)text;
  for (int bytes; *p; p += bytes)
    if (!(bytes = decode(p, &code))) return false;
  return true;
}

/* Must be escaped: otherwise YAML rejects it or reads it as a line break. */
static bool needs_escape(uint32_t code) {
  return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x2028 || code == 0x2029 || code == 0xfeff ||
         code == 0xfffe || code == 0xffff;
}

void settings_yaml_quote(Buffer *b, const char *text) {
  uint32_t code;
  buffer_adds(b, "\"");
  const unsigned char *p = (const unsigned char *)text;
  for (int bytes; *p; p += bytes) {
    bytes = decode(p, &code);
    CHECK(bytes);
    if (needs_escape(code))
      buffer_addf(b, code < 0x100 ? "\\x%02x" : "\\u%04x", (unsigned)code);
    else
      buffer_addf(b, "%s%.*s", code == '"' || code == '\\' ? "\\" : "", bytes, (const char *)p);
  }
  buffer_adds(b, "\"");
}
