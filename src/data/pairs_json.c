/* pairs_json.c - JSON lines: pairs by the names of their fields, and conversations as OpenAI writes them. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "data/pairs_impl.h"

/* Known names, tried in this order on the first object. */
static const char *const known[][2] = {
    {"source", "target"},      {"document", "summary"},  {"dialogue", "summary"}, {"text", "summary"},
    {"article", "highlights"}, {"prompt", "completion"}, {"question", "answer"},  {"input", "output"},
};

bool choose_fields(PairReader *r) {
  const char *text = r->settings->fields, *comma = text ? strchr(text, ',') : NULL;
  if (!text) return true;
  if (!comma || comma == text || !comma[1])
    return fail_usage(r->err, "--fields %s: the names of two fields are wanted, such as source,target", text);
  r->fields = mem_strdup(text);
  r->fields[comma - text] = '\0';
  r->source_field = r->fields;
  r->target_field = r->fields + (comma - text) + 1;
  return true;
}

/* As it is to be kept: a copy without escapes, which never is longer than what stands in the file. Twice that
 * is room enough where a field is both source and one of the targets. */
static Document decoded(PairReader *r, const json_t *string) {
  PairFile *f = r->file;
  const size_t n = json_string_length(string);
  CHECK(n <= 2 * f->text.length - f->used);
  if (!f->decoded) f->decoded = mem_alloc(2 * f->text.length);
  char *copy = memcpy(f->decoded + f->used, json_string_value(string), n);
  f->used += n;
  return (Document){copy, n};
}

/* NULL where it is fine. */
static const char *wrong_with(const json_t *value) {
  if (!value) return "is missing";
  if (!json_is_string(value)) return "is not text";
  return memchr(json_string_value(value), 0, json_string_length(value)) ? "holds a NUL character" : NULL;
}

/* ---- pairs ---- */

/* The targets of an object: one, an array, or numbered from 1. */
static json_t *targets_of(const PairReader *r, const json_t *object) {
  json_t *one = json_object_get(object, r->target_field), *list = json_array();
  char name[300];
  if (json_is_array(one)) {
    json_array_extend(list, one);
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

static bool keep_texts(PairReader *r, const json_t *source, const json_t *targets) {
  VEC(Document) texts = {0};
  const char *wrong = wrong_with(source), *field = r->source_field;
  for (size_t i = 0; !wrong && i < json_array_size(targets); i++) {
    wrong = wrong_with(json_array_get(targets, i));
    field = r->target_field;
  }
  if (!wrong && !json_array_size(targets)) {
    wrong = "is missing";
    field = r->target_field;
  }
  if (wrong) return bad_line(r, "\"%s\" %s", field, wrong);
  for (size_t i = 0; i < json_array_size(targets); i++)
    vec_push(&texts, decoded(r, json_array_get(targets, i)));
  keep_pair(r, decoded(r, source), texts.data[0], texts.data + 1, texts.count - 1);
  vec_free(&texts);
  return true;
}

static bool read_pair(PairReader *r, const json_t *object) {
  json_t *targets = targets_of(r, object);
  const bool ok = keep_texts(r, json_object_get(object, r->source_field), targets);
  json_decref(targets);
  return ok;
}

/* ---- conversations ---- */

static bool role_named(const char *name, Role *role) {
  static const struct {
    const char *name;
    Role role;
  } names[] = {{"system", ROLE_SYSTEM},
               {"developer", ROLE_SYSTEM},
               {"user", ROLE_USER},
               {"assistant", ROLE_ASSISTANT}};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (!strcmp(name, names[i].name)) {
      *role = names[i].role;
      return true;
    }
  return false;
}

/* NULL where it is fine. */
static const char *add_message(PairReader *r, const json_t *message) {
  const json_t *content = json_object_get(message, "content");
  Role role;
  if (!json_is_object(message)) return "is not an object";
  if (!role_named(json_get_text(message, "role", ""), &role))
    return "has another role than system, user and assistant";
  if (wrong_with(content)) return "has content that is not text";
  add_turn(r, decoded(r, content), role);
  return NULL;
}

static bool read_conversation(PairReader *r, const json_t *messages) {
  if (!r->conversations)
    return fail(r->err, "%s:%zu: holds conversations, which are for replying; here, pairs are wanted",
                r->file->text.name, r->line);
  if (!json_is_array(messages)) return bad_line(r, "\"messages\" is not a list");
  for (size_t i = 0; i < json_array_size(messages); i++) {
    const char *wrong = add_message(r, json_array_get(messages, i));
    if (wrong) return bad_line(r, "message %zu %s", i + 1, wrong);
  }
  keep_conversation(r, true);
  return true;
}

/* ---- lines ---- */

static bool has_field(const json_t *object, const char *name) {
  char numbered[300];
  snprintf(numbered, sizeof numbered, "%.200s1", name);
  return json_object_get(object, name) || json_object_get(object, numbered);
}

static bool recognize_fields(PairReader *r, const json_t *object) {
  for (size_t i = 0; !r->source_field && i < sizeof known / sizeof *known; i++)
    if (has_field(object, known[i][0]) && has_field(object, known[i][1])) {
      r->source_field = known[i][0];
      r->target_field = known[i][1];
      news_note(r->news, "%s: from \"%s\" to \"%s\"", r->file->text.name, r->source_field, r->target_field);
    }
  return r->source_field ||
         bad_line(r,
                  "has no \"source\" and \"target\", nor another pair of names that is known: give --fields");
}

static bool read_object(PairReader *r, const json_t *object) {
  if (!json_is_object(object)) return bad_line(r, "is not an object");
  const json_t *messages = json_object_get(object, "messages");
  if (messages && !r->fields) return read_conversation(r, messages);
  if (!r->source_field && !recognize_fields(r, object)) return false;
  return !r->source_field || read_pair(r, object);
}

static bool read_line(PairReader *r, const char *text, size_t length) {
  json_error_t problem;
  json_t *object = json_loadb(text, length, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &problem);
  if (!object) return bad_line(r, "not valid JSON at column %d: %s", problem.column, problem.text);
  const bool ok = read_object(r, object);
  json_decref(object);
  return ok;
}

bool read_json_lines(PairReader *r) {
  const char *at = r->file->text.text, *end = at + r->file->text.length;
  for (r->line = 1; at < end; r->line++) {
    const char *stop = line_end(at, end);
    if (is_blank(at, (size_t)(stop - at)))
      r->pairs->left_out.blank++;
    else if (!read_line(r, at, (size_t)(stop - at)))
      return false;
    at = stop + 1;
  }
  return true;
}
