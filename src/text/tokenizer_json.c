/* tokenizer_json.c - tokenizer.json of Hugging Face's tokenizers: what is there is understood, or refused by name. */
#include <inttypes.h>
#include <string.h>

#include "base/file.h"
#include "text/tokenizer_impl.h"

enum { MOST_TOKENS = 10000000 };

typedef struct Reader {
  Tokenizer *t;
  const char *path;
  Error *err;
  Map *by_name; /* spelling -> id, while reading */
} Reader;

static const char *type_of(const json_t *part) { return json_get_text(part, "type", ""); }

static bool unsupported(const Reader *r, const char *what, const char *which) {
  return fail(r->err, "%s: %s \"%s\" is not supported", r->path, what, which);
}

/* Calls `each` for a part, or for every member of a "Sequence" (whose list has that name). */
static bool for_each(const Reader *r, const json_t *part, const char *list, const char *what,
                     bool (*each)(const Reader *, const json_t *)) {
  if (!part || json_is_null(part)) return true;
  if (strcmp(type_of(part), "Sequence")) return each(r, part);
  const json_t *members = json_object_get(part, list);
  if (!json_is_array(members)) return fail(r->err, "%s: the %s's sequence has no \"%s\"", r->path, what, list);
  for (size_t i = 0; i < json_array_size(members); i++)
    if (!each(r, json_array_get(members, i))) return false;
  return true;
}

/* ---- normalizer, pre-tokenizer, decoder, post-processor ---- */

static bool is_space_mark(const json_t *part, const char *from, const char *to) {
  return !strcmp(json_get_text(json_object_get(part, "pattern"), "String", ""), from) &&
         !strcmp(json_get_text(part, "content", "?"), to);
}

static bool read_normalizer(const Reader *r, const json_t *part) {
  const char *type = type_of(part);
  if (!strcmp(type, "NFC")) r->t->compose = true;
  else if (!strcmp(type, "Prepend") && !strcmp(json_get_text(part, "prepend", ""), "▁")) r->t->space_prefix = true;
  else if (!strcmp(type, "Replace") && is_space_mark(part, " ", "▁")) r->t->space_mark = true;
  else return unsupported(r, "normalizer", type);
  return true;
}

static bool set_pattern(const Reader *r, const char *pattern) {
  if (r->t->pattern) return unsupported(r, "pre-tokenizer", "a second pattern");
  r->t->pattern = words_compile(pattern, r->path, r->err);
  r->t->pattern_text = arena_strndup(r->t->arena, pattern, strlen(pattern));
  return r->t->pattern != NULL;
}

static bool read_byte_level(const Reader *r, const json_t *part) {
  bool regex, prefix;
  if (!json_get_bool(part, "use_regex", true, &regex, r->path, r->err) ||
      !json_get_bool(part, "add_prefix_space", true, &prefix, r->path, r->err))
    return false;
  r->t->byte_level = true;
  r->t->space_prefix = r->t->space_unless = prefix;
  return !regex || set_pattern(r, words_gpt2);
}

static bool read_pre_tokenizer(const Reader *r, const json_t *part) {
  const char *type = type_of(part);
  if (!strcmp(type, "ByteLevel")) return read_byte_level(r, part);
  if (strcmp(type, "Split")) return unsupported(r, "pre-tokenizer", type);
  const char *regex = json_get_text(json_object_get(part, "pattern"), "Regex", NULL);
  if (!regex || strcmp(json_get_text(part, "behavior", ""), "Isolated") || json_is_true(json_object_get(part, "invert")))
    return unsupported(r, "pre-tokenizer", "Split other than by an isolated Regex");
  return set_pattern(r, regex);
}

static bool read_decoder(const Reader *r, const json_t *part) {
  const char *type = type_of(part);
  int64_t start = 0, stop = 0;
  if (!strcmp(type, "ByteLevel") || !strcmp(type, "ByteFallback") || !strcmp(type, "Fuse")) return true;
  if (!strcmp(type, "Replace") && is_space_mark(part, "▁", " ")) return true;
  if (strcmp(type, "Strip") || strcmp(json_get_text(part, "content", ""), " ")) return unsupported(r, "decoder", type);
  if (!json_get_int(part, "start", 0, &start, r->path, r->err) || !json_get_int(part, "stop", 0, &stop, r->path, r->err))
    return false;
  if (start > 1 || stop > 0) return unsupported(r, "decoder", "Strip of more than one space at the front");
  r->t->strip_space = start == 1;
  return true;
}

