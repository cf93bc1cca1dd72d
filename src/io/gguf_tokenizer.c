/* gguf_tokenizer.c - tokenizer.json of a GGUF file's vocabulary: "gpt2" (byte-level BPE, whose words are cut
 * as "tokenizer.ggml.pre" says) and "llama" (SentencePiece's BPE with byte fallback, whose merges follow from
 * the scores). */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "io/gguf_model.h"

/* As llama.cpp numbers them. */
enum { NORMAL = 1, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE };

typedef struct Vocabulary {
  const Gguf *gguf;
  const GgufValue *tokens, *types, *scores, *merges; /* NULL: it has none */
  int64_t begin, end, unknown;
  bool add_begin, add_end, add_space;
  Buffer *out;
  Error *err;
} Vocabulary;

static int64_t type_of(const Vocabulary *v, uint64_t id) {
  return v->types ? gguf_int_at(v->types, id) : NORMAL;
}

/* ---- JSON ---- */

/* Texts that are not UTF-8 are refused when this is read. */
static void add_string(Buffer *b, const char *text, size_t length) {
  buffer_adds(b, "\"");
  for (size_t i = 0; i < length; i++) {
    const unsigned char c = (unsigned char)text[i];
    if (c < 0x20)
      buffer_addf(b, "\\u%04x", c);
    else if (c == '"' || c == '\\')
      buffer_addf(b, "\\%c", c);
    else
      buffer_add(b, text + i, 1);
  }
  buffer_adds(b, "\"");
}

static void add_token(const Vocabulary *v, int64_t id) {
  const GgufText *t = &v->tokens->texts[id];
  add_string(v->out, t->data, t->length);
}

static void add_vocabulary(const Vocabulary *v) {
  buffer_adds(v->out, "\"vocab\":{");
  for (uint64_t i = 0; i < v->tokens->count; i++) {
    if (i) buffer_adds(v->out, ",");
    add_token(v, (int64_t)i);
    buffer_addf(v->out, ":%" PRIu64, i);
  }
  buffer_adds(v->out, "}");
}

static void add_added_tokens(const Vocabulary *v) {
  bool first = true;
  buffer_adds(v->out, "\"added_tokens\":[");
  for (uint64_t i = 0; i < v->tokens->count; i++) {
    const int64_t type = type_of(v, i);
    if (type != CONTROL && type != USER_DEFINED && type != UNKNOWN) continue;
    buffer_addf(v->out, "%s{\"id\":%" PRIu64 ",\"content\":", first ? "" : ",", i);
    add_token(v, (int64_t)i);
    buffer_addf(
        v->out,
        ",\"single_word\":false,\"lstrip\":false,\"rstrip\":false,\"normalized\":false,\"special\":%s}",
        type == USER_DEFINED ? "false" : "true");
    first = false;
  }
  buffer_adds(v->out, "],");
}

static void add_template_token(const Vocabulary *v, int64_t id, const char *before) {
  buffer_addf(v->out, "%s{\"SpecialToken\":{\"type_id\":0,\"id\":", before);
  add_token(v, id);
  buffer_adds(v->out, "}}");
}

static void add_template_ids(const Vocabulary *v, int64_t id, const char *before) {
  buffer_adds(v->out, before);
  add_token(v, id);
  buffer_adds(v->out, ":{\"id\":");
  add_token(v, id);
  buffer_addf(v->out, ",\"ids\":[%" PRId64 "],\"tokens\":[", id);
  add_token(v, id);
  buffer_adds(v->out, "]}");
}

