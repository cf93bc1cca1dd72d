/* gguf_tokenizer_write.c - a tokenizer.json as metadata: the mirror of gguf_tokenizer.c. What it would
 * change, because GGUF has no word for it, is refused. */
#include <inttypes.h>
#include <string.h>

#include "base/arena.h"
#include "base/language.h"
#include "io/gguf_model.h"

typedef struct Writing {
  const json_t *json, *model;
  Vocabulary v;
  Map *ids;
  Arena *arena;
  GgufValues *out;
  Error *err;
} Writing;

static bool refuse(const Writing *w, const char *what) {
  return fail(w->err, "the tokenizer has %s, which GGUF files cannot say: convert to a directory instead",
              what);
}

static const char *type_of(const json_t *part) {
  return json_get_text(part, "type", "");
}

static bool is_on(const json_t *part, const char *key, bool otherwise) {
  const json_t *x = json_object_get(part, key);
  return x ? json_is_true(x) : otherwise;
}

/* ---- vocabulary ---- */

static bool put_token(Writing *w, int64_t id, const char *text, TokenKind kind) {
  if (id < 0 || id >= (int64_t)w->v.count || !text)
    return fail(w->err, "the tokenizer has a token %" PRId64 ", but the model has %zu", id, w->v.count);
  w->v.tokens[id] = (VocabularyToken){text, strlen(text), kind, 0};
  map_set(w->ids, text, strlen(text), id);
  return true;
}

static bool is_byte(const char *text) {
  return strlen(text) == 6 && !strncmp(text, "<0x", 3) && strspn(text + 3, "0123456789ABCDEF") == 2 &&
         text[5] == '>';
}

static bool put_vocabulary(Writing *w, bool byte_level) {
  const char *text;
  json_t *id;
  json_object_foreach(json_object_get(w->model, "vocab"), text, id) {
    if (!put_token(w, json_integer_value(id), text, !byte_level && is_byte(text) ? TOKEN_BYTE : TOKEN_NORMAL))
      return false;
  }
  return true;
}

static bool put_added(Writing *w) {
  size_t i;
  json_t *entry;
  json_array_foreach(json_object_get(w->json, "added_tokens"), i, entry) {
    if (is_on(entry, "lstrip", false) || is_on(entry, "rstrip", false) || is_on(entry, "single_word", false))
      return refuse(w, _("added tokens with lstrip, rstrip or single_word"));
    if (!put_token(w, json_integer_value(json_object_get(entry, "id")), json_get_text(entry, "content", NULL),
                   is_on(entry, "special", false) ? TOKEN_CONTROL : TOKEN_USER_DEFINED))
      return false;
  }
  return true;
}

/* Rows of the embedding that no token has. */
static void fill_holes(Writing *w) {
  for (size_t i = 0; i < w->v.count; i++) {
    char name[32];
    if (w->v.tokens[i].text) continue;
    const int length = snprintf(name, sizeof name, "[PAD%zu]", i);
    w->v.tokens[i] =
        (VocabularyToken){arena_strndup(w->arena, name, (size_t)length), (size_t)length, TOKEN_UNUSED, 0};
  }
}

/* The two parts of a merge, of either form. */
static bool split_merge(const json_t *merge, const char *part[2], size_t length[2]) {
  const char *text = json_string_value(merge), *space = text && *text ? strchr(text + 1, ' ') : NULL;
  for (size_t i = 0; i < 2; i++) {
    const json_t *each = json_array_get(merge, i);
    part[i] = text ? i ? space + 1 : text : json_string_value(each);
    if (text && !space) return false;
    if (!part[i]) return false;
    length[i] = !text ? json_string_length(each) : i ? strlen(part[1]) : (size_t)(space - text);
  }
  return true;
}

/* ---- byte-level BPE ---- */

/* Whether the first byte, in GPT-2's alphabet, is one that continues a character: 0x80 to 0xBF. Those that
 * are printable stand for themselves, the others for U+0100 and on. */
