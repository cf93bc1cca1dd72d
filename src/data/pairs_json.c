/* pairs_json.c - JSON: pairs by member names, and translations; pairs_messages.c reads conversations. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/language.h"
#include "data/pairs_impl.h"
#include "text/json_scan.h"

/* Known names, tried in this order on the first object. */
static const char *const known[][2] = {
    {"source", "target"},   {"document", "summary"},   {"dialogue", "summary"},
    {"text", "summary"},    {"article", "highlights"}, {"prompt", "completion"},
    {"question", "answer"}, {"input", "output"},       {"article", "summary"},
    {"prompt", "response"}, {"query", "response"},     {"instruction", "response"},
    {"src", "tgt"},         {"问题", "回答"},          {"问题", "答案"},
    {"问", "答"},           {"原文", "译文"},          {"原文", "摘要"},
    {"正文", "摘要"},
};

bool choose_names(PairReader *r, const char *option, const char *text) {
  const char *comma = text ? strchr(text, ',') : NULL;
  if (!text) return true;
  if (!comma || comma == text || !comma[1] || strchr(comma + 1, ','))
    return fail_usage(r->err,
                      "--%s %s: is not two names: give those of source and target, such as "
                      "source,target",
                      option, text);
  if (!check_sides(r, option, text)) return false;
  mem_free(r->fields);
  r->fields = mem_strdup(text);
  r->fields[comma - text] = '\0';
  r->source_field = r->fields;
  r->target_field = r->fields + (comma - text) + 1;
  return true;
}

/* Copies decoded text, which is never longer than its encoding in the file. Twice the file's length suffices
 * even if a field is both source and target. */
Document keep_decoded(PairReader *r, const char *text, size_t length) {
  PairFile *f = r->file;
  CHECK(length <= 2 * f->text.length - f->used);
  if (!f->decoded) f->decoded = mem_alloc(2 * f->text.length);
  char *copy = memcpy(f->decoded + f->used, text, length);
  f->used += length;
  return (Document){copy, length};
}

Document keep_text(PairReader *r, const json_t *string) {
  return keep_decoded(r, json_string_value(string), json_string_length(string));
}

bool report_kind(PairReader *r, const char *kind) {
  for (size_t i = 0; i < r->kinds.count; i++)
    if (r->kinds.data[i].text == kind) return r->kinds.data[i].count++, false;
  vec_push(&r->kinds, ((ObjectKind){kind, 1}));
  news_note(r->news, "%s: %s", r->file->text.name, kind);
  return true;
}

/* If the objects of the file are of several kinds, or few are of one, how many are of each. */
static void report_counts(PairReader *r) {
  char n[FIGURE_SIZE];
  for (size_t i = 0; r->kinds.count > 1 && i < r->kinds.count; i++)
    news_note(r->news, "%s: formats are mixed: %s: %s", r->file->text.name,
              figure_of(n, r->kinds.data[i].count, "object"), r->kinds.data[i].text);
  r->kinds.count = 0;
}

const char *wrong_with(const PairReader *r, const json_t *value) {
  if (!value) return _("is missing");
  if (json_is_null(value) && r->lost) return r->lost;
  if (!json_is_string(value)) return _("is not text");
  return memchr(json_string_value(value), 0, json_string_length(value)) ? _("contains a NUL character")
                                                                        : NULL;
}

Members members_of(const json_t *object) {
  Members m = {""};
  const char *name;
  const json_t *value;
  size_t length = 0;
  json_object_foreach((json_t *)(uintptr_t)object, name, value) {
    if (length + 60 > sizeof m.names) {
      snprintf(m.names + length, sizeof m.names - length, ", ...");
      break;
    }
    length +=
        (size_t)snprintf(m.names + length, sizeof m.names - length, "%s\"%.40s\"", length ? ", " : "", name);
  }
  return m;
}

static bool bad_text(PairReader *r, const json_t *object, const char *field, const char *wrong) {
  if (json_object_get(object, field)) return bad_line(r, "\"%s\" %s", field, wrong);
  return bad_line(r, "\"%s\" %s; the object has %s", field, wrong, members_of(object).names);
}

/* ---- pairs ---- */

/* The targets of an object: a string, an array, or members numbered from 1. */
static json_t *targets_of(const PairReader *r, const json_t *object) {
  json_t *one = json_object_get(object, r->target_field), *list = json_array();
  char name[300];
  const json_t *each;
  size_t index;
  if (json_is_array(one)) {
    json_array_foreach(one, index, each) json_push(list, json_incref((json_t *)(uintptr_t)each));
  } else if (one) {
    json_push(list, json_incref(one));
  } else {
    for (int i = 1; i <= 1000; i++) {
      snprintf(name, sizeof name, "%.200s%d", r->target_field, i);
      json_t *next = json_object_get(object, name);
      if (!next) break;
      json_push(list, json_incref(next));
    }
  }
  return list;
}

