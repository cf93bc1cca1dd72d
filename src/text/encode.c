/* encode.c - encoding of text: added tokens, normalization, words, merges. */
#include <string.h>

#include "base/random.h"
#include "text/tokenizer_impl.h"
#include "text/utf8.h"

/* A direct-mapped cache of the words of this call and their ids; a collision replaces. */
enum { CACHED_BYTES = 32, CACHED_IDS = 14, MOST_SLOTS = 1 << 14 };

typedef struct CacheEntry {
  uint8_t length, count; /* length 0: empty */
  char word[CACHED_BYTES];
  int32_t ids[CACHED_IDS];
} CacheEntry;

/* Longer words are merged in parts, to bound the memory; no language has any. */
static const size_t longest_word = 1 << 20;

typedef struct Encoder {
  const Tokenizer *tokenizer;
  Ids *out;
  CacheEntry *cache;
  size_t slots; /* of the cache: a power of two, or 0 for short texts */
  Words words;
  bool specials;         /* special tokens spelled out in the text become those tokens */
  double drop;           /* probability of skipping a merge; 0: no dropout */
  uint64_t seed, stream; /* each word uses a separate stream */
} Encoder;

/* ---- symbols and merges ---- */

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

static bool has_bytes(const Tokenizer *t, const char *text, size_t length) {
  if (!t->byte_fallback) return false;
  for (size_t i = 0; i < length; i++)
    if (t->bytes[(unsigned char)text[i]] < 0) return false;
  return true;
}

/* A character becomes its token, else its bytes, else the unknown token. */
static size_t symbols_of_characters(const Tokenizer *t, const char *word, size_t length, int32_t *symbols) {
  size_t count = 0;
  for (size_t at = 0, n; at < length; at += n) {
    int64_t id;
    n = utf8_character(word + at, length - at);
    const bool valid = n > 0;
    if (!valid) n = 1;
    if (valid && map_get(t->by_bytes, word + at, n, &id))
      symbols[count++] = (int32_t)id;
    else if (has_bytes(t, word + at, n))
      count += symbols_of_bytes(t, word + at, n, symbols + count);
    else
      count = add_unknown(t, symbols, count);
  }
  return count;
}

static void merge_word(Encoder *e, const char *word, size_t length) {
  const Tokenizer *t = e->tokenizer;
  int64_t id;
  if (t->whole_words && !e->drop && map_get(t->by_bytes, word, length, &id) && !t->pieces.data[id].special) {
    vec_push(e->out, (int32_t)id);
    return;
  }
  vec_reserve(e->out, e->out->count + length);
  int32_t *symbols = e->out->data + e->out->count;
  const size_t count = t->byte_level ? symbols_of_bytes(t, word, length, symbols)
                                     : symbols_of_characters(t, word, length, symbols);
  e->out->count += e->drop ? merges_apply_dropping(&t->merges, symbols, count, e->drop, e->seed, e->stream++)
                           : merges_apply(&t->merges, symbols, count);
}

/* ---- words ---- */

static void add_ids(Ids *out, const int32_t *ids, size_t count) {
  vec_reserve(out, out->count + count);
  memcpy(out->data + out->count, ids, count * sizeof *ids);
  out->count += count;
}

static void cache_word(CacheEntry *entry, const char *word, size_t length, const int32_t *ids, size_t count) {
  entry->length = (uint8_t)length;
  entry->count = (uint8_t)count;
  memcpy(entry->word, word, length);
  memcpy(entry->ids, ids, count * sizeof *ids);
}

static void encode_short(Encoder *e, const char *word, size_t length) {
  CacheEntry *entry = &e->cache[hash_bytes(word, length, 0) & (e->slots - 1)];
  if (entry->length == length && !memcmp(entry->word, word, length)) {
    add_ids(e->out, entry->ids, entry->count);
    return;
  }
  const size_t first = e->out->count;
  merge_word(e, word, length);
  const size_t count = e->out->count - first;
  if (count <= CACHED_IDS) cache_word(entry, word, length, e->out->data + first, count);
}

static bool may_cut(const Tokenizer *t, const char *at) {
  const unsigned char before = (unsigned char)at[-1], after = (unsigned char)at[0];
  return t->cut_before[after] && !(t->joined[before][after / 64] >> after % 64 & 1);
}

/* Length up to the first place where the word may be cut; never within a character. */
static size_t part_of(const Tokenizer *t, const char *word, size_t length) {
  const size_t most = length < longest_word ? length : longest_word;
  for (size_t i = 1; i < most; i++)
    if (may_cut(t, word + i)) return i;
  return length <= longest_word ? length : utf8_whole_prefix(word, longest_word);
}