/* Of a template only what stands before a single text is of use here. */
static bool read_template(const Reader *r, const json_t *part) {
  const json_t *first = json_array_get(json_object_get(part, "single"), 0);
  const char *name = json_get_text(json_object_get(first, "SpecialToken"), "id", NULL);
  if (!name) return true;
  r->t->begin = tokenizer_id(r->t, name);
  return r->t->begin >= 0 || fail(r->err, "%s: the post-processor's \"%s\" is not an added token", r->path, name);
}

static bool read_post_processor(const Reader *r, const json_t *part) {
  const char *type = type_of(part);
  if (!strcmp(type, "ByteLevel")) return true;
  return strcmp(type, "TemplateProcessing") ? unsupported(r, "post-processor", type) : read_template(r, part);
}

/* ---- vocabulary ---- */

/* "<0x0A>" -> 10; -1 for anything else. */
static int byte_named(const char *name) {
  unsigned byte;
  char end;
  return strlen(name) == 6 && sscanf(name, "<0x%2X%c", &byte, &end) == 2 && end == '>' ? (int)byte : -1;
}

/* What the spelling of a token stands for. */
static PieceKind meaning(const Reader *r, const char *name, Buffer *bytes) {
  buffer_clear(bytes);
  if (r->t->byte_level) return alphabet_read(name, strlen(name), bytes) ? PIECE_TEXT : PIECE_SPECIAL;
  const int byte = byte_named(name);
  if (byte >= 0) {
    const char c = (char)byte;
    buffer_add(bytes, &c, 1);
    return PIECE_BYTE;
  }
  for (const char *p = name; *p;) {
    const bool mark = r->t->space_mark && !strncmp(p, "▁", 3);
    buffer_add(bytes, mark ? " " : p, 1);
    p += mark ? 3 : 1;
  }
  return PIECE_TEXT;
}

static bool put_token(const Reader *r, const char *name, const json_t *value, Buffer *bytes) {
  const int64_t id = json_integer_value(value);
  if (!json_is_integer(value) || id < 0 || id >= MOST_TOKENS)
    return fail(r->err, "%s: token \"%s\" has no sensible id", r->path, name);
  if ((size_t)id < r->t->pieces.count && r->t->pieces.data[id].name)
    return fail(r->err, "%s: id %" PRId64 " is given to \"%s\" and to \"%s\"", r->path, id, r->t->pieces.data[id].name, name);
  const PieceKind kind = meaning(r, name, bytes);
  tokenizer_put(r->t, (int32_t)id, bytes->data ? bytes->data : "", bytes->length, name, kind);
  map_set(r->by_name, name, strlen(name), id);
  return true;
}

static bool read_vocabulary(const Reader *r, const json_t *vocabulary) {
  Buffer bytes = {0};
  const char *name;
  json_t *id;
  bool ok = true;
  if (!json_is_object(vocabulary)) return fail(r->err, "%s: the model has no \"vocab\"", r->path);
  const int64_t most = 2 * (int64_t)json_object_size(vocabulary) + 1000; /* few holes: no memory for a single huge id */
  json_object_foreach((json_t *)(uintptr_t)vocabulary, name, id) {
    if (ok && json_integer_value(id) >= most)
      ok = fail(r->err, "%s: token \"%s\" has id %" PRId64 ", too far beyond the others", r->path, name, (int64_t)json_integer_value(id));
    ok = ok && put_token(r, name, id, &bytes);
  }
  buffer_free(&bytes);
  return ok;
}

static bool id_named(const Reader *r, const char *name, size_t length, int32_t *out, size_t rank) {
  int64_t id;
  if (!map_get(r->by_name, name, length, &id))
    return fail(r->err, "%s: merge %zu speaks of \"%.*s\", which is no token", r->path, rank, (int)length, name);
  *out = (int32_t)id;
  return true;
}

