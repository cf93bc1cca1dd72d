/* tokenizer_json.c - reads tokenizer.json of Hugging Face's tokenizers; unsupported content is refused by
 * name. The vocabulary and the merges, nearly all of the file, are read without building a JSON tree, which
 * took four times as long as everything else. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/kinds.h"
#include "base/language.h"
#include "text/json_scan.h"
#include "text/tokenizer_impl.h"

/* A list in the text of the file, and the number of strings in it. */
typedef struct Part {
  JsonScan scan;
  size_t strings;
} Part;

typedef struct Reader {
  Tokenizer *t;
  const char *path;
  Error *err;
  Part vocabulary, merges;
} Reader;

/* ---- vocabulary ---- */

/* The key of a token: its bytes if words are bytes, else its spelling. */
static PieceKind decode_name(Reader *r, const char *name, size_t length, Buffer *key) {
  buffer_clear(key);
  if (r->t->byte_level && alphabet_read(name, length, key)) return PIECE_TEXT;
  buffer_clear(key);
  buffer_add(key, name, length);
  return r->t->byte_level ? PIECE_ADDED : byte_named(name, length) < 0 ? PIECE_TEXT : PIECE_BYTE;
}

/* "name": id, or ["name", score]: a list is in the order of ids */
static bool scan_token(Reader *r, int64_t *id) {
  JsonScan *s = &r->vocabulary.scan;
  if (r->t->model != &model_Unigram)
    return json_scan_name(s) ? json_scan_integer(s, id) || (*id = -1, true)
                             : fail_damaged(r->err, "%s: \"vocab\" is not a list of tokens", r->path);
  double score = NAN; /* none: the token is no piece, see model_unigram.c */
  *id = (int64_t)r->t->scores.count;
  bool ok = json_scan_enter(s, '[') && json_scan_more(s, ']') && json_scan_string(s);
  const bool scored = ok && json_scan_more(s, ']');
  if (scored) ok = json_scan_real(s, &score) && !json_scan_more(s, ']');
  if (!ok || (!scored && !r->t->lists_unlisted))
    return fail_damaged(r->err, "%s: token %" PRId64 " of \"vocab\" is not a token and its score", r->path,
                        *id);
  vec_push(&r->t->scores, score);
  return true;
}

static bool read_token(Reader *r, Buffer *key) {
  int64_t id;
  if (!scan_token(r, &id)) return false;
  const char *name = r->vocabulary.scan.text.data;
  const size_t length = r->vocabulary.scan.text.length;
  if (!length || strlen(name) != length)
    return fail_damaged(r->err, "%s: token \"%s\" is empty or contains a NUL character", r->path, name);
  if (id < 0 || id >= (int64_t)r->vocabulary.strings + MOST_HOLES)
    return fail_damaged(r->err, "%s: token \"%s\" has no id, or one out of range", r->path, name);
  if ((size_t)id < r->t->pieces.count && r->t->pieces.data[id].name)
    return fail_damaged(r->err, "%s: both \"%s\" and \"%s\" have id %" PRId64, r->path,
                        r->t->pieces.data[id].name, name, id);
  if (map_get(r->t->by_name, name, length, NULL))
    return fail_damaged(r->err, "%s: token \"%s\" occurs twice", r->path, name);
  const PieceKind kind = decode_name(r, name, length, key);
  if (length > r->t->longest_piece) r->t->longest_piece = length;
  tokenizer_put(r->t, (int32_t)id, key->data, key->length, name, kind);
  return true;
}

static bool read_vocabulary(Reader *r) {
  JsonScan *s = &r->vocabulary.scan;
  Buffer bytes = {0};
  vec_reserve(&r->t->pieces, r->vocabulary.strings);
  map_reserve(r->t->by_bytes, r->vocabulary.strings);
  map_reserve(r->t->by_name, r->vocabulary.strings);
  const bool list = r->t->model == &model_Unigram;
  bool ok =
      json_scan_enter(s, list ? '[' : '{') || fail_damaged(r->err, "%s: the model has no \"vocab\"", r->path);
  while (ok && json_scan_more(s, list ? ']' : '}')) ok = read_token(r, &bytes);
  buffer_free(&bytes);
  return ok && !s->wrong;
}

static bool id_named(Reader *r, const char *name, size_t length, int32_t *out, size_t rank) {
  int64_t id;
  if (!map_get(r->t->by_name, name, length, &id))
    return fail_damaged(r->err, "%s: merge %zu uses \"%.*s\", which is not a token", r->path, rank,
                        (int)length, name);
  *out = (int32_t)id;
  return true;
}