static bool keep_texts(PairReader *r, const json_t *object, const json_t *targets) {
  const json_t *source = json_object_get(object, r->source_field);
  VEC(Document) texts = {0};
  const char *wrong = wrong_with(r, source), *field = r->source_field;
  for (size_t i = 0; !wrong && i < json_array_size(targets); i++) {
    wrong = wrong_with(r, json_array_get(targets, i));
    field = r->target_field;
  }
  if (!wrong && !json_array_size(targets)) {
    wrong = _("is missing");
    field = r->target_field;
  }
  if (wrong) return bad_text(r, object, field, wrong);
  for (size_t i = 0; i < json_array_size(targets); i++)
    vec_push(&texts, keep_text(r, json_array_get(targets, i)));
  const Document asked = keep_text(r, source);
  bool ok = true;
  if (r->fields || !has_rounds(r, object))
    keep_pair(r, asked, texts.data[0], texts.data + 1, texts.count - 1);
  else if (texts.count > 1)
    ok = bad_line(r, "has several texts of \"%s\" beside \"system\", \"history\" or \"tools\"", field);
  else
    ok = keep_rounds(r, object, asked, texts.data[0]);
  vec_free(&texts);
  return ok;
}

static bool read_pair(PairReader *r, const json_t *object) {
  json_t *targets = targets_of(r, object);
  const bool ok = keep_texts(r, object, targets);
  json_decref(targets);
  return ok;
}

/* ---- translations ---- */

/* The languages of {"en": ..., "de": ...}. */
static bool choose_members(PairReader *r, const json_t *texts) {
  const char *names[MOST_LANGUAGES], *name;
  const json_t *each;
  size_t count = 0;
  json_object_foreach((json_t *)(uintptr_t)texts, name, each) {
    if (count < MOST_LANGUAGES) names[count] = name;
    count++;
  }
  return choose_languages(r, names, count, "");
}

static const char *member_in(const json_t *texts, const char *language) {
  const char *name;
  const json_t *each;
  json_object_foreach((json_t *)(uintptr_t)texts, name, each) if (is_language(language, name)) return name;
  return NULL;
}

/* Hugging Face's data sets of translations: {"translation": {"en": ..., "de": ...}}. */
static bool read_translation(PairReader *r, const json_t *texts) {
  const json_t *sides[2];
  if (!*r->languages[0] && !choose_members(r, texts)) return false;
  for (int i = 0; i < 2; i++) {
    const char *name = member_in(texts, r->languages[i]);
    if (!name) return bad_line(r, "translation without %s (--languages chooses others)", r->languages[i]);
    sides[i] = json_object_get(texts, name);
    if (wrong_with(r, sides[i])) return bad_line(r, "\"%.40s\" %s", name, wrong_with(r, sides[i]));
  }
  const Document source = keep_text(r, sides[0]);
  keep_pair(r, source, keep_text(r, sides[1]), NULL, 0);
  return true;
}

/* ---- lines ---- */

static bool has_field(const json_t *object, const char *name) {
  char numbered[300];
  snprintf(numbered, sizeof numbered, "%.200s1", name);
  return json_object_get(object, name) || json_object_get(object, numbered);
}

/* The known names that an object has; NULL: none. */
static const char *const *names_in(const json_t *object) {
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (has_field(object, known[i][0]) && has_field(object, known[i][1])) return known[i];
  return NULL;
}

static bool recognize_fields(PairReader *r, const json_t *object) {
  const char *const *names = names_in(object);
  if (!names)
    return bad_line(
        r,
        "has no \"source\" and \"target\" or other known pair of names, but %s: give --fields (for "
        "a table: --columns)",
        members_of(object).names);
  r->source_field = names[0];
  r->target_field = names[1];
  news_note(r->news, "%s: source \"%s\", target \"%s\"", r->file->text.name, r->source_field,
            r->target_field);
  return true;
}

typedef enum ObjectForm { CONVERSATION, ALPACA, TRANSLATION, PREFERENCE, OTHER } ObjectForm;

static ObjectForm form_of(const json_t *object) {
  return is_conversation(object)                                                       ? CONVERSATION
         : json_object_get(object, "instruction") && json_object_get(object, "output") ? ALPACA
         : json_is_object(json_object_get(object, "translation"))                      ? TRANSLATION
         : json_object_get(object, "chosen") && json_object_get(object, "rejected")    ? PREFERENCE
                                                                                       : OTHER;
}

