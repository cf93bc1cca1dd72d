/* tokenizer_json.c - reads tokenizer.json of Hugging Face's tokenizers; unsupported content is refused by
 * name. The vocabulary and the merges, nearly all of the file, are read without building a JSON tree, which
 * took four times as long as everything else. */
#include <inttypes.h>
#include <string.h>

#include "base/file.h"
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
  bool marks_to_spaces; /* parts of the decoder so far */
  bool fused;
  bool cut_to_bytes; /* the pre-tokenizer had ByteLevel, which comes last */
} Reader;

static const char *type_of(const json_t *part) {
  return json_get_text(part, "type", "");
}

static bool unsupported(Reader *r, const char *what, const char *which) {
  return fail(r->err, "%s: %s \"%s\" is not supported", r->path, what, which);
}

static bool is_listed(const char *list, const char *name) {
  const size_t n = strlen(name);
  for (const char *end; (end = strchr(list, '|')); list = end + 1)
    if ((size_t)(end - list) == n && !memcmp(list, name, n)) return true;
  return false;
}

/* Members other than those of the list ("a|b|") are refused, because they could change the meaning. */
static bool only_known(Reader *r, const json_t *part, const char *what, const char *known) {
  const char *key;
  json_t *value;
  json_object_foreach((json_t *)(uintptr_t)part, key, value) if (!is_listed(known, key)) return fail(
      r->err, "%s: \"%s\" of the %s is not supported", r->path, key, what);
  return true;
}

/* Calls `each` for a part, or for every element of a "Sequence"; `list` is the name of its list. */
static bool for_each(Reader *r, const json_t *part, const char *list, const char *what,
                     bool (*each)(Reader *, const json_t *)) {
  if (!part || json_is_null(part)) return true;
  if (strcmp(type_of(part), "Sequence")) return each(r, part);
  const json_t *members = json_object_get(part, list);
  if (!json_is_array(members))
    return fail_damaged(r->err, "%s: the %s's sequence has no \"%s\"", r->path, what, list);
  for (size_t i = 0; i < json_array_size(members); i++)
    if (!each(r, json_array_get(members, i))) return false;
  return true;
}

/* ---- normalizer, pre-tokenizer, decoder, post-processor ---- */

static bool replaces(const json_t *part, const char *from, const char *to) {
  return !strcmp(json_get_text(json_object_get(part, "pattern"), "String", ""), from) &&
         !strcmp(json_get_text(part, "content", "?"), to);
}

static bool read_normalizer(Reader *r, const json_t *part) {
  Normalizer *n = &r->t->normalizer;
  const char *type = type_of(part);
  if ((!strcmp(type, "NFC") || !strcmp(type, "NFKC")) && n->lowercase)
    return unsupported(r, "normalizer", "Lowercase before NFC or NFKC");
  if (!strcmp(type, "NFC"))
    n->compose = true;
  else if (!strcmp(type, "NFKC"))
    n->compatible = true;
  else if (!strcmp(type, "Lowercase"))
    n->lowercase = true;
  else if (!strcmp(type, "Prepend") && !strcmp(json_get_text(part, "prepend", ""), SPACE_MARK))
    n->prepend = true;
  else if (!strcmp(type, "Replace") && replaces(part, " ", SPACE_MARK))
    n->space_mark = true;
  else
    return unsupported(r, "normalizer", type);
  return only_known(r, part, "normalizer", "type|prepend|pattern|content|");
}

static bool set_pattern(Reader *r, const char *pattern) {
  if (r->t->pattern) return unsupported(r, "pre-tokenizer", "a second pattern");
  if (r->cut_to_bytes) return unsupported(r, "pre-tokenizer", "a pattern after ByteLevel");
  r->t->pattern = words_compile(pattern, r->path, r->err);
  r->t->pattern_text = arena_strndup(r->t->arena, pattern, strlen(pattern));
  return r->t->pattern != NULL;
}

static bool read_byte_level(Reader *r, const json_t *part) {
  bool regex, space;
  if (!only_known(r, part, "pre-tokenizer ByteLevel", "type|add_prefix_space|trim_offsets|use_regex|") ||
      !json_get_bool(part, "use_regex", true, &regex, r->path, r->err) ||
      !json_get_bool(part, "add_prefix_space", true, &space, r->path, r->err))
    return false;
  if (space && r->t->pattern) return unsupported(r, "pre-tokenizer", "add_prefix_space after a pattern");
  if (regex && !set_pattern(r, words_gpt2)) return false;
  r->t->space_first = space;
  return r->t->byte_level = r->cut_to_bytes = true;
}

