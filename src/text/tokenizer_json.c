/* tokenizer_json.c - reads the text of tokenizer.json of Hugging Face's tokenizers. The vocabulary and the
 * merges, nearly all of the file, are read without building a JSON tree, which took four times as long as
 * everything else. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/kinds.h"
#include "text/json_scan.h"
#include "text/tokenizer_impl.h"

/* A list in the text of the file, and the number of strings in it. */
typedef struct Part {
  JsonScan scan;
  size_t strings;
} Part;

typedef struct Reader {
  StoredTokenizer *out;
  const char *path;
  Error *err;
  Part vocabulary, merges;
} Reader;

/* ---- vocabulary ---- */

/* "name": id, or ["name", score]: a list is in the order of ids */
static bool scan_token(Reader *r, bool list, int64_t *id, double *score) {
  JsonScan *s = &r->vocabulary.scan;
  *score = NAN;
  if (!list)
    return json_scan_name(s) ? json_scan_integer(s, id) || (*id = -1, true)
                             : fail_damaged(r->err, "%s: \"vocab\" is not a list of tokens", r->path);
  *id = (int64_t)r->out->tokens.count;
  bool ok = json_scan_enter(s, '[') && json_scan_more(s, ']') && json_scan_string(s);
  if (ok && json_scan_more(s, ']')) ok = json_scan_real(s, score) && !json_scan_more(s, ']');
  return ok || fail_damaged(r->err, "%s: token %" PRId64 " of \"vocab\" is not a token and its score",
                            r->path, *id);
}

static bool read_token(Reader *r, bool list) {
  int64_t id;
  double score;
  if (!scan_token(r, list, &id, &score)) return false;
  const char *name = r->vocabulary.scan.text.data;
  const size_t length = r->vocabulary.scan.text.length;
  if (!length || strlen(name) != length)
    return fail_damaged(r->err, "%s: token \"%s\" is empty or contains a NUL character", r->path, name);
  if (id < 0 || id >= (int64_t)r->vocabulary.strings + MOST_HOLES)
    return fail_damaged(r->err, "%s: token \"%s\" has no id, or one out of range", r->path, name);
  if ((size_t)id < r->out->tokens.count && r->out->tokens.data[id].name)
    return fail_damaged(r->err, "%s: both \"%s\" and \"%s\" have id %" PRId64, r->path,
                        r->out->tokens.data[id].name, name, id);
  return stored_put(r->out, id, name, length, score) ||
         fail_damaged(r->err, "%s: token \"%s\" occurs twice", r->path, name);
}

static bool read_vocabulary(Reader *r, bool list) {
  JsonScan *s = &r->vocabulary.scan;
  stored_reserve(r->out, r->vocabulary.strings);
  bool ok =
      json_scan_enter(s, list ? '[' : '{') || fail_damaged(r->err, "%s: the model has no \"vocab\"", r->path);
  while (ok && json_scan_more(s, list ? ']' : '}')) ok = read_token(r, list);
  return ok && !s->wrong;
}

/* "left right", or ["left", "right"], of which `left` receives the first. */
static NamePair read_pair(JsonScan *s, Buffer *left) {
  if (json_scan_next(s) != '[')
    return json_scan_string(s) ? name_pair(s->text.data, s->text.length) : (NamePair){0};
  json_scan_enter(s, '[');
  if (!json_scan_more(s, ']') || !json_scan_string(s)) return (NamePair){0};
  buffer_clear(left);
  buffer_add(left, s->text.data, s->text.length);
  if (!json_scan_more(s, ']') || !json_scan_string(s) || json_scan_more(s, ']') || s->wrong)
    return (NamePair){0};
  return (NamePair){left->data, s->text.data, left->length, s->text.length};
}

static bool read_merges(Reader *r, const char *prefix) {
  JsonScan *s = &r->merges.scan;
  Buffer left = {0};
  vec_reserve(&r->out->merges, r->merges.strings);
  bool ok = json_scan_enter(s, '[') || fail_damaged(r->err, "%s: the model has no \"merges\"", r->path);
  while (ok && json_scan_more(s, ']'))
    ok = stored_merge(r->out, read_pair(s, &left), prefix, r->path, r->err);
  buffer_free(&left);
  return ok && !s->wrong;
}