/* What stands around every text. */
static void add_post_processor(const Vocabulary *v) {
  const bool begin = v->add_begin && v->begin >= 0, end = v->add_end && v->end >= 0;
  if (!begin && !end) {
    buffer_adds(v->out, "\"post_processor\":null,");
    return;
  }
  buffer_adds(v->out, "\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[");
  if (begin) add_template_token(v, v->begin, "");
  buffer_addf(v->out, "%s{\"Sequence\":{\"id\":\"A\",\"type_id\":0}}", begin ? "," : "");
  if (end) add_template_token(v, v->end, ",");
  buffer_adds(v->out, "],\"pair\":[],\"special_tokens\":{");
  if (begin) add_template_ids(v, v->begin, "");
  if (end && (!begin || v->begin != v->end)) add_template_ids(v, v->end, begin ? "," : "");
  buffer_adds(v->out, "}},");
}

/* ---- byte-level BPE ---- */

#define CONTRACTIONS             "'s|'t|'re|'ve|'m|'ll|'d"
#define CONTRACTIONS_OF_ANY_CASE "(?i:" CONTRACTIONS ")"

/* How words are cut; `begins`: texts begin with the begin token unless the file says otherwise; `whole`: a
 * word that is a token is that token. smollm isolates digits first: whitespace before one ends its word
 * there. */
static const struct {
  const char *name, *pattern;
  bool begins, whole;
} patterns[] = {
    {"gpt-2", "'(?:[sdmt]|ll|ve|re)| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+", false,
     false},
    {"llama-bpe",
     CONTRACTIONS_OF_ANY_CASE
     "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+"
     "|\\s+(?!\\S)|\\s+",
     true, true},
    {"qwen2",
     CONTRACTIONS_OF_ANY_CASE
     "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+"
     "|\\s+(?!\\S)|\\s+",
     false, false},
    {"smollm", "'(?:[sdmt]|ll|ve|re)| ?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+|\\s+(?![^\\s\\p{N}])|\\s+", false,
     false}};
enum { PATTERNS = sizeof patterns / sizeof *patterns };

static int find_pattern(const Vocabulary *v, const char *name) {
  for (int i = 0; name && i < PATTERNS; i++)
    if (!strcmp(patterns[i].name, name)) return i;
  Buffer known = {0};
  for (int i = 0; i < PATTERNS; i++) buffer_addf(&known, "%s%s", i ? ", " : "", patterns[i].name);
  fail(v->err, "%s: \"tokenizer.ggml.pre\" is \"%s\": how it cuts words is not known (%s are)", v->gguf->path,
       name ? name : "", known.data);
  buffer_free(&known);
  return -1;
}

static void add_merges(const Vocabulary *v) {
  buffer_adds(v->out, ",\"merges\":[");
  for (uint64_t i = 0; i < v->merges->count; i++) {
    if (i) buffer_adds(v->out, ",");
    add_string(v->out, v->merges->texts[i].data, v->merges->texts[i].length);
  }
  buffer_adds(v->out, "]");
}

#define BYTE_LEVEL \
  "{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"trim_offsets\":true,\"use_regex\":false}"

static bool write_byte_level(Vocabulary *v) {
  const char *name = NULL;
  if (!gguf_get_text(v->gguf, "tokenizer.ggml.pre", &name, v->err)) return false;
  const int which = find_pattern(v, name);
  if (which < 0) return false;
  if (!v->merges || v->merges->type != GGUF_STRING)
    return fail_damaged(v->err, "%s: \"tokenizer.ggml.merges\" is missing, or no list of texts",
                        v->gguf->path);
  v->add_begin = patterns[which].begins;
  if (!gguf_get_bool(v->gguf, "tokenizer.ggml.add_bos_token", &v->add_begin, v->err)) return false;
  buffer_adds(v->out, "{\"version\":\"1.0\",");
  add_added_tokens(v);
  add_post_processor(v);
  buffer_adds(v->out,
              "\"normalizer\":null,\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":"
              "\"Split\",\"pattern\":{\"Regex\":");
  add_string(v->out, patterns[which].pattern, strlen(patterns[which].pattern));
  buffer_addf(v->out,
              "},\"behavior\":\"Isolated\",\"invert\":false}," BYTE_LEVEL "]},\"decoder\":" BYTE_LEVEL
              ",\"model\":{\"type\":\"BPE\",\"ignore_merges\":%s,",
              patterns[which].whole ? "true" : "false");
  add_vocabulary(v);
  add_merges(v);
  buffer_adds(v->out, "}}");
  return true;
}