/* "left right", or ["left", "right"]: both in a row, and the length of the left one. */
static bool read_pair(JsonScan *s, Buffer *joined, size_t *left) {
  buffer_clear(joined);
  if (json_scan_next(s) == '[') {
    json_scan_enter(s, '[');
    for (int i = 0; i < 2; i++) {
      *left = joined->length;
      if (!json_scan_more(s, ']') || !json_scan_string(s)) return false;
      buffer_add(joined, s->text.data, s->text.length);
    }
    return !json_scan_more(s, ']') && !s->wrong;
  }
  const char *space = json_scan_string(s) ? memchr(s->text.data, ' ', s->text.length) : NULL;
  if (!space) return false;
  *left = (size_t)(space - s->text.data);
  buffer_add(joined, s->text.data, *left);
  buffer_add(joined, space + 1, s->text.length - *left - 1);
  return true;
}

/* The right token of a pair loses the prefix of tokens that continue a word. */
static bool drop_prefix(Reader *r, Buffer *joined, size_t left, size_t rank) {
  const size_t prefix = strlen(r->t->subword_prefix);
  if (joined->length - left < prefix || memcmp(joined->data + left, r->t->subword_prefix, prefix))
    return fail_damaged(r->err, "%s: the right token of merge %zu lacks \"%s\"", r->path, rank,
                        r->t->subword_prefix);
  memmove(joined->data + left, joined->data + left + prefix, joined->length - left - prefix);
  joined->length -= prefix;
  return true;
}

static bool read_merge(Reader *r, size_t rank, Buffer *joined) {
  size_t left;
  if (!read_pair(&r->merges.scan, joined, &left))
    return fail_damaged(r->err, "%s: merge %zu is not a pair of tokens", r->path, rank);
  Merge m;
  if (!id_named(r, joined->data, left, &m.left, rank) ||
      !id_named(r, joined->data + left, joined->length - left, &m.right, rank) ||
      !drop_prefix(r, joined, left, rank) || !id_named(r, joined->data, joined->length, &m.result, rank))
    return false;
  merges_add(&r->t->merges, m);
  return true;
}

static bool read_merges(Reader *r) {
  JsonScan *s = &r->merges.scan;
  Buffer joined = {0};
  merges_reserve(&r->t->merges, r->merges.strings);
  bool ok = json_scan_enter(s, '[') || fail_damaged(r->err, "%s: the model has no \"merges\"", r->path);
  for (size_t rank = 0; ok && json_scan_more(s, ']'); rank++) ok = read_merge(r, rank, &joined);
  buffer_free(&joined);
  return ok && !s->wrong;
}

static bool read_added(StepReader *r, const json_t *added) {
  static const char known[] = "id|content|special|normalized|single_word|lstrip|rstrip|";
  if (added && !json_is_array(added))
    return fail_damaged(r->err, "%s: \"added_tokens\" is not a list", r->path);
  for (size_t i = 0; i < json_array_size(added); i++) {
    const json_t *entry = json_array_get(added, i), *id = json_object_get(entry, "id");
    if (!json_is_integer(id)) return fail_damaged(r->err, "%s: added token %zu has no id", r->path, i);
    if (!step_members(r, entry, _("added tokens"), known) ||
        !tokenizer_read_added(r->t, entry, json_integer_value(id), r->path, r->err))
      return false;
  }
  return true;
}

/* ---- the file ---- */

static bool read_unknown(Reader *r, const json_t *model) {
  const char *name = json_get_text(model, "unk_token", NULL);
  int64_t id;
  if (!name) return true;
  if (!map_get(r->t->by_name, name, strlen(name), &id))
    return fail_damaged(r->err, "%s: the unknown token \"%s\" is not in the vocabulary", r->path, name);
  r->t->unknown = (int32_t)id;
  return true;
}

/* Whether ByteLevel is the last step before a model that takes bytes: words are then not spelled in its
 * alphabet. */
static void find_byte_level(Tokenizer *t) {
  Steps *s = &t->cutters;
  for (size_t i = 0; i < s->count; i++) t->spelled |= s->data[i].kind == &pre_tokenizer_ByteLevel;
  if (t->model != &model_BPE || has_affixes(t) || !s->count) return;
  if (s->data[s->count - 1].kind != &pre_tokenizer_ByteLevel) return;
  t->byte_level = true;
  t->spelled = false;
  s->count--;
}

static bool read_model(Reader *r, StepReader *steps, const json_t *model) {
  const char *type = json_get_text(model, "type", "");
  steps->what = _("model");
  r->t->model = model_kind(*type ? type : "BPE"); /* empty in older files */
  if (!r->t->model) return step_refuse(steps, type);
  if (!step_members(steps, model, "model", r->t->model->members) || !r->t->model->read(steps, model))
    return false;
  find_byte_level(r->t);
  return read_vocabulary(r) && (r->t->model != &model_BPE || read_merges(r)) && read_unknown(r, model);
}

/* The decoder tells tokens apart from text; the model's tokens must be those that it takes. */
static bool read_decoders(StepReader *r, const json_t *json) {
  const json_t *decoder = json_object_get(json, "decoder");
  if (!steps_read(r, STEP_DECODERS, json, &r->t->decoders)) return false;
  if (!decoder || json_is_null(decoder)) vec_push(&r->t->decoders, ((Step){.kind = &decoder_none}));
  return true;
}