/* Of kinds of models that are known; tokenizer_build refuses others by name. */
static bool read_model(Reader *r, const json_t *model) {
  const char *type = json_get_text(model, "type", "");
  const ModelKind *kind = model_kind(*type ? type : "BPE"); /* empty in older files */
  if (!kind) return true;
  return read_vocabulary(r, kind == &model_Unigram) &&
         (kind != &model_BPE || read_merges(r, json_get_text(model, "continuing_subword_prefix", "")));
}

/* ---- the large parts are cut out and replaced by null ---- */

/* Cuts out the next value as `part`. */
static void cut_out(JsonScan *s, Part *part, const char **kept, Buffer *rest) {
  json_scan_next(s);
  part->scan = (JsonScan){.at = s->at};
  buffer_add(rest, *kept, (size_t)(s->at - *kept));
  buffer_adds(rest, "null");
  part->strings = json_scan_skip(s);
  *kept = part->scan.end = s->at;
}

static bool is_named(const JsonScan *s, const char *name) {
  return s->text.length == strlen(name) && !memcmp(s->text.data, name, s->text.length);
}

/* Cuts vocabulary and merges out of the model; `rest` is the remaining JSON. */
static void cut(Reader *r, const char *text, size_t length, Buffer *rest) {
  JsonScan s = {.at = text, .end = text + length};
  const char *kept = text;
  for (json_scan_enter(&s, '{'); json_scan_more(&s, '}') && json_scan_name(&s);) {
    if (!is_named(&s, "model") || json_scan_next(&s) != '{') {
      json_scan_skip(&s);
      continue;
    }
    for (json_scan_enter(&s, '{'); json_scan_more(&s, '}') && json_scan_name(&s);)
      if (is_named(&s, "vocab"))
        cut_out(&s, &r->vocabulary, &kept, rest);
      else if (is_named(&s, "merges"))
        cut_out(&s, &r->merges, &kept, rest);
      else
        json_scan_skip(&s);
  }
  buffer_add(rest, kept, (size_t)(text + length - kept));
  buffer_free(&s.text);
}

static bool read_text(Reader *r, const char *text, size_t length) {
  cut(r, text, length, &r->out->steps);
  json_t *json = json_parse(r->out->steps.data, r->out->steps.length, r->path, r->err);
  const bool ok = json && read_model(r, json_object_get(json, "model"));
  json_decref(json);
  buffer_free(&r->vocabulary.scan.text);
  buffer_free(&r->merges.scan.text);
  return ok;
}

/* Reports a syntax error with its place, if there is one, instead of the error found first. */
static void report_error(const char *text, size_t length, const char *where, const Error *found, Error *err) {
  json_t *json = json_parse(text, length, where, err);
  if (json && found->code) fail_from(err, found);
  if (json) fail_damaged(err, "%s: not valid JSON", where);
  json_decref(json);
}

/* Everything but tokenizer_complete. */
static Tokenizer *read_file(const char *text, size_t length, const char *where, Error *err) {
  Error found = {0};
  StoredTokenizer stored = {0};
  Reader r = {.out = &stored, .path = where, .err = &found};
  const JsonScan *vocabulary = &r.vocabulary.scan, *merges = &r.merges.scan;
  Tokenizer *t = read_text(&r, text, length) && vocabulary->at == vocabulary->end && merges->at == merges->end
                     ? tokenizer_assemble(&stored, where, &found)
                     : NULL;
  stored_free(&stored);
  if (!t) {
    report_error(text, length, where, &found, err);
    return NULL;
  }
  buffer_clear(&t->source);
  buffer_add(&t->source, text, length);
  t->source_is_steps = false;
  return t;
}

Tokenizer *tokenizer_parse(const char *text, size_t length, const char *where, Error *err) {
  return tokenizer_complete(read_file(text, length, where, err), NULL, where, err);
}

Tokenizer *tokenizer_open(const char *path, Error *err) {
  FileView file;
  if (!file_view_regular(path, &file, err)) return NULL;
  Tokenizer *t =
      kind_refuse(path, file.data, file.size, err) ? NULL : read_file(file.data, file.size, path, err);
  file_view_close(&file);
  return tokenizer_complete(t, path, path, err);
}