/* ---- SentencePiece ---- */

typedef struct Split {
  double score; /* of the piece that the two become */
  uint64_t piece;
  int64_t left, right;
} Split;

typedef VEC(Split) Splits;

/* The best score first; of one piece, or of equal scores, the earlier ids. */
static int by_rank(const void *a, const void *b) {
  const Split *x = a, *y = b;
  if (x->score != y->score) return x->score > y->score ? -1 : 1;
  const int64_t orders[] = {(int64_t)x->piece - (int64_t)y->piece, x->left - y->left, x->right - y->right};
  for (int i = 0; i < 3; i++)
    if (orders[i]) return orders[i] < 0 ? -1 : 1;
  return 0;
}

/* Every way to put a piece together from two others is a merge, and merges go by the scores of what they
 * make: the pairs that SentencePiece joins, in its order. */
static bool find_splits(const Vocabulary *v, Splits *splits) {
  enum { LONGEST = 1024 };
  Map *ids = map_new();
  bool ok = true;
  for (uint64_t i = 0; i < v->tokens->count; i++)
    if (type_of(v, i) == NORMAL || type_of(v, i) == USER_DEFINED)
      map_set(ids, v->tokens->texts[i].data, v->tokens->texts[i].length, (int64_t)i);
  for (uint64_t i = 0; ok && i < v->tokens->count; i++) {
    const GgufText *t = &v->tokens->texts[i];
    if (type_of(v, i) != NORMAL) continue;
    ok = t->length <= LONGEST || fail_damaged(v->err, "%s: token %" PRIu64 " has %zu bytes, more than %d",
                                              v->gguf->path, i, t->length, LONGEST);
    for (size_t at = 1; ok && at < t->length; at++) {
      Split s = {.score = gguf_real_at(v->scores, i), .piece = i};
      if (((unsigned char)t->data[at] & 0xc0) != 0x80 && map_get(ids, t->data, at, &s.left) &&
          map_get(ids, t->data + at, t->length - at, &s.right))
        vec_push(splits, s);
    }
  }
  map_free(ids);
  return ok;
}

static bool add_splits(const Vocabulary *v) {
  Splits splits = {0};
  const bool ok = find_splits(v, &splits);
  if (splits.count) qsort(splits.data, splits.count, sizeof *splits.data, by_rank);
  buffer_adds(v->out, ",\"merges\":[");
  for (size_t i = 0; i < splits.count; i++) {
    buffer_adds(v->out, i ? ",[" : "[");
    add_token(v, splits.data[i].left);
    buffer_adds(v->out, ",");
    add_token(v, splits.data[i].right);
    buffer_adds(v->out, "]");
  }
  buffer_adds(v->out, "]");
  vec_free(&splits);
  return ok;
}

#define MARK            "\xe2\x96\x81" /* U+2581 */
#define SPACES_TO_MARKS "{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},\"content\":\"" MARK "\"}"
#define MARKS_TO_SPACES "{\"type\":\"Replace\",\"pattern\":{\"String\":\"" MARK "\"},\"content\":\" \"}"