static bool read_pre_tokenizer(Reader *r, const json_t *part) {
  const char *type = type_of(part);
  if (!strcmp(type, "ByteLevel")) return read_byte_level(r, part);
  if (strcmp(type, "Split")) return unsupported(r, "pre-tokenizer", type);
  const char *regex = json_get_text(json_object_get(part, "pattern"), "Regex", NULL);
  const bool inverted = json_is_true(json_object_get(part, "invert"));
  if (!regex || strcmp(json_get_text(part, "behavior", ""), "Isolated") || inverted)
    return unsupported(r, "pre-tokenizer", "Split other than by an isolated Regex");
  return only_known(r, part, "pre-tokenizer Split", "type|pattern|behavior|invert|") && set_pattern(r, regex);
}

static bool read_strip(Reader *r, const json_t *part) {
  int64_t start, stop;
  if (!json_get_int(part, "start", 0, &start, r->path, r->err) ||
      !json_get_int(part, "stop", 0, &stop, r->path, r->err))
    return false;
  if (!r->fused || strcmp(json_get_text(part, "content", ""), " ") || start < 0 || start > 1 || stop)
    return unsupported(r, "decoder", "Strip other than of one space at the front of the whole text");
  r->t->strip_space = start == 1;
  return only_known(r, part, "decoder Strip", "type|content|start|stop|");
}

static bool read_decoder(Reader *r, const json_t *part) {
  const char *type = type_of(part);
  if (!strcmp(type, "ByteLevel") || !strcmp(type, "ByteFallback")) return true;
  if (!strcmp(type, "Fuse")) return r->fused = true;
  if (!strcmp(type, "Replace") && replaces(part, SPACE_MARK, " ")) return r->marks_to_spaces = true;
  return strcmp(type, "Strip") ? unsupported(r, "decoder", type) : read_strip(r, part);
}

/* Adds a token that the post-processor puts before or after a text. */
static bool put_around(Reader *r, bool after, int64_t id) {
  enum { MOST_AFTER = 8 };
  if (id < 0 || id >= tokenizer_size(r->t))
    return fail_damaged(r->err, "%s: the post-processor's id %" PRId64 " is not in the vocabulary", r->path,
                        id);
  if (!after && r->t->begin >= 0) return unsupported(r, "post-processor", "two tokens before a text");
  if (r->t->behind.count == MOST_AFTER) return unsupported(r, "post-processor", "nine tokens after a text");
  if (after)
    vec_push(&r->t->behind, (int32_t)id);
  else
    r->t->begin = (int32_t)id;
  return true;
}

/* {"SpecialToken": {"id": NAME}}, with its ids in "special_tokens". */
static bool put_template_token(Reader *r, const json_t *part, const char *name, bool after) {
  const json_t *ids = json_object_get(json_object_get(json_object_get(part, "special_tokens"), name), "ids");
  if (!json_array_size(ids)) {
    const int32_t id = tokenizer_id(r->t, name);
    return id >= 0
               ? put_around(r, after, id)
               : fail_damaged(r->err, "%s: the post-processor's \"%s\" is not an added token", r->path, name);
  }
  for (size_t i = 0; i < json_array_size(ids); i++) {
    const json_t *id = json_array_get(ids, i);
    if (!put_around(r, after, json_is_integer(id) ? json_integer_value(id) : -1)) return false;
  }
  return true;
}

/* Only the template for single texts is used. */
static bool read_template(Reader *r, const json_t *part) {
  const json_t *single = json_object_get(part, "single");
  bool after = false;
  for (size_t i = 0; i < json_array_size(single); i++) {
    const json_t *item = json_array_get(single, i);
    const char *name = json_get_text(json_object_get(item, "SpecialToken"), "id", NULL);
    if (name && !put_template_token(r, part, name, after)) return false;
    after |= !name;
  }
  return true;
}

/* ["</s>", 2] */
static bool put_pair(Reader *r, const json_t *part, const char *key, bool after) {
  const json_t *id = json_array_get(json_object_get(part, key), 1);
  return json_is_integer(id) ? put_around(r, after, json_integer_value(id))
                             : fail_damaged(r->err, "%s: the post-processor %s has no \"%s\" with an id",
                                            r->path, type_of(part), key);
}

