/* model_bpe.c - byte-pair encoding of a word: its bytes (byte-level) or characters, then merges (bpe.h). */
#include <string.h>

#include "base/language.h"
#include "text/tokenizer_impl.h"
#include "text/utf8.h"

static bool is_nothing(const json_t *value) {
  return !value || json_is_null(value) || json_is_false(value) ||
         (json_is_string(value) && !*json_string_value(value)) ||
         (json_is_number(value) && json_number_value(value) == 0);
}

static bool read(StepReader *r, const json_t *model) {
  Tokenizer *t = r->t;
  size_t length;
  r->what = _("model option");
  if (!is_nothing(json_object_get(model, "dropout"))) return step_refuse(r, "dropout");
  if (!step_text(r, model, "continuing_subword_prefix", "", &t->subword_prefix, &length) ||
      !step_text(r, model, "end_of_word_suffix", "", &t->word_suffix, &length) ||
      !step_bool(r, model, "ignore_merges", false, &t->whole_words) ||
      !step_bool(r, model, "fuse_unk", false, &t->fuse_unknown) ||
      !step_bool(r, model, "byte_fallback", false, &t->byte_fallback))
    return false;
  return !t->byte_fallback || !has_affixes(t) || step_refuse(r, "byte_fallback with a prefix or suffix");
}

/* Appends the unknown token, if there is one. */
static size_t add_unknown(const Tokenizer *t, int32_t *symbols, size_t count) {
  if (t->unknown < 0 || (t->fuse_unknown && count && symbols[count - 1] == t->unknown)) return count;
  symbols[count] = t->unknown;
  return count + 1;
}

static size_t symbols_of_bytes(const Tokenizer *t, const char *word, size_t length, int32_t *symbols) {
  size_t count = 0;
  for (size_t i = 0; i < length; i++) {
    const int32_t id = t->bytes[(unsigned char)word[i]];
    if (id >= 0)
      symbols[count++] = id;
    else
      count = add_unknown(t, symbols, count);
  }
  return count;
}

bool encode_bytes(const Tokenizer *t, const char *text, size_t length, int32_t *ids) {
  if (!t->byte_fallback) return false;
  for (size_t i = 0; i < length; i++)
    if ((ids[i] = t->bytes[(unsigned char)text[i]]) < 0) return false;
  return true;
}

/* The key of a character in the vocabulary: with the prefix that all but the first of a word have, and the
 * suffix of the last. */
static bool find_character(const Tokenizer *t, const char *text, size_t length, bool first, bool last,
                           int64_t *id) {
  if (!has_affixes(t)) return tokenizer_find_text(t, text, length, id);
  Buffer key = {0};
  if (!first) buffer_adds(&key, t->subword_prefix);
  buffer_add(&key, text, length);
  if (last) buffer_adds(&key, t->word_suffix);
  const bool found = tokenizer_find_text(t, key.data, key.length, id);
  buffer_free(&key);
  return found;
}

/* A character becomes its token, else its bytes, else the unknown token. */
static size_t symbols_of_characters(const Tokenizer *t, const char *word, size_t length, int32_t *symbols) {
  size_t count = 0;
  for (size_t at = 0, n; at < length; at += n) {
    int64_t id;
    n = utf8_character(word + at, length - at);
    const bool valid = n > 0;
    if (!valid) n = 1;
    if (valid && find_character(t, word + at, n, !at, at + n == length, &id))
      symbols[count++] = (int32_t)id;
    else if (encode_bytes(t, word + at, n, symbols + count))
      count += n;
    else
      count = add_unknown(t, symbols, count);
  }
  return count;
}

static void encode(const Tokenizer *t, const char *word, size_t length, EncodeOptions *d, Ids *out) {
  int64_t id;
  if (t->whole_words && !d->drop && tokenizer_find_text(t, word, length, &id) &&
      model_finds(t, (int32_t)id, d, word, length, 0, length)) {
    vec_push(out, (int32_t)id);
    return;
  }
  vec_reserve(out, out->count + length);
  int32_t *symbols = out->data + out->count;
  const size_t count = t->byte_level ? symbols_of_bytes(t, word, length, symbols)
                                     : symbols_of_characters(t, word, length, symbols);
  out->count += d->drop ? merges_apply_dropping(&t->merges, symbols, count, d->drop, d->seed, d->stream++)
                        : merges_apply(&t->merges, symbols, count);
}

const ModelKind model_BPE = {.type = "BPE",
                             .members =
                                 "dropout|unk_token|continuing_subword_prefix|end_of_word_suffix|fuse_unk|"
                                 "byte_fallback|ignore_merges|vocab|merges|",
                             .read = read,
                             .encode = encode};