/* "left right", or ["left", "right"]. */
static bool read_merge(const Reader *r, const json_t *merge, size_t rank, Buffer *joined) {
  const char *left = json_string_value(merge), *right = left ? strchr(left, ' ') : NULL;
  size_t left_length = right ? (size_t)(right - left) : 0;
  if (right) right++;
  if (json_array_size(merge) == 2) {
    left = json_string_value(json_array_get(merge, 0));
    right = json_string_value(json_array_get(merge, 1));
    left_length = left ? strlen(left) : 0;
  }
  if (!left || !right) return fail(r->err, "%s: merge %zu is not a pair of tokens", r->path, rank);
  Merge m;
  buffer_clear(joined);
  buffer_add(joined, left, left_length);
  buffer_adds(joined, right);
  if (!id_named(r, left, left_length, &m.left, rank) || !id_named(r, right, strlen(right), &m.right, rank) ||
      !id_named(r, joined->data, joined->length, &m.result, rank))
    return false;
  merges_add(&r->t->merges, m);
  return true;
}

static bool read_merges(const Reader *r, const json_t *merges) {
  Buffer joined = {0};
  bool ok = true;
  if (!json_is_array(merges)) return fail(r->err, "%s: the model has no \"merges\"", r->path);
  for (size_t i = 0; ok && i < json_array_size(merges); i++) ok = read_merge(r, json_array_get(merges, i), i, &joined);
  buffer_free(&joined);
  return ok;
}

static bool read_added(const Reader *r, const json_t *added) {
  for (size_t i = 0; i < json_array_size(added); i++) {
    const json_t *entry = json_array_get(added, i), *id = json_object_get(entry, "id");
    const char *content = json_get_text(entry, "content", NULL);
    if (!content || !*content || !json_is_integer(id) || json_integer_value(id) < 0 ||
        json_integer_value(id) > (int64_t)r->t->pieces.count + 100000)
      return fail(r->err, "%s: added token %zu has no content or no sensible id", r->path, i);
    const bool special = json_is_true(json_object_get(entry, "special"));
    const int32_t at = (int32_t)json_integer_value(id);
    tokenizer_put(r->t, at, content, strlen(content), content, special ? PIECE_SPECIAL : PIECE_BYTE);
    const AddedToken token = {r->t->pieces.data[at].name, strlen(content), at};
    vec_push(&r->t->added, token);
  }
  return true;
}

static bool read_model(const Reader *r, const json_t *model) {
  static const char *const absent[] = {"dropout", "continuing_subword_prefix", "end_of_word_suffix"};
  const char *type = type_of(model);
  if (strcmp(type, "BPE")) return unsupported(r, "model", type);
  for (size_t i = 0; i < sizeof absent / sizeof *absent; i++) {
    const json_t *value = json_object_get(model, absent[i]);
    if (value && !json_is_null(value) && !(json_is_string(value) && !*json_string_value(value)))
      return unsupported(r, "model option", absent[i]);
  }
  return json_get_bool(model, "ignore_merges", false, &r->t->whole_words, r->path, r->err) &&
         json_get_bool(model, "fuse_unk", false, &r->t->fuse_unknown, r->path, r->err) &&
         read_vocabulary(r, json_object_get(model, "vocab")) && read_merges(r, json_object_get(model, "merges"));
}

static bool read_unknown(const Reader *r, const json_t *model) {
  const char *name = json_get_text(model, "unk_token", NULL);
  int64_t id;
  if (!name) return true;
  if (!map_get(r->by_name, name, strlen(name), &id))
    return fail(r->err, "%s: the unknown token \"%s\" is not in the vocabulary", r->path, name);
  r->t->unknown = (int32_t)id;
  return true;
}

static bool read_all(const Reader *r, const json_t *json) {
  const json_t *model = json_object_get(json, "model");
  return for_each(r, json_object_get(json, "normalizer"), "normalizers", "normalizer", read_normalizer) &&
         for_each(r, json_object_get(json, "pre_tokenizer"), "pretokenizers", "pre-tokenizer", read_pre_tokenizer) &&
         for_each(r, json_object_get(json, "decoder"), "decoders", "decoder", read_decoder) && read_model(r, model) &&
         read_unknown(r, model) && read_added(r, json_object_get(json, "added_tokens")) &&
         for_each(r, json_object_get(json, "post_processor"), "processors", "post-processor", read_post_processor) &&
         tokenizer_finish(r->t, r->path, r->err);
}

