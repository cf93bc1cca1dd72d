#include "io/vocabulary.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/base64.h"
#include "text/alphabet.h"

/* The members of a model that are stored as lists. */
#define LISTS "\"vocab\":null,\"merges\":null"

/* ---- parts of tokenizer.json ---- */

void vocabulary_add_text(Buffer *b, const char *text, size_t length) {
  buffer_adds(b, "\"");
  for (size_t i = 0, n; i < length; i += n) {
    const unsigned char c = (unsigned char)text[i];
    for (n = 0;
         i + n < length && (unsigned char)text[i + n] >= 0x20 && text[i + n] != '"' && text[i + n] != '\\';)
      n++;
    buffer_add(b, text + i, n);
    if (n) continue;
    n = 1;
    if (c < 0x20)
      buffer_addf(b, "\\u%04x", c);
    else
      buffer_addf(b, "\\%c", c);
  }
  buffer_adds(b, "\"");
}

/* NAN: not a piece of the unigram model. */
static double score_of(const Vocabulary *v, const VocabularyToken *t) {
  return v->mapped && t->kind != TOKEN_NORMAL ? NAN : t->score;
}

static void add_token(const Vocabulary *v, int64_t id, Buffer *b) {
  vocabulary_add_text(b, v->tokens[id].text, v->tokens[id].length);
}

bool vocabulary_store(const Vocabulary *v, const char *name, StoredTokenizer *out, Error *err) {
  bool ok = true;
  stored_reserve(out, v->count);
  for (size_t i = 0; ok && i < v->count; i++) {
    const VocabularyToken *t = &v->tokens[i];
    int64_t first = -1;
    if (!t->length || !json_is_utf8(t->text, t->length) || memchr(t->text, 0, t->length))
      ok = fail_damaged(err, "%s: %s %zu is not UTF-8, is empty, or has a NUL", v->path, name, i);
    else if (!stored_put(out, (int64_t)i, t->text, t->length, score_of(v, t)))
      ok = map_get(out->ids, t->text, t->length, &first) &&
           fail_damaged(err, "%s: %s %zu is the same text as %" PRId64, v->path, name, i, first);
  }
  return ok;
}

bool vocabulary_put_bytes(Vocabulary *v, Arena *arena, int64_t id, const char *base64, size_t length,
                          double score) {
  Buffer bytes = {0}, name = {0};
  const bool ok = !v->tokens[id].length && base64_read(base64, length, &bytes) && bytes.length;
  if (ok) {
    alphabet_spell(bytes.data, bytes.length, &name);
    v->tokens[id] =
        (VocabularyToken){arena_strndup(arena, name.data, name.length), name.length, TOKEN_NORMAL, score};
  }
  buffer_free(&bytes);
  buffer_free(&name);
  return ok;
}

bool vocabulary_fill(Vocabulary *v, const json_t *vocabulary, Error *err) {
  const char *name;
  json_t *value;
  v->count = json_object_size(vocabulary);
  v->tokens = mem_alloc_zeroed(v->count + 1, sizeof *v->tokens);
  json_object_foreach((json_t *)(uintptr_t)vocabulary, name, value) {
    const int64_t id = json_is_integer(value) ? json_integer_value(value) : -1;
    if (id < 0 || id >= (int64_t)v->count || v->tokens[id].text)
      return fail_damaged(err, "%s: the ids of its tokens are not 0 to %zu", v->path, v->count - 1);
    v->tokens[id] = (VocabularyToken){name, strlen(name), TOKEN_NORMAL, 0};
  }
  return v->count || fail_damaged(err, "%s: has no tokens", v->path);
}

/* Whether user-defined symbols are found in the text as a whole, normalized. Then no normalizer may add the
 * space that begins it, which would change the symbols, too. */
static bool normalizes_symbols(const Vocabulary *v) {
  for (size_t i = 0; v->space_rule != SPACE_BEHIND_SYMBOLS && i < v->count; i++)
    if (v->tokens[i].kind == TOKEN_USER_DEFINED) return true;
  return false;
}

static void add_added_tokens(const Vocabulary *v, Buffer *b) {
  bool first = true;
  const bool normalized = normalizes_symbols(v);
  buffer_adds(b, "\"added_tokens\":[");
  for (size_t i = 0; i < v->count; i++) {
    const TokenKind kind = v->tokens[i].kind;
    if (kind != TOKEN_CONTROL && kind != TOKEN_USER_DEFINED && kind != TOKEN_UNKNOWN) continue;
    buffer_addf(b, "%s{\"id\":%zu,\"content\":", first ? "" : ",", i);
    add_token(v, (int64_t)i, b);
    buffer_addf(b,
                ",\"single_word\":false,\"lstrip\":false,\"rstrip\":false,\"normalized\":%s,\"special\":%s}",
                kind == TOKEN_USER_DEFINED && normalized ? "true" : "false",
                kind == TOKEN_USER_DEFINED ? "false" : "true");
    first = false;
  }
  buffer_adds(b, "],");
}