static void encode_word(Encoder *e, const char *word, size_t length) {
  const Tokenizer *t = e->tokenizer;
  if (!t->merges.list.count) {
    merge_word(e, word, length);
    return;
  }
  while (length) {
    const size_t n = t->pattern && length <= CACHED_BYTES ? length : part_of(t, word, length);
    if (n == 1 && t->byte_level && t->bytes[(unsigned char)*word] >= 0)
      vec_push(e->out, t->bytes[(unsigned char)*word]);
    else if (n <= CACHED_BYTES && e->slots)
      encode_short(e, word, n);
    else
      merge_word(e, word, n);
    word += n;
    length -= n;
  }
}

/* The pattern matches valid UTF-8 only: each invalid byte is a separate word. */
static void encode_words(Encoder *e, const char *text, size_t length) {
  while (length) {
    const size_t good = e->tokenizer->pattern ? utf8_valid_prefix(text, length) : length;
    const size_t n = good < length ? good + 1 : length;
    const char *word;
    size_t word_length;
    words_over(&e->words, text, good);
    while (words_next(&e->words, &word, &word_length)) encode_word(e, word, word_length);
    if (good < n) encode_word(e, text + good, 1);
    text += n;
    length -= n;
  }
}

/* ---- texts ---- */

/* Encodes normalized text without added tokens. */
static void encode_segment(Encoder *e, const char *text, size_t length) {
  Buffer spaced = {0};
  if (!length) return;
  if (e->tokenizer->space_first && text[0] != ' ') {
    buffer_adds(&spaced, " ");
    buffer_add(&spaced, text, length);
    text = spaced.data;
    length = spaced.length;
  }
  encode_words(e, text, length);
  buffer_free(&spaced);
}

/* Encodes added tokens as their ids, and the text between them with `rest`. */
static void split(Encoder *e, const AddedTokens *added, const char *text, size_t length,
                  void rest(Encoder *, const char *, size_t)) {
  for (size_t at = 0; at < length;) {
    AddedMatch m;
    added_find(added, text, length, at, e->specials, &m);
    rest(e, text + at, m.begin - at);
    if (m.token) vec_push(e->out, m.token->id);
    at = m.end;
  }
}

static void encode_plain(Encoder *e, const char *text, size_t length) {
  const Tokenizer *t = e->tokenizer;
  Buffer normal = {0};
  if (!normalizer_does_nothing(&t->normalizer)) {
    normalize(&t->normalizer, text, length, &normal);
    text = normal.data;
    length = normal.length;
  }
  split(e, &t->added_normalized, text, length, encode_segment);
  buffer_free(&normal);
}

static const char *first_special(const Tokenizer *t, const AddedTokens *added, const char *text,
                                 size_t length) {
  AddedMatch m;
  for (size_t at = 0; added_find(added, text, length, at, true, &m); at = m.end)
    if (m.token->special) return t->pieces.data[m.token->id].name;
  return NULL;
}

const char *tokenizer_special_in(const Tokenizer *t, const char *text, size_t length) {
  const char *found = first_special(t, &t->added, text, length);
  if (found || !t->added_normalized.list.count) return found;
  Buffer normal = {0};
  normalize(&t->normalizer, text, length, &normal);
  found = first_special(t, &t->added_normalized, normal.data, normal.length);
  buffer_free(&normal);
  return found;
}

static void make_cache(Encoder *e, size_t length) {
  enum { WORTH_A_CACHE = 512, BYTES_A_SLOT = 16 };
  if (length < WORTH_A_CACHE || e->drop || !e->tokenizer->merges.list.count) return;
  e->slots = WORTH_A_CACHE / BYTES_A_SLOT;
  while (e->slots < MOST_SLOTS && e->slots * BYTES_A_SLOT < length) e->slots *= 2;
  e->cache = mem_alloc_zeroed(e->slots, sizeof *e->cache);
}

static bool encode(Encoder *e, const char *text, size_t length, Error *err) {
  const size_t before = e->out->count;
  make_cache(e, length);
  words_open(&e->words, e->tokenizer->pattern);
  split(e, &e->tokenizer->added, text, length, encode_plain);
  words_close(&e->words);
  mem_free(e->cache);
  const bool ok = words_ok(&e->words, err);
  if (!ok) e->out->count = before;
  return ok;
}

bool tokenizer_encode(const Tokenizer *t, const char *text, size_t length, bool specials, Ids *ids,
                      Error *err) {
  Encoder e = {.tokenizer = t, .out = ids, .specials = specials};
  return encode(&e, text, length, err);
}

bool tokenizer_encode_dropping(const Tokenizer *t, const char *text, size_t length, double drop,
                               uint64_t seed, uint64_t stream, Ids *ids, Error *err) {
  Encoder e = {.tokenizer = t, .out = ids, .drop = drop, .seed = seed, .stream = random_mix(stream)};
  return encode(&e, text, length, err);
}