Tokenizer *tokenizer_parse(const char *text, size_t length, const char *where, Error *err) {
  json_t *json = json_parse(text, length, where, err);
  if (!json) return NULL;
  Reader r = {tokenizer_new(), where, err, map_new()};
  const bool ok = read_all(&r, json);
  r.t->source = arena_strndup(r.t->arena, text, length);
  r.t->source_length = length;
  json_decref(json);
  map_free(r.by_name);
  if (ok) return r.t;
  tokenizer_free(r.t);
  return NULL;
}

Tokenizer *tokenizer_open(const char *path, Error *err) {
  FileView file;
  if (!file_view(path, &file, err)) return NULL;
  Tokenizer *t = tokenizer_parse(file.data, file.size, path, err);
  file_view_close(&file);
  return t;
}

/* ---- writing: the byte-level ones that we make ---- */

static json_t *vocabulary_json(const Tokenizer *t) {
  json_t *vocabulary = json_object();
  for (size_t i = 0; i < t->pieces.count; i++)
    if (t->pieces.data[i].name) json_object_set_new(vocabulary, t->pieces.data[i].name, json_integer((json_int_t)i));
  return vocabulary;
}

static json_t *merges_json(const Tokenizer *t) {
  json_t *merges = json_array();
  Buffer text = {0};
  for (size_t i = 0; i < t->merges.list.count; i++) {
    const Merge m = t->merges.list.data[i];
    buffer_clear(&text);
    buffer_addf(&text, "%s %s", t->pieces.data[m.left].name, t->pieces.data[m.right].name);
    json_array_append_new(merges, json_string(text.data));
  }
  buffer_free(&text);
  return merges;
}

static json_t *added_json(const Tokenizer *t) {
  json_t *added = json_array();
  for (size_t i = 0; i < t->added.count; i++) {
    const AddedToken *a = &t->added.data[i];
    json_array_append_new(added, json_pack("{s:i, s:s, s:b, s:b, s:b, s:b, s:b}", "id", (int)a->id, "content", a->content,
                                           "single_word", 0, "lstrip", 0, "rstrip", 0, "normalized", 0, "special", 1));
  }
  return added;
}

static json_t *byte_level_json(void) {
  return json_pack("{s:s, s:b, s:b, s:b}", "type", "ByteLevel", "add_prefix_space", 0, "trim_offsets", 1, "use_regex", 0);
}

static json_t *pre_tokenizer_json(const Tokenizer *t) {
  if (!t->pattern) return byte_level_json();
  json_t *split = json_pack("{s:s, s:{s:s}, s:s, s:b}", "type", "Split", "pattern", "Regex", t->pattern_text, "behavior",
                            "Isolated", "invert", 0);
  return json_pack("{s:s, s:[o, o]}", "type", "Sequence", "pretokenizers", split, byte_level_json());
}

static json_t *model_json(const Tokenizer *t) {
  return json_pack("{s:s, s:n, s:n, s:n, s:n, s:b, s:b, s:b, s:o, s:o}", "type", "BPE", "dropout", "unk_token",
                   "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk", 0, "byte_fallback", 0, "ignore_merges",
                   (int)t->whole_words, "vocab", vocabulary_json(t), "merges", merges_json(t));
}

static json_t *tokenizer_json(const Tokenizer *t) {
  return json_pack("{s:s, s:n, s:n, s:o, s:n, s:o, s:o, s:o, s:o}", "version", "1.0", "truncation", "padding",
                   "added_tokens", added_json(t), "normalizer", "pre_tokenizer", pre_tokenizer_json(t), "post_processor",
                   byte_level_json(), "decoder", byte_level_json(), "model", model_json(t));
}

/* One that was read is written back as it was, byte for byte. */
bool tokenizer_save(const Tokenizer *t, const char *path, Error *err) {
  if (t->source) return file_replace(path, t->source, t->source_length, err);
  json_t *json = tokenizer_json(t);
  const bool ok = json_write(path, json, err);
  json_decref(json);
  return ok;
}