static void add_template_token(const Vocabulary *v, int64_t id, const char *before, Buffer *b) {
  buffer_addf(b, "%s{\"SpecialToken\":{\"type_id\":0,\"id\":", before);
  add_token(v, id, b);
  buffer_adds(b, "}}");
}

static void add_template_ids(const Vocabulary *v, int64_t id, const char *before, Buffer *b) {
  buffer_adds(b, before);
  add_token(v, id, b);
  buffer_adds(b, ":{\"id\":");
  add_token(v, id, b);
  buffer_addf(b, ",\"ids\":[%" PRId64 "],\"tokens\":[", id);
  add_token(v, id, b);
  buffer_adds(b, "]}");
}

/* What stands around every text. */
static void add_post_processor(const Vocabulary *v, Buffer *b) {
  const bool begin = v->add_begin && v->begin >= 0, end = v->add_end && v->end >= 0;
  if (!begin && !end) {
    buffer_adds(b, "\"post_processor\":null,");
    return;
  }
  buffer_adds(b, "\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[");
  if (begin) add_template_token(v, v->begin, "", b);
  buffer_addf(b, "%s{\"Sequence\":{\"id\":\"A\",\"type_id\":0}}", begin ? "," : "");
  if (end) add_template_token(v, v->end, ",", b);
  buffer_adds(b, "],\"pair\":[],\"special_tokens\":{");
  if (begin) add_template_ids(v, v->begin, "", b);
  if (end && (!begin || v->begin != v->end)) add_template_ids(v, v->end, begin ? "," : "", b);
  buffer_adds(b, "}},");
}

void vocabulary_add_frame(const Vocabulary *v, Buffer *b) {
  add_added_tokens(v, b);
  add_post_processor(v, b);
}

/* ---- byte-level BPE ---- */

#define BYTE_LEVEL(space, regex) \
  "{\"type\":\"ByteLevel\",\"add_prefix_space\":" space ",\"trim_offsets\":true,\"use_regex\":" regex "}"

static void add_split(const char *pattern, Buffer *b) {
  buffer_adds(b, "{\"type\":\"Split\",\"pattern\":{\"Regex\":");
  vocabulary_add_text(b, pattern, strlen(pattern));
  buffer_adds(b, "},\"behavior\":\"Isolated\",\"invert\":false},");
}

void vocabulary_byte_level(const Vocabulary *v, Buffer *b) {
  buffer_adds(b, "{\"version\":\"1.0\",");
  vocabulary_add_frame(v, b);
  buffer_addf(b, "\"normalizer\":%s,\"pre_tokenizer\":", v->composes ? "{\"type\":\"NFC\"}" : "null");
  if (v->patterns[0]) {
    buffer_adds(b, "{\"type\":\"Sequence\",\"pretokenizers\":[");
    for (int i = 0; v->patterns[i]; i++) add_split(v->patterns[i], b);
    buffer_adds(b, BYTE_LEVEL("false", "false") "]}");
  } else {
    buffer_adds(b, v->add_space ? BYTE_LEVEL("true", "true") : BYTE_LEVEL("false", "true"));
  }
  buffer_addf(b,
              ",\"decoder\":" BYTE_LEVEL(
                  "false", "false") ",\"model\":{\"type\":\"BPE\",\"ignore_merges\":%s," LISTS "}}",
              v->whole_words ? "true" : "false");
}

void vocabulary_longest_first(const Vocabulary *v, Buffer *b) {
  buffer_adds(b, "{\"version\":\"1.0\",");
  vocabulary_add_frame(v, b);
  buffer_adds(
      b, "\"normalizer\":null,\"pre_tokenizer\":" BYTE_LEVEL("false", "false") ",\"decoder\":" BYTE_LEVEL(
             "false", "false") ",\"model\":{\"type\":\"WordPiece\",\"unk_token\":");
  vocabulary_add_text(b, v->tokens[v->end].text, v->tokens[v->end].length);
  buffer_adds(b,
              ",\"continuing_subword_prefix\":\"\",\"max_input_chars_per_word\":2147483647,\"vocab\":null}}");
}

/* ---- SentencePiece ---- */

