/* model_words.c - models that look words up: WordPiece (Schuster & Nakajima 2012: the longest token first)
 * and WordLevel. */
#include <string.h>

#include "text/tokenizer_impl.h"
#include "text/utf8.h"

static void add_unknown(const Tokenizer *t, Ids *out) {
  if (t->unknown >= 0) vec_push(out, t->unknown);
}

/* ---- WordPiece ---- */

static bool read_word_piece(StepReader *r, const json_t *model) {
  size_t length;
  return step_text(r, model, "continuing_subword_prefix", "##", &r->t->subword_prefix, &length) &&
         json_get_int(model, "max_input_chars_per_word", 100, &r->t->longest_word, r->path, r->err);
}

/* The longest token at a place of a word; its size, 0: none. It ends between characters, which over bytes are
 * these. */
static size_t longest(const Tokenizer *t, const char *word, size_t whole, size_t at, const EncodeOptions *o,
                      Buffer *key, int64_t *id) {
  const char *text = word + at;
  const size_t prefix = at ? strlen(t->subword_prefix) : 0, rest = whole - at;
  size_t length = rest;
  if (rest > t->longest_piece) length = utf8_whole_prefix(text, t->longest_piece);
  buffer_clear(key);
  buffer_add(key, t->subword_prefix, prefix);
  buffer_add(key, text, length);
  while (length) {
    if (tokenizer_find_text(t, key->data, prefix + length, id) &&
        model_finds(t, (int32_t)*id, o, word, whole, at, at + length))
      return length;
    while (--length && ((unsigned char)text[length] & 0xc0) == 0x80) continue;
  }
  return 0;
}

static void encode_word_piece(const Tokenizer *t, const char *word, size_t length, EncodeOptions *o,
                              Ids *out) {
  const size_t before = out->count;
  Buffer key = {0};
  int64_t id = 0;
  bool known = utf8_count(word, length) <= t->longest_word;
  for (size_t at = 0, n; known && at < length; at += n) {
    n = longest(t, word, length, at, o, &key, &id);
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

static void encode_word_level(const Tokenizer *t, const char *word, size_t length, EncodeOptions *o,
                              Ids *out) {
  int64_t id;
  if (tokenizer_find_text(t, word, length, &id) && model_finds(t, (int32_t)id, o, word, length, 0, length))
    vec_push(out, (int32_t)id);
  else
    add_unknown(t, out);
}

const ModelKind model_WordLevel = {
    .type = "WordLevel", .members = "unk_token|vocab|", .read = read_word_level, .encode = encode_word_level};