bool read_json_object(PairReader *r, const json_t *object) {
  if (!json_is_object(object)) return bad_line(r, "is not an object");
  if (r->labelled) return read_labelled(r, object);
  if (r->preferences) return read_preference(r, object);
  switch (r->fields ? OTHER : form_of(object)) {
    case CONVERSATION:
      return read_conversation(r, object);
    case ALPACA:
      return read_alpaca(r, object);
    case TRANSLATION:
      return read_translation(r, json_object_get(object, "translation"));
    case PREFERENCE:
      return bad_line(r,
                      "is a preference (chosen, rejected), from which `train prefer` learns: use that, or "
                      "choose two texts with "
                      "--fields");
    case OTHER:
      break;
  }
  if (!r->source_field && !recognize_fields(r, object)) return false;
  return !r->source_field || read_pair(r, object);
}

/* ---- repair ---- */

static uint32_t escaped_unit(const char *text, size_t left) {
  char digits[5] = "";
  if (left < 6 || text[0] != '\\' || text[1] != 'u') return 0;
  memcpy(digits, text + 2, 4);
  return strspn(digits, "0123456789abcdefABCDEF") == 4 ? (uint32_t)strtoul(digits, NULL, 16) : 0;
}

/* Replaces unpaired surrogates such as "\\ud83d" by "\\ufffd"; returns how many. */
static int64_t repair_surrogates(char *text, size_t length) {
  int64_t repaired = 0;
  for (size_t i = 0; i < length; i++) {
    const uint32_t unit = escaped_unit(text + i, length - i);
    const uint32_t next = i + 6 < length ? escaped_unit(text + i + 6, length - i - 6) : 0;
    if (unit >= 0xd800 && unit < 0xdc00 && next >= 0xdc00 && next < 0xe000) {
      i += 11;
    } else if (unit >= 0xd800 && unit < 0xe000) {
      memcpy(text + i + 2, "fffd", 4);
      repaired++;
    } else if (text[i] == '\\') {
      i++;
    }
  }
  return repaired;
}

static json_t *load(const char *text, size_t length, json_error_t *problem) {
  return json_load(text, length, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_ANY, problem);
}

static json_t *load_repaired(const char *text, size_t length, int64_t *repaired) {
  json_error_t problem;
  char *copy = mem_alloc(length + 1);
  memcpy(copy, text, length);
  copy[length] = '\0';
  *repaired = repair_surrogates(copy, length);
  json_t *value = *repaired ? load(copy, length, &problem) : NULL;
  mem_free(copy);
  return value;
}

/* Why a value that is valid JSON cannot be read; NULL: it is not valid JSON. */
static const char *why_unreadable(const char *text, size_t length, const json_error_t *problem) {
  int64_t repaired;
  switch (json_error_code(problem)) {
    case json_error_numeric_overflow:
      return _("contains a number out of range");
    case json_error_duplicate_key:
      return _("contains the same name twice");
    case json_error_null_byte_in_key:
      return _("contains a name with a NUL character");
    case json_error_stack_overflow:
      return _("is nested too deeply");
    default:
      break;
  }
  json_t *value = load_repaired(text, length, &repaired);
  json_decref(value);
  return value ? _("contains an unpaired surrogate (--invalid replace repairs it)") : NULL;
}

/* Adds the member whose name was read last; a value that cannot be read becomes null, `lost` says why. */
static bool put_member(PairReader *r, json_t *object, JsonScan *scan) {
  json_error_t problem;
  char *name = mem_strdup(scan->text.data ? scan->text.data : "");
  json_scan_next(scan);
  const char *begin = scan->at;
  json_scan_skip(scan);
  const size_t length = scan->wrong ? 0 : (size_t)(scan->at - begin);
  json_t *value = length ? load(begin, length, &problem) : NULL;
  const char *why = length && !value ? why_unreadable(begin, length, &problem) : NULL;
  if (value && json_object_get(object, name)) {
    why = _("occurs twice");
    json_decref(value);
    value = NULL;
  }
  const bool ok = value || why;
  if (why) r->lost = why;
  if (ok) json_put(object, name, value ? value : json_null());
  mem_free(name);
  return ok;
}

/* Reads an object member by member, so that an error in an unused member does not prevent reading the texts.
 * NULL: not a JSON object. */
static json_t *load_members(PairReader *r, const char *text, size_t length) {
  JsonScan scan = {.at = text, .end = text + length};
  json_t *object = json_object();
  bool ok = json_scan_enter(&scan, '{');
  while (ok && json_scan_more(&scan, '}')) ok = json_scan_name(&scan) && put_member(r, object, &scan);
  ok = ok && !scan.wrong && json_scan_next(&scan) == '\0' && scan.at == scan.end;
  buffer_free(&scan.text);
  if (ok) return object;
  json_decref(object);
  return NULL;
}