static bool read_post_processor(Reader *r, const json_t *part) {
  const char *type = type_of(part);
  if (!strcmp(type, "ByteLevel")) return true; /* changes offsets only */
  if (!strcmp(type, "RobertaProcessing") || !strcmp(type, "BertProcessing"))
    return put_pair(r, part, "cls", false) && put_pair(r, part, "sep", true);
  return strcmp(type, "TemplateProcessing") ? unsupported(r, "post-processor", type) : read_template(r, part);
}

/* ---- vocabulary ---- */

/* "<0x0A>" -> 10; -1 for anything else. */
static int byte_named(const char *name) {
  static const char digits[] = "0123456789ABCDEF";
  if (strlen(name) != 6 || strncmp(name, "<0x", 3) || name[5] != '>') return -1;
  const char *high = strchr(digits, name[3]), *low = strchr(digits, name[4]);
  return high && low ? (int)(16 * (high - digits) + (low - digits)) : -1;
}

/* Decodes the spelling of a token. */
static PieceKind decode_name(Reader *r, const char *name, Buffer *bytes) {
  buffer_clear(bytes);
  if (r->t->byte_level && alphabet_read(name, strlen(name), bytes)) return PIECE_TEXT;
  const int byte = r->t->byte_level ? -1 : byte_named(name);
  buffer_clear(bytes);
  if (byte >= 0) {
    buffer_add(bytes, &(char){(char)byte}, 1);
    return PIECE_BYTE;
  }
  const Normalizer spaces = {.space_mark = r->t->normalizer.space_mark};
  normalize(&spaces, name, strlen(name), bytes);
  /* with spaces written as marks, a token that contains a space never matches */
  return r->t->byte_level || (spaces.space_mark && strchr(name, ' ')) ? PIECE_ADDED : PIECE_TEXT;
}

/* "name": id */
static bool read_token(Reader *r, Buffer *bytes) {
  JsonScan *s = &r->vocabulary.scan;
  if (!json_scan_name(s)) return fail_damaged(r->err, "%s: \"vocab\" is not a list of tokens", r->path);
  const char *name = s->text.data;
  const size_t length = s->text.length;
  int64_t id;
  if (!length || strlen(name) != length)
    return fail_damaged(r->err, "%s: token \"%s\" is empty or contains a NUL character", r->path, name);
  if (!json_scan_integer(s, &id) || id < 0 || id >= (int64_t)r->vocabulary.strings + MOST_HOLES)
    return fail_damaged(r->err, "%s: token \"%s\" has no id, or one out of range", r->path, name);
  if ((size_t)id < r->t->pieces.count && r->t->pieces.data[id].name)
    return fail_damaged(r->err, "%s: both \"%s\" and \"%s\" have id %" PRId64, r->path,
                        r->t->pieces.data[id].name, name, id);
  if (map_get(r->t->by_name, name, length, NULL))
    return fail_damaged(r->err, "%s: token \"%s\" occurs twice", r->path, name);
  const PieceKind kind = decode_name(r, name, bytes);
  tokenizer_put(r->t, (int32_t)id, bytes->data, bytes->length, name, kind);
  return true;
}