static bool continues(const char *text, size_t length) {
  const unsigned char a = (unsigned char)text[0], b = length > 1 ? (unsigned char)text[1] : 0;
  const int code = (a & 0x1f) << 6 | (b & 0x3f);
  if (a < 0xc0 || a >= 0xe0) return false;
  return (code >= 0xa1 && code <= 0xbf && code != 0xad) || (code >= 290 && code <= 323);
}

/* Merges that only put characters together make the same tokens however words are cut. */
static bool merges_within_characters(const json_t *merges) {
  size_t i;
  json_t *merge;
  json_array_foreach(merges, i, merge) {
    const char *part[2];
    size_t length[2];
    if (!split_merge(merge, part, length) || !continues(part[1], length[1])) return false;
  }
  return true;
}

/* GPT-2's pattern as older files have it. */
#define OLDER_GPT2 CONTRACTIONS "| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"

/* The pattern of a step that is not the last; NULL: it has none. */
static const char *pattern_of(const json_t *step) {
  if (!strcmp(type_of(step), "Digits")) return is_on(step, "individual_digits", false) ? "\\p{N}" : "\\p{N}+";
  if (strcmp(type_of(step), "Split") || is_on(step, "invert", false) ||
      strcmp(json_get_text(step, "behavior", ""), "Isolated"))
    return NULL;
  const char *regex = json_get_text(json_object_get(step, "pattern"), "Regex", NULL);
  return regex && !strcmp(regex, OLDER_GPT2) ? WORDS_GPT2 : regex;
}

/* The patterns that cut words, of which there may be none; false: words are cut in another way. */
static bool list_patterns(const json_t *pre, const char *each[MOST_PATTERNS + 1]) {
  const json_t *list = json_object_get(pre, "pretokenizers");
  const size_t count = list ? json_array_size(list) : 1;
  const json_t *last = list ? json_array_get(list, count - 1) : pre;
  if (!count || count > MOST_PATTERNS || strcmp(type_of(last), "ByteLevel") ||
      is_on(last, "add_prefix_space", true))
    return false;
  for (size_t i = 0; i + 1 < count; i++)
    if (!(each[i] = pattern_of(json_array_get(list, i)))) return false;
  if (is_on(last, "use_regex", true)) each[count - 1] = WORDS_GPT2;
  return true;
}

static const GgufPattern *find_pattern(const Writing *w) {
  const json_t *merges = json_object_get(w->model, "merges");
  const bool whole = is_on(w->model, "ignore_merges", false);
  const char *each[MOST_PATTERNS + 1] = {NULL};
  const GgufPattern *found =
      list_patterns(json_object_get(w->json, "pre_tokenizer"), each) ? gguf_pattern_of(each, whole) : NULL;
  if (found) return found;
  if (!whole && merges_within_characters(merges)) return gguf_pattern(0);
  fail(w->err,
       "the tokenizer cuts words in a way that GGUF has no name for (\"tokenizer.ggml.pre\"): llama.cpp "
       "would make other tokens; models trained with `--tokenizer char`, or `--words gpt-2`, can be "
       "converted");
  return NULL;
}

/* NFC and nothing else. */
static bool is_nfc(const json_t *normalizer) {
  const json_t *list = json_object_get(normalizer, "normalizers");
  if (list) normalizer = json_array_size(list) == 1 ? json_array_get(list, 0) : NULL;
  return !strcmp(type_of(normalizer), "NFC");
}

static bool check_byte_level(const Writing *w) {
  static const char *const keys[] = {"dropout", "continuing_subword_prefix", "end_of_word_suffix"};
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
    const json_t *x = json_object_get(w->model, keys[i]);
    if (x && !json_is_null(x) && json_string_length(x)) return refuse(w, keys[i]);
  }
  const json_t *normalizer = json_object_get(w->json, "normalizer");
  return !normalizer || json_is_null(normalizer) || is_nfc(normalizer) || refuse(w, _("a normalizer"));
}