#define MARK            "\xe2\x96\x81" /* U+2581 */
#define SPACES_TO_MARKS "{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},\"content\":\"" MARK "\"}"
#define MARKS_TO_SPACES "{\"type\":\"Replace\",\"pattern\":{\"String\":\"" MARK "\"},\"content\":\" \"}"

static bool has_bytes(const Vocabulary *v) {
  for (size_t i = 0; i < v->count; i++)
    if (v->tokens[i].kind == TOKEN_BYTE) return true;
  return false;
}

#define REPLACE(regex, with) \
  "{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"" regex "\"},\"content\":\"" with "\"},"

/* "before_added": a text that begins with an added token or a mark begins with another mark, too. Others that
 * read tokenizer.json ignore it. */
#define METASPACE_FIRST \
  "{\"type\":\"Metaspace\",\"replacement\":\"" MARK "\",\"prepend_scheme\":\"first\",\"split\":false"

/* SentencePiece looks up the longest string of the map, unlike others that read it ("longest"). */
static void add_normalizer(const Vocabulary *v, Buffer *b) {
  static const char prepend[] = "{\"type\":\"Prepend\",\"prepend\":\"" MARK "\"},";
  const bool whole = normalizes_symbols(v);
  buffer_adds(b, "\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[");
  if (v->add_space && !v->joins_spaces && !whole) buffer_adds(b, prepend);
  if (v->map_length) {
    buffer_adds(b, "{\"type\":\"Precompiled\",\"longest\":true,\"precompiled_charsmap\":\"");
    base64_write(v->map, v->map_length, b);
    buffer_adds(b, "\"},");
  }
  if (v->joins_spaces) buffer_adds(b, REPLACE("\\\\A +|[ " MARK "]+\\\\z", "") REPLACE(" {2,}", " "));
  if (v->add_space && v->joins_spaces && !whole) buffer_adds(b, prepend);
  buffer_addf(b, SPACES_TO_MARKS "]},\"pre_tokenizer\":%s,",
              !whole || !v->add_space                 ? "null"
              : v->space_rule == SPACE_BEFORE_LETTERS ? METASPACE_FIRST "}"
                                                      : METASPACE_FIRST ",\"before_added\":true}");
}

static void add_unigram(const Vocabulary *v, Buffer *b) {
  buffer_addf(b, "\"model\":{\"type\":\"Unigram\",\"byte_fallback\":%s,\"unk_id\":%" PRId64 ",\"vocab\":null",
              has_bytes(v) ? "true" : "false", v->unknown);
  buffer_adds(b, v->mapped ? ",\"unlisted\":[" : "");
  for (size_t i = 0; i < v->unlisted_count; i++) {
    buffer_adds(b, i ? ",[" : "[");
    vocabulary_add_text(b, v->unlisted[i].text, v->unlisted[i].length);
    buffer_addf(b, ",%.9g]", v->unlisted[i].score);
  }
  buffer_adds(b, v->mapped ? "]}}" : "}}");
}

static void add_bpe(const Vocabulary *v, Buffer *b) {
  buffer_addf(b,
              "\"model\":{\"type\":\"BPE\",\"fuse_unk\":true,\"byte_fallback\":%s," LISTS ",\"unk_token\":",
              has_bytes(v) ? "true" : "false");
  if (v->unknown >= 0)
    add_token(v, v->unknown, b);
  else
    buffer_adds(b, "null");
  buffer_adds(b, "}}");
}

/* Decoding drops the space that stands before every text, or all in front. */
#define STRIP(count) ",{\"type\":\"Strip\",\"content\":\" \",\"start\":" count ",\"stop\":0}"

static void add_sentencepiece(const Vocabulary *v, Buffer *b) {
  buffer_adds(b, "{\"version\":\"1.0\",");
  vocabulary_add_frame(v, b);
  add_normalizer(v, b);
  buffer_addf(b,
              "\"decoder\":{\"type\":\"Sequence\",\"decoders\":[" MARKS_TO_SPACES
              ",{\"type\":\"ByteFallback\"},{\"type\":\"Fuse\"}%s]},",
              v->joins_spaces ? STRIP("1000")
              : v->add_space  ? STRIP("1")
                              : "");
  if (v->unigram)
    add_unigram(v, b);
  else
    add_bpe(v, b);
}

bool vocabulary_sentencepiece(const Vocabulary *v, StoredTokenizer *out, Error *err) {
  for (size_t i = 0; v->unigram && i < v->count + v->unlisted_count; i++)
    if (!isfinite(i < v->count ? v->tokens[i].score : v->unlisted[i - v->count].score))
      return fail_damaged(err, "%s: the score of token %zu is not a number", v->path, i);
  add_sentencepiece(v, &out->steps);
  return v->unigram || vocabulary_merges(v, out, err);
}