static bool write_sentencepiece(Vocabulary *v) {
  if (!v->scores || v->scores->count != v->tokens->count || v->scores->type == GGUF_STRING)
    return fail_damaged(v->err, "%s: \"tokenizer.ggml.scores\" is missing, or not one number a token",
                        v->gguf->path);
  v->add_begin = v->add_space = true;
  if (!gguf_get_bool(v->gguf, "tokenizer.ggml.add_bos_token", &v->add_begin, v->err) ||
      !gguf_get_bool(v->gguf, "tokenizer.ggml.add_space_prefix", &v->add_space, v->err))
    return false;
  bool bytes = false;
  for (uint64_t i = 0; i < v->tokens->count; i++) bytes |= type_of(v, i) == BYTE;
  buffer_adds(v->out, "{\"version\":\"1.0\",");
  add_added_tokens(v);
  add_post_processor(v);
  buffer_addf(
      v->out,
      "\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[%s" SPACES_TO_MARKS
      "]},\"pre_tokenizer\":null,\"decoder\":{\"type\":\"Sequence\",\"decoders\":[" MARKS_TO_SPACES
      ",{\"type\":\"ByteFallback\"},{\"type\":\"Fuse\"}%s]},\"model\":{\"type\":\"BPE\",\"fuse_unk\":true,"
      "\"byte_fallback\":%s,\"unk_token\":",
      v->add_space ? "{\"type\":\"Prepend\",\"prepend\":\"" MARK "\"}," : "",
      v->add_space ? ",{\"type\":\"Strip\",\"content\":\" \",\"start\":1,\"stop\":0}" : "",
      bytes ? "true" : "false");
  if (v->unknown >= 0)
    add_token(v, v->unknown);
  else
    buffer_adds(v->out, "null");
  buffer_adds(v->out, ",");
  add_vocabulary(v);
  if (!add_splits(v)) return false;
  buffer_adds(v->out, "}}");
  return true;
}

/* ---- both ---- */

static bool read_id(const Vocabulary *v, const char *key, int64_t *id) {
  *id = -1;
  return gguf_get_int(v->gguf, key, id, v->err) &&
         ((*id >= -1 && *id < (int64_t)v->tokens->count) ||
          fail_damaged(v->err, "%s: \"%s\" is %" PRId64 ", not in the vocabulary of %" PRIu64, v->gguf->path,
                       key, *id, v->tokens->count));
}

static bool open_vocabulary(Vocabulary *v) {
  v->tokens = gguf_find(v->gguf, "tokenizer.ggml.tokens");
  v->types = gguf_find(v->gguf, "tokenizer.ggml.token_type");
  v->scores = gguf_find(v->gguf, "tokenizer.ggml.scores");
  v->merges = gguf_find(v->gguf, "tokenizer.ggml.merges");
  if (!v->tokens || v->tokens->type != GGUF_STRING || v->tokens->count > INT32_MAX)
    return fail_damaged(v->err, "%s: \"tokenizer.ggml.tokens\" is missing, or no list of texts",
                        v->gguf->path);
  if (v->types && (v->types->count != v->tokens->count || !gguf_is_int(v->types)))
    return fail_damaged(v->err, "%s: \"tokenizer.ggml.token_type\" is not one number a token", v->gguf->path);
  return read_id(v, "tokenizer.ggml.bos_token_id", &v->begin) &&
         read_id(v, "tokenizer.ggml.eos_token_id", &v->end) &&
         read_id(v, "tokenizer.ggml.unknown_token_id", &v->unknown) &&
         gguf_get_bool(v->gguf, "tokenizer.ggml.add_eos_token", &v->add_end, v->err);
}

bool gguf_tokenizer(const Gguf *g, Buffer *out, Error *err) {
  Vocabulary v = {.gguf = g, .out = out, .err = err};
  const char *model = NULL;
  if (!gguf_get_text(g, "tokenizer.ggml.model", &model, err)) return false;
  if (!model) return fail(err, "%s: has no tokenizer (\"tokenizer.ggml.model\")", g->path);
  if (!open_vocabulary(&v)) return false;
  if (!strcmp(model, "gpt2")) return write_byte_level(&v);
  if (!strcmp(model, "llama")) return write_sentencepiece(&v);
  return fail(err, "%s: a tokenizer of the kind \"%s\" is not read (gpt2 and llama are)", g->path, model);
}
