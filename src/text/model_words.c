/* model_words.c - models that look words up: WordPiece (Schuster & Nakajima 2012: the longest token first)
 * and WordLevel. */
#include <string.h>

#include "text/tokenizer_impl.h"
#include "text/utf8.h"

static bool find(const Tokenizer *t, const char *text, size_t length, int64_t *id) {
  return map_get(t->by_bytes, text, length, id) && !t->pieces.data[*id].special;
}

static void add_unknown(const Tokenizer *t, Ids *out) {
  if (t->unknown >= 0) vec_push(out, t->unknown);
}

/* ---- WordPiece ---- */

static bool read_word_piece(StepReader *r, const json_t *model) {
  size_t length;
  return step_text(r, model, "continuing_subword_prefix", "##", &r->t->subword_prefix, &length) &&
         json_get_int(model, "max_input_chars_per_word", 100, &r->t->longest_word, r->path, r->err);
}

/* The longest token that begins the text, which continues a word unless it is its `first`; its size, 0: none.
 */
static size_t longest(const Tokenizer *t, const char *text, size_t length, bool first, Buffer *key,
                      int64_t *id) {
  if (length > t->longest_piece) length = utf8_whole_prefix(text, t->longest_piece);
  const size_t prefix = first ? 0 : strlen(t->subword_prefix);
  buffer_clear(key);
  buffer_add(key, t->subword_prefix, prefix);
  buffer_add(key, text, length);
  while (length) {
    if (find(t, key->data, prefix + length, id)) return length;
    while (--length && ((unsigned char)text[length] & 0xc0) == 0x80) continue;
  }
  return 0;
}

static void encode_word_piece(const Tokenizer *t, const char *word, size_t length, Dropout *d, Ids *out) {
  const size_t before = out->count;
  Buffer key = {0};
  int64_t id = 0;
  (void)d;
  bool known = utf8_count(word, length) <= t->longest_word;
  for (size_t at = 0, n; known && at < length; at += n) {
    n = longest(t, word + at, length - at, !at, &key, &id);
    known = n > 0;
    if (known) vec_push(out, (int32_t)id);
  }
  buffer_free(&key);
  if (known) return;
  out->count = before;
  add_unknown(t, out);
}

const ModelKind model_WordPiece = {
    .type = "WordPiece",
    .members = "unk_token|continuing_subword_prefix|max_input_chars_per_word|vocab|",
    .read = read_word_piece,
    .encode = encode_word_piece};

/* ---- WordLevel ---- */

static bool read_word_level(StepReader *r, const json_t *model) {
  (void)r, (void)model;
  return true;
}

static void encode_word_level(const Tokenizer *t, const char *word, size_t length, Dropout *d, Ids *out) {
  int64_t id;
  (void)d;
  if (find(t, word, length, &id))
    vec_push(out, (int32_t)id);
  else
    add_unknown(t, out);
}

const ModelKind model_WordLevel = {
    .type = "WordLevel", .members = "unk_token|vocab|", .read = read_word_level, .encode = encode_word_level};
