/* tokenizer_build.c - makes a tokenizer of what its files describe (stored_tokenizer.h). Unsupported content
 * is refused by name. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/language.h"
#include "text/tokenizer_impl.h"

typedef struct Builder {
  Tokenizer *t;
  StoredTokenizer *stored;
  const char *path;
  Error *err;
} Builder;

/* ---- vocabulary ---- */

/* The key of a token: its bytes if words are bytes, else its spelling. */
static PieceKind decode_name(const Builder *b, const char *name, size_t length, Buffer *key) {
  buffer_clear(key);
  if (b->t->byte_level && alphabet_read(name, length, key)) return PIECE_TEXT;
  buffer_clear(key);
  buffer_add(key, name, length);
  return b->t->byte_level ? PIECE_ADDED : byte_named(name, length) < 0 ? PIECE_TEXT : PIECE_BYTE;
}

static bool put_token(const Builder *b, int64_t id, const StoredToken *token, Buffer *key) {
  const size_t length = strlen(token->name);
  if (b->t->model == &model_Unigram && isnan(token->score) && !b->t->lists_unlisted)
    return fail_damaged(b->err, "%s: token %" PRId64 " of \"vocab\" is not a token and its score", b->path,
                        id);
  const PieceKind kind = decode_name(b, token->name, length, key);
  if (length > b->t->longest_piece) b->t->longest_piece = length;
  tokenizer_place(b->t, (int32_t)id, token->name, key->data, key->length, kind);
  return true;
}

/* The names stay where they are: in the table of ids. */
static bool put_tokens(Builder *b) {
  Tokenizer *t = b->t;
  const size_t count = b->stored->tokens.count;
  Buffer key = {0};
  bool ok = true;
  if (b->stored->ids) {
    map_free(t->by_name);
    t->by_name = b->stored->ids;
    b->stored->ids = NULL;
  }
  t->vocabulary = count;
  vec_reserve(&t->pieces, count);
  if (t->byte_level) map_reserve(t->by_bytes, count);
  for (size_t i = 0; ok && i < count; i++) {
    const StoredToken *token = &b->stored->tokens.data[i];
    if (token->name) ok = put_token(b, (int64_t)i, token, &key);
    if (t->model == &model_Unigram) vec_push(&t->scores, token->score);
  }
  buffer_free(&key);
  return ok;
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

/* ---- the steps ---- */

static bool read_unknown(const Builder *b, const json_t *model) {
  const char *name = json_get_text(model, "unk_token", NULL);
  int64_t id;
  if (!name) return true;
  if (!map_get(b->t->by_name, name, strlen(name), &id))
    return fail_damaged(b->err, "%s: the unknown token \"%s\" is not in the vocabulary", b->path, name);
  b->t->unknown = (int32_t)id;
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

static bool read_model(Builder *b, StepReader *steps, const json_t *model) {
  Tokenizer *t = b->t;
  const char *type = json_get_text(model, "type", "");
  steps->what = _("model");
  t->model = model_kind(*type ? type : "BPE"); /* empty in older files */
  if (!t->model) return step_refuse(steps, type);
  if (!step_members(steps, model, "model", t->model->members) || !t->model->read(steps, model)) return false;
  find_byte_level(t);
  if (!put_tokens(b)) return false;
  if (t->model == &model_BPE) merges_take(&t->merges, &b->stored->merges);
  return read_unknown(b, model);
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

static bool read_steps(Builder *b, const json_t *json) {
  Tokenizer *t = b->t;
  StepReader steps = {.t = t, .path = b->path, .err = b->err};
  remark_on_ignored(t, json);
  const bool ok = step_members(&steps, json, "tokenizer",
                               "version|truncation|padding|added_tokens|normalizer|pre_tokenizer|"
                               "post_processor|decoder|model|") &&
                  steps_read(&steps, STEP_NORMALIZERS, json, &t->normalizers) &&
                  steps_read(&steps, STEP_CUTTERS, json, &t->cutters) && read_decoders(&steps, json) &&
                  read_model(b, &steps, json_object_get(json, "model")) &&
                  read_added(&steps, json_object_get(json, "added_tokens")) &&
                  steps_read(&steps, STEP_POST_PROCESSORS, json, &(Steps){0});
  if (ok) hash_steps(t, json);
  return ok;
}

Tokenizer *tokenizer_assemble(StoredTokenizer *stored, const char *where, Error *err) {
  Builder b = {tokenizer_new(), stored, where, err};
  json_t *json = json_parse(stored->steps.data, stored->steps.length, where, err);
  const bool ok = json && read_steps(&b, json);
  json_decref(json);
  b.t->source = stored->steps;
  b.t->source_is_steps = true;
  stored->steps = (Buffer){0};
  stored_free(stored);
  if (ok) return b.t;
  tokenizer_free(b.t);
  return NULL;
}

Tokenizer *tokenizer_complete(Tokenizer *t, const char *beside, const char *where, Error *err) {
  if (t && (!beside || tokenizer_read_config_files(t, beside, err)) && tokenizer_finish(t, where, err))
    return t;
  tokenizer_free(t);
  return NULL;
}

Tokenizer *tokenizer_build(StoredTokenizer *stored, const char *where, Error *err) {
  return tokenizer_complete(tokenizer_assemble(stored, where, err), NULL, where, err);
}

Tokenizer *tokenizer_build_beside(StoredTokenizer *stored, const char *where, Error *err) {
  char path[PATH_CAPACITY];
  const char *slash = strrchr(where, '/');
  snprintf(path, sizeof path, "%.*stokenizer.json", slash ? (int)(slash - where) + 1 : 0, where);
  return tokenizer_complete(tokenizer_assemble(stored, where, err), path, where, err);
}