static bool read_vocabulary(Reader *r) {
  JsonScan *s = &r->vocabulary.scan;
  Buffer bytes = {0};
  vec_reserve(&r->t->pieces, r->vocabulary.strings);
  map_reserve(r->t->by_bytes, r->vocabulary.strings);
  map_reserve(r->t->by_name, r->vocabulary.strings);
  bool ok = json_scan_enter(s, '{') || fail_damaged(r->err, "%s: the model has no \"vocab\"", r->path);
  while (ok && json_scan_more(s, '}')) ok = read_token(r, &bytes);
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

/* "left right", or ["left", "right"]: both joined, and the length of the left one. */
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

static bool read_merge(Reader *r, size_t rank, Buffer *joined) {
  size_t left;
  if (!read_pair(&r->merges.scan, joined, &left))
    return fail_damaged(r->err, "%s: merge %zu is not a pair of tokens", r->path, rank);
  Merge m;
  if (!id_named(r, joined->data, left, &m.left, rank) ||
      !id_named(r, joined->data + left, joined->length - left, &m.right, rank) ||
      !id_named(r, joined->data, joined->length, &m.result, rank))
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

static bool read_added(Reader *r, const json_t *added) {
  static const char known[] = "id|content|special|normalized|single_word|lstrip|rstrip|";
  if (added && !json_is_array(added))
    return fail_damaged(r->err, "%s: \"added_tokens\" is not a list", r->path);
  for (size_t i = 0; i < json_array_size(added); i++) {
    const json_t *entry = json_array_get(added, i), *id = json_object_get(entry, "id");
    if (!json_is_integer(id)) return fail_damaged(r->err, "%s: added token %zu has no id", r->path, i);
    if (!only_known(r, entry, "added tokens", known) ||
        !tokenizer_read_added(r->t, entry, json_integer_value(id), r->path, r->err))
      return false;
  }
  return true;
}

/* ---- the file ---- */

static bool is_nothing(const json_t *value) {
  return !value || json_is_null(value) || json_is_false(value) ||
         (json_is_string(value) && !*json_string_value(value)) ||
         (json_is_number(value) && json_number_value(value) == 0);
}

static bool read_unknown(Reader *r, const json_t *model) {
  const char *name = json_get_text(model, "unk_token", NULL);
  int64_t id;
  if (!name) return true;
  if (!map_get(r->t->by_name, name, strlen(name), &id))
    return fail_damaged(r->err, "%s: the unknown token \"%s\" is not in the vocabulary", r->path, name);
  r->t->unknown = (int32_t)id;
  return true;
}

static bool read_model(Reader *r, const json_t *model) {
  static const char *const unsupported_options[] = {"dropout", "continuing_subword_prefix",
                                                    "end_of_word_suffix"};
  const char *type = type_of(model); /* empty in older files */
  if (*type && strcmp(type, "BPE")) return unsupported(r, "model", type);
  for (size_t i = 0; i < sizeof unsupported_options / sizeof *unsupported_options; i++)
    if (!is_nothing(json_object_get(model, unsupported_options[i])))
      return unsupported(r, "model option", unsupported_options[i]);
  return only_known(r, model, "model",
                    "type|dropout|unk_token|continuing_subword_prefix|end_of_word_suffix|fuse_unk|"
                    "byte_fallback|ignore_merges|vocab|merges|") &&
         json_get_bool(model, "ignore_merges", false, &r->t->whole_words, r->path, r->err) &&
         json_get_bool(model, "fuse_unk", false, &r->t->fuse_unknown, r->path, r->err) &&
         json_get_bool(model, "byte_fallback", false, &r->t->byte_fallback, r->path, r->err) &&
         read_vocabulary(r) && read_merges(r) && read_unknown(r, model);
}

/* Checks combinations of parts. */
static bool check_parts(Reader *r) {
  const Normalizer *n = &r->t->normalizer;
  if (n->prepend && !n->space_mark) return unsupported(r, "normalizer", "Prepend without Replace");
  if (n->space_mark && r->t->byte_level) return unsupported(r, "normalizer", "Replace before ByteLevel");
  if (n->space_mark && !r->marks_to_spaces)
    return unsupported(r, "decoder", "without Replace, which the normalizer has,");
  return true;
}

/* Truncation and padding are left to the user of the ids. */
static void remark_on_ignored(Reader *r, const json_t *json) {
  static const char *const parts[] = {"truncation", "padding"};
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
    if (!is_nothing(json_object_get(json, parts[i])))
      tokenizer_remark_on(r->t, "its \"%s\" is not applied", parts[i]);
}

static bool read_all(Reader *r, const json_t *json) {
  remark_on_ignored(r, json);
  return only_known(r, json, "tokenizer",
                    "version|truncation|padding|added_tokens|normalizer|pre_tokenizer|"
                    "post_processor|decoder|model|") &&
         for_each(r, json_object_get(json, "normalizer"), "normalizers", "normalizer", read_normalizer) &&
         for_each(r, json_object_get(json, "pre_tokenizer"), "pretokenizers", "pre-tokenizer",
                  read_pre_tokenizer) &&
         for_each(r, json_object_get(json, "decoder"), "decoders", "decoder", read_decoder) &&
         check_parts(r) && read_model(r, json_object_get(json, "model")) &&
         read_added(r, json_object_get(json, "added_tokens")) &&
         for_each(r, json_object_get(json, "post_processor"), "processors", "post-processor",
                  read_post_processor);
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

Tokenizer *tokenizer_open(const char *path, Error *err) {
  FileView file;
  if (!file_view_regular(path, &file, err)) return NULL;
  Tokenizer *t = read_file(file.data, file.size, path, err);
  file_view_close(&file);
  return t ? finish(t, tokenizer_read_config_files(t, path, err), path, err) : NULL;
}