static bool write_byte_level(Writing *w) {
  const json_t *merges = json_object_get(w->model, "merges");
  const GgufPattern *pattern = check_byte_level(w) ? find_pattern(w) : NULL;
  size_t i;
  json_t *merge;
  if (!pattern) return false;
  gguf_put_text(w->out, "tokenizer.ggml.model", "gpt2", 4);
  gguf_put_text(w->out, "tokenizer.ggml.pre", pattern->names, strcspn(pattern->names, " "));
  if (is_nfc(json_object_get(w->json, "normalizer"))) gguf_put_text(w->out, GGUF_NORMALIZER, "NFC", 3);
  gguf_put_array(w->out, "tokenizer.ggml.merges", GGUF_STRING, json_array_size(merges));
  json_array_foreach(merges, i, merge) {
    const char *part[2];
    size_t length[2];
    if (!split_merge(merge, part, length)) return refuse(w, _("a merge that is not of two tokens"));
    char *both = arena_alloc(w->arena, length[0] + length[1] + 1);
    memcpy(both, part[0], length[0]);
    both[length[0]] = ' ';
    memcpy(both + length[0] + 1, part[1], length[1]);
    gguf_add_text(w->out, both, length[0] + length[1] + 1);
  }
  return true;
}

/* ---- SentencePiece ---- */

/* The earlier a merge makes a piece, the higher its score. */
static bool score_pieces(Writing *w) {
  size_t i;
  int64_t made = 0;
  json_t *merge;
  json_array_foreach(json_object_get(w->model, "merges"), i, merge) {
    const char *part[2];
    size_t length[2];
    int64_t id;
    if (!split_merge(merge, part, length)) return refuse(w, _("a merge that is not of two tokens"));
    char *both = arena_alloc(w->arena, length[0] + length[1] + 1);
    memcpy(both, part[0], length[0]);
    memcpy(both + length[0], part[1], length[1]);
    if (!map_get(w->ids, both, length[0] + length[1], &id)) return refuse(w, _("a merge without a token"));
    if (w->v.tokens[id].score == 0) w->v.tokens[id].score = (double)-++made;
  }
  return true;
}

static bool same_merges(const json_t *merges, const StoredTokenizer *again) {
  const char *name[2];
  size_t length[2];
  bool same = json_array_size(merges) == again->merges.count;
  for (size_t i = 0; same && i < again->merges.count; i++) {
    const Merge *m = &again->merges.data[i];
    const int32_t ids[2] = {m->left, m->right};
    int64_t id;
    same = split_merge(json_array_get(merges, i), name, length);
    for (int k = 0; same && k < 2; k++) same = map_get(again->ids, name[k], length[k], &id) && id == ids[k];
  }
  return same;
}

/* Nothing, or a cut at spaces, of which the normalizer has left none. */
static bool cuts_nothing(const json_t *pre) {
  const char *at = json_get_text(json_object_get(pre, "pattern"), "String", "");
  return !pre || json_is_null(pre) || (!strcmp(type_of(pre), "Split") && !strcmp(at, " "));
}

/* What the scores, read again, would make of this vocabulary must be this tokenizer. */
static bool check_sentencepiece(Writing *w) {
  StoredTokenizer stored = {0};
  json_t *again = NULL;
  const bool made = vocabulary_store(&w->v, "token", &stored, w->err) &&
                    vocabulary_sentencepiece(&w->v, &stored, w->err) &&
                    (again = json_parse(stored.steps.data, stored.steps.length, "tokenizer.json", w->err));
  const json_t *model = json_object_get(again, "model");
  const char *different =
      !made ? NULL
      : !json_equal(json_object_get(w->json, "normalizer"), json_object_get(again, "normalizer"))
          ? _("a normalizer")
      : !cuts_nothing(json_object_get(w->json, "pre_tokenizer")) ? _("a pre-tokenizer")
      : is_on(w->model, "byte_fallback", false) != is_on(model, "byte_fallback", false)
          ? _("bytes it does not use")
      : !same_merges(json_object_get(w->model, "merges"), &stored)
          ? _("merges whose order is not that of scores")
          : NULL;
  json_decref(again);
  stored_free(&stored);
  return made && (!different || refuse(w, different));
}

