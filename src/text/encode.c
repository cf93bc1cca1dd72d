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
  Cutter cutter; /* first, so that what it cuts off finds the rest */
  const Tokenizer *tokenizer;
  Ids *out;
  CacheEntry *cache;
  bool cached;  /* words are looked up, and cut where that changes nothing */
  size_t slots; /* of the cache: a power of two, or 0 for short texts */
  bool failed;
  Error *err;
  EncodeOptions options;
} Encoder;

static void encode_whole(Encoder *e, const char *word, size_t length) {
  e->tokenizer->model->encode(e->tokenizer, word, length, &e->options, e->out);
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
  encode_whole(e, word, length);
  const size_t count = e->out->count - first;
  if (count <= CACHED_IDS) cache_word(entry, word, length, e->out->data + first, count);
}

static bool may_cut(const Tokenizer *t, const char *begin, const char *at, const char *end) {
  const unsigned char before = cut_class_before(t, begin, at), after = cut_class_after(t, at, end);
  return t->cut_before[after] && !(t->joined[before][after / 64] >> after % 64 & 1);
}

/* Length up to the first place where the word may be cut; never within a character. */
static size_t part_of(const Tokenizer *t, const char *word, size_t length) {
  const size_t most = length < longest_word ? length : longest_word;
  for (size_t i = 1; i < most; i++)
    if (may_cut(t, word, word + i, word + length)) return i;
  return length <= longest_word ? length : utf8_whole_prefix(word, longest_word);
}

static void encode_word(Cutter *c, const char *word, size_t length) {
  Encoder *e = (Encoder *)c;
  const Tokenizer *t = e->tokenizer;
  if (!e->cached) {
    encode_whole(e, word, length);
    return;
  }
  while (length) {
    const size_t n = t->cutters.count && length <= CACHED_BYTES ? length : part_of(t, word, length);
    if (n == 1 && t->byte_level && t->bytes[(unsigned char)*word] >= 0)
      vec_push(e->out, t->bytes[(unsigned char)*word]);
    else if (n <= CACHED_BYTES && e->slots)
      encode_short(e, word, n);
    else
      encode_whole(e, word, n);
    word += n;
    length -= n;
  }
}

/* An invalid byte, which no step is made for. */
static void encode_byte(Encoder *e, const char *byte) {
  Buffer spelled = {0};
  if (e->tokenizer->spelled) alphabet_spell(byte, 1, &spelled);
  spelled.length ? encode_word(&e->cutter, spelled.data, spelled.length) : encode_word(&e->cutter, byte, 1);
  buffer_free(&spelled);
}

/* Encodes normalized text without added tokens. Steps cut valid UTF-8: each invalid byte is a separate word.
 */
static void encode_segment(Encoder *e, const char *text, size_t length) {
  Cutter *c = &e->cutter;
  c->continues = false;
  c->room = steps_most(length);
  if (!length && c->at_start && e->tokenizer->marks_texts) cut_by(c->steps, c, text, 0);
  while (length) {
    const size_t good = e->tokenizer->cutters.count ? utf8_valid_prefix(text, length) : length;
    const size_t n = good < length ? good + 1 : length;
    if (good) cut_by(c->steps, c, text, good);
    if (good < n) encode_byte(e, text + good);
    c->continues = true;
    c->at_start = false;
    text += n;
    length -= n;
  }
}

/* Encodes added tokens as their ids, and the text between them with `rest`. */
static void split(Encoder *e, const AddedTokens *added, const char *text, size_t length,
                  void rest(Encoder *, const char *, size_t)) {
  for (size_t at = 0; at < length;) {
    AddedMatch m;
    added_find(added, text, length, at, e->options.specials, &m);
    rest(e, text + at, m.begin - at);
    e->cutter.at_start = false;
    if (m.token) vec_push(e->out, m.token->id);
    at = m.end;
  }
}

static void encode_plain(Encoder *e, const char *text, size_t length) {
  const Tokenizer *t = e->tokenizer;
  Buffer normal = {0};
  e->cutter.at_start |= t->marks_texts;
  if (t->normalizers.count) {
    e->failed |= !steps_normalize(&t->normalizers, text, length, &normal, e->err);
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
  steps_normalize(&t->normalizers, text, length, &normal, NULL);
  found = first_special(t, &t->added_normalized, normal.data, normal.length);
  buffer_free(&normal);
  return found;
}

void tokenizer_break_specials(const Tokenizer *t, const char *text, size_t length, const char *mark,
                              Buffer *out) {
  for (size_t at = 0, n; at < length; at += n) {
    const bool special = added_special_here(&t->added, text + at, length - at) ||
                         added_special_here(&t->added_normalized, text + at, length - at);
    n = utf8_character(text + at, length - at);
    if (!n) n = 1;
    buffer_add(out, text + at, n);
    if (special) buffer_adds(out, mark);
  }
}

static void make_cache(Encoder *e, size_t length) {
  enum { WORTH_A_CACHE = 512, BYTES_A_SLOT = 16 };
  e->cached = e->tokenizer->merges.list.count ||
              e->tokenizer->model != &model_BPE; /* bytes alone are as quickly encoded */
  if (length < WORTH_A_CACHE || e->options.drop || !e->cached) return;
  e->slots = WORTH_A_CACHE / BYTES_A_SLOT;
  while (e->slots < MOST_SLOTS && e->slots * BYTES_A_SLOT < length) e->slots *= 2;
  e->cache = mem_alloc_zeroed(e->slots, sizeof *e->cache);
}

/* Each step that has a pattern iterates over its own words. */
static bool run(Encoder *e, const char *text, size_t length) {
  enum { FEW = 4 };
  const Steps *steps = &e->tokenizer->cutters;
  Words few[FEW], *words = steps->count <= FEW ? few : mem_alloc(steps->count * sizeof *words);
  const Step none = {.kind = NULL}, *first = steps->count ? steps->data : &none;
  e->cutter = (Cutter){first, first + steps->count, words, true, false, encode_word, 0, false};
  for (size_t i = 0; i < steps->count; i++) words_open(&words[i], steps->data[i].pattern);
  split(e, &e->tokenizer->added, text, length, encode_plain);
  for (size_t i = 0; i < steps->count; i++) {
    words_close(&words[i]);
    e->failed |= !words_ok(&words[i], e->err);
  }
  if (words != few) mem_free(words);
  if (e->cutter.overfull && !e->failed) e->failed = !steps_fail_growth(e->err);
  return !e->failed;
}

static bool encode(Encoder *e, const char *text, size_t length) {
  const size_t before = e->out->count;
  make_cache(e, length);
  const bool ok = run(e, text, length);
  mem_free(e->cache);
  if (!ok) e->out->count = before;
  return ok;
}

bool tokenizer_encode(const Tokenizer *t, const char *text, size_t length, bool specials, Ids *ids,
                      Error *err) {
  Encoder e = {.tokenizer = t, .out = ids, .err = err, .options = {.specials = specials}};
  return encode(&e, text, length);
}

bool tokenizer_encode_dropping(const Tokenizer *t, const char *text, size_t length, double drop,
                               uint64_t seed, uint64_t stream, Ids *ids, Error *err) {
  if (t->model != &model_BPE)
    return fail(err, "the tokenizer's model %s has no merges to drop: train without BPE-dropout",
                t->model->type);
  Encoder e = {.tokenizer = t, .out = ids, .err = err, .options = {false, drop, seed, random_mix(stream)}};
  return encode(&e, text, length);
}