/* Truncation and padding are left to the user of the ids. */
static void remark_on_ignored(Tokenizer *t, const json_t *json) {
  static const char *const parts[] = {"truncation", "padding"};
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
    const json_t *part = json_object_get(json, parts[i]);
    if (part && !json_is_null(part)) tokenizer_remark_on(t, "its \"%s\" is not applied", parts[i]);
  }
}

/* Could the tokenizers that fingerprints (tokenizer_fingerprint) were made for first have these steps? */
static bool has_usual_steps(const Tokenizer *t) {
  size_t patterns = 0;
  for (size_t i = 0; i < t->cutters.count; i++) {
    const bool bytes = !strcmp(t->cutters.data[i].kind->type, "ByteLevel");
    patterns += !bytes;
    if (!bytes && (!t->pattern_text || patterns > 1)) return false;
  }
  for (size_t i = 0; i < t->normalizers.count; i++) {
    const Step *s = &t->normalizers.data[i];
    static const char usual[] = "NFC NFKC Lowercase Prepend Replace";
    if (!strstr(usual, s->kind->type) || s->pattern || (s->with && strcmp(s->with, SPACE_MARK))) return false;
  }
  return t->model == &model_BPE && !has_affixes(t);
}

static void hash_steps(Tokenizer *t, const json_t *json) {
  static const char *const parts[] = {"normalizer", "pre_tokenizer", "model"};
  for (int i = 0; i < 3 && !has_usual_steps(t); i++) {
    const json_t *part = json_object_get(json, parts[i]);
    char *text = json_is_object(part) ? json_text(part, JSON_SORT_KEYS) : mem_strdup("");
    t->more_steps = hash_bytes(text, strlen(text), t->more_steps);
    mem_free(text);
  }
}

static bool read_all(Reader *r, const json_t *json) {
  StepReader steps = {.t = r->t, .path = r->path, .err = r->err};
  remark_on_ignored(r->t, json);
  const bool ok = step_members(&steps, json, "tokenizer",
                               "version|truncation|padding|added_tokens|normalizer|pre_tokenizer|"
                               "post_processor|decoder|model|") &&
                  steps_read(&steps, STEP_NORMALIZERS, json, &r->t->normalizers) &&
                  steps_read(&steps, STEP_CUTTERS, json, &r->t->cutters) && read_decoders(&steps, json) &&
                  read_model(r, &steps, json_object_get(json, "model")) &&
                  read_added(&steps, json_object_get(json, "added_tokens")) &&
                  steps_read(&steps, STEP_POST_PROCESSORS, json, &(Steps){0});
  if (ok) hash_steps(r->t, json);
  return ok;
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
  Buffer rest = {0};
  cut(r, text, length, &rest);
  json_t *json = json_parse(rest.data, rest.length, r->path, r->err);
  const JsonScan *vocabulary = &r->vocabulary.scan, *merges = &r->merges.scan;
  const bool ok = json && read_all(r, json) && vocabulary->at == vocabulary->end && merges->at == merges->end;
  json_decref(json);
  buffer_free(&rest);
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

/* Everything but tokenizer_finish. */
static Tokenizer *read_file(const char *text, size_t length, const char *where, Error *err) {
  Error found = {0};
  Reader r = {.t = tokenizer_new(), .path = where, .err = &found};
  const bool ok = read_text(&r, text, length);
  r.t->source = arena_strndup(r.t->arena, text, length);
  r.t->source_length = length;
  if (ok) return r.t;
  tokenizer_free(r.t);
  report_error(text, length, where, &found, err);
  return NULL;
}

static Tokenizer *finish(Tokenizer *t, bool ok, const char *where, Error *err) {
  if (ok && tokenizer_finish(t, where, err)) return t;
  tokenizer_free(t);
  return NULL;
}

Tokenizer *tokenizer_parse(const char *text, size_t length, const char *where, Error *err) {
  Tokenizer *t = read_file(text, length, where, err);
  return t ? finish(t, true, where, err) : NULL;
}

Tokenizer *tokenizer_parse_beside(const char *text, size_t length, const char *where, Error *err) {
  char path[PATH_CAPACITY];
  const char *slash = strrchr(where, '/');
  snprintf(path, sizeof path, "%.*stokenizer.json", slash ? (int)(slash - where) + 1 : 0, where);
  Tokenizer *t = read_file(text, length, where, err);
  return t ? finish(t, tokenizer_read_config_files(t, path, err), where, err) : NULL;
}

Tokenizer *tokenizer_open(const char *path, Error *err) {
  FileView file;
  if (!file_view_regular(path, &file, err)) return NULL;
  Tokenizer *t =
      kind_refuse(path, file.data, file.size, err) ? NULL : read_file(file.data, file.size, path, err);
  file_view_close(&file);
  return t ? finish(t, tokenizer_read_config_files(t, path, err), path, err) : NULL;
}