static bool write_sentencepiece(Writing *w) {
  const json_t *prepend =
      json_array_get(json_object_get(json_object_get(w->json, "normalizer"), "normalizers"), 0);
  w->v.add_space = !strcmp(type_of(prepend), "Prepend");
  if (!score_pieces(w) || !check_sentencepiece(w)) return false;
  gguf_put_text(w->out, "tokenizer.ggml.model", "llama", 5);
  gguf_put_text(w->out, "tokenizer.ggml.pre", "default", 7);
  gguf_put_bool(w->out, "tokenizer.ggml.add_space_prefix", w->v.add_space);
  gguf_put_array(w->out, "tokenizer.ggml.scores", GGUF_F32, w->v.count);
  for (size_t i = 0; i < w->v.count; i++) gguf_add_real(w->out, w->v.tokens[i].score);
  return true;
}

/* ---- both ---- */

static void write_tokens(const Writing *w, const GgufTokens *special) {
  gguf_put_array(w->out, "tokenizer.ggml.tokens", GGUF_STRING, w->v.count);
  for (size_t i = 0; i < w->v.count; i++) gguf_add_text(w->out, w->v.tokens[i].text, w->v.tokens[i].length);
  gguf_put_array(w->out, "tokenizer.ggml.token_type", GGUF_I32, w->v.count);
  for (size_t i = 0; i < w->v.count; i++) gguf_add_number(w->out, w->v.tokens[i].kind, 4);
  if (special->begin >= 0) gguf_put_int(w->out, "tokenizer.ggml.bos_token_id", special->begin);
  if (special->unknown >= 0) gguf_put_int(w->out, "tokenizer.ggml.unknown_token_id", special->unknown);
  gguf_put_bool(w->out, "tokenizer.ggml.add_bos_token", special->begin >= 0 && special->add_begin);
}

static bool write_all(Writing *w, const GgufTokens *special) {
  const char *type = json_get_text(w->model, "type", "BPE");
  const json_t *pre = json_object_get(w->json, "pre_tokenizer"),
               *list = json_object_get(pre, "pretokenizers");
  const json_t *last = list ? json_array_get(list, json_array_size(list) - 1) : pre;
  const bool byte_level = !strcmp(type_of(last), "ByteLevel");
  if (strcmp(type, "BPE"))
    return fail(w->err,
                "a tokenizer of the type %s is not written as a GGUF file: convert to a directory instead",
                type);
  if (!put_vocabulary(w, byte_level) || !put_added(w)) return false;
  if (special->unknown >= 0 && special->unknown < (int64_t)w->v.count)
    w->v.tokens[special->unknown].kind = TOKEN_UNKNOWN;
  fill_holes(w);
  if (!(byte_level ? write_byte_level(w) : write_sentencepiece(w))) return false;
  write_tokens(w, special);
  return true;
}

bool gguf_put_tokenizer(GgufValues *out, const char *text, size_t length, const GgufTokens *special,
                        Error *err) {
  json_t *json = json_parse(text, length, "tokenizer.json", err);
  if (!json) return false;
  Writing w = {
      .json = json, .model = json_object_get(json, "model"), .arena = arena_new(0), .out = out, .err = err};
  w.v = (Vocabulary){.path = "tokenizer.json",
                     .space_rule = SPACE_BEHIND_SYMBOLS, /* as the file will be read, here and by llama.cpp */
                     .count = (size_t)special->vocabulary,
                     .begin = -1,
                     .end = -1,
                     .unknown = special->unknown};
  w.v.tokens = mem_alloc_zeroed(w.v.count, sizeof *w.v.tokens);
  w.ids = map_new();
  const bool ok = write_all(&w, special);
  map_free(w.ids);
  mem_free(w.v.tokens);
  arena_free(w.arena);
  json_decref(json);
  return ok;
}