static json_t *parse_value(PairReader *r, const char *text, size_t length, json_error_t *problem) {
  int64_t repaired;
  r->lost = NULL;
  json_t *object = load(text, length, problem);
  if (!object && r->repair && (object = load_repaired(text, length, &repaired))) r->surrogates += repaired;
  return object ? object : load_members(r, text, length);
}

static bool read_value(PairReader *r, const char *text, size_t length) {
  json_error_t problem;
  json_t *object = parse_value(r, text, length, &problem);
  if (!object) {
    const bool repairs =
        json_error_code(&problem) == json_error_invalid_utf8 || strstr(problem.text, "nicode");
    char *what = json_problem(&problem);
    const bool skipped = bad_line(r, "not valid JSON at column %d: %s%s", problem.column, what,
                                  repairs ? _(" (--invalid replace repairs it)") : "");
    mem_free(what);
    return skipped;
  }
  const bool ok = read_json_object(r, object);
  json_decref(object);
  return ok;
}

/* ---- the file ---- */

static bool read_json_lines(PairReader *r) {
  const char *at = r->file->text.text, *end = at + r->file->text.length;
  for (r->line = 1; at < end; r->line++) {
    const char *stop = line_end(at, end);
    if (is_blank(at, (size_t)(stop - at)))
      r->pairs->left_out.blank++;
    else if (!read_value(r, at, (size_t)(stop - at)))
      return false;
    at = stop + 1;
  }
  return true;
}

/* The end of the value that begins at `at`: where its brackets are closed, outside strings; NULL: none. */
static const char *value_end(const char *at, const char *end) {
  size_t depth = 0;
  bool quoted = false;
  for (; at < end; at++) {
    if (quoted && *at == '\\' && at + 1 < end) {
      at++;
    } else if (*at == '"') {
      quoted = !quoted;
    } else if (!quoted && (*at == '{' || *at == '[')) {
      depth++;
    } else if (!quoted && (*at == '}' || *at == ']') && depth && --depth == 0) {
      return at + 1;
    }
  }
  return NULL;
}

const char *json_examples(Document text) {
  const char *end = text.text + text.length, *at = memchr(text.text, '{', text.length),
             *closed = at ? value_end(at, end) : NULL;
  PairReader r = {0};
  json_t *object = closed ? load_members(&r, at, (size_t)(closed - at)) : NULL;
  const ObjectForm form = form_of(object);
  const char *what = form == PREFERENCE                  ? _("preferences as JSON")
                     : form == CONVERSATION              ? _("conversations as JSON")
                     : form == ALPACA                    ? _("instructions as JSON")
                     : form != OTHER || names_in(object) ? _("pairs as JSON")
                                                         : NULL;
  json_decref(object);
  return what;
}

/* Objects that may span lines, concatenated or in a list. */
static bool read_json_values(PairReader *r) {
  const char *at = r->file->text.text, *end = at + r->file->text.length;
  bool listed = false;
  for (r->line = 1; at < end;) {
    if (*at == '{') {
      const char *closed = value_end(at, end), *stop = closed ? closed : end;
      if (!read_value(r, at, (size_t)(stop - at))) return false;
      r->line += line_of(at, (size_t)(stop - at)) - 1;
      at = stop;
      continue;
    }
    if (!strchr(" \t\r\n,[]", *at) || (*at == '[' && listed))
      return fail(r->err, "%s:%zu: not JSON: expected an object such as {\"source\": ..., \"target\": ...}",
                  r->file->text.name, r->line);
    listed |= *at == '[';
    r->line += *at++ == '\n';
  }
  return true;
}

/* Is one of the first lines a complete object? The others may be invalid. */
static bool is_by_lines(const PairFile *f) {
  enum { CHECKED = 20 };
  const char *at = f->text.text, *end = at + f->text.length;
  for (int i = 0; i < CHECKED && at < end; i++) {
    const char *stop = line_end(at, end), *closed = *at == '{' ? value_end(at, stop) : NULL;
    if (*at == '[') return false;
    if (closed && is_blank(closed, (size_t)(stop - closed))) return true;
    at = stop + (stop < end);
  }
  return false;
}

bool read_json(PairReader *r) {
  char n[FIGURE_SIZE];
  if (!r->fields) r->source_field = r->target_field = NULL;    /* each file has its own names */
  if (r->fields) r->pairs->read |= PAIR_FIELDS | PAIR_COLUMNS; /* names given as either */
  r->surrogates = 0;
  *r->languages[0] = '\0';
  if (!(is_by_lines(r->file) ? read_json_lines(r) : read_json_values(r))) return false;
  report_counts(r);
  if (r->surrogates)
    news_warning(r->news, "%s: %s replaced by U+FFFD", r->file->text.name,
                 figure_of(n, r->surrogates, "unpaired surrogate"));
  return true;
}
