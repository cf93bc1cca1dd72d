#include "text/tokenizer.h"

#include <inttypes.h>
#include <string.h>
#include <utf8proc.h>

#include "text/tokenizer_impl.h"
#include "text/utf8.h"

/* ---- making one ---- */

Tokenizer *tokenizer_new(void) {
  Tokenizer *t = mem_alloc_zeroed(1, sizeof *t);
  t->arena = arena_new(1 << 18);
  t->by_bytes = map_new();
  t->begin = t->end = t->unknown = -1;
  for (int i = 0; i < 256; i++) t->bytes[i] = -1;
  return t;
}

void tokenizer_free(Tokenizer *t) {
  if (!t) return;
  arena_free(t->arena);
  vec_free(&t->pieces);
  merges_free(&t->merges);
  vec_free(&t->added);
  words_free(t->pattern);
  map_free(t->by_bytes);
  mem_free(t);
}

void tokenizer_put(Tokenizer *t, int32_t id, const char *bytes, size_t length, const char *name,
                   PieceKind kind) {
  CHECK(id >= 0);
  while (t->pieces.count <= (size_t)id) vec_push(&t->pieces, ((Piece){"", 0, NULL, PIECE_SPECIAL}));
  Piece *p = &t->pieces.data[id];
  *p = (Piece){arena_strndup(t->arena, bytes, length), length, arena_strndup(t->arena, name, strlen(name)), kind};
  if (kind == PIECE_TEXT) map_set(t->by_bytes, p->bytes, length, id);
}

/* Can the merges be applied to each character alone? So it is if every result is within one character. */
static bool merges_stay_in_characters(const Tokenizer *t) {
  for (size_t i = 0; i < t->merges.list.count; i++) {
    const Piece *p = &t->pieces.data[t->merges.list.data[i].result];
    const unsigned char first = (unsigned char)p->bytes[0];
    const size_t whole = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0;
    if (p->length > whole) return false;
    for (size_t k = 1; k < p->length; k++)
      if (((unsigned char)p->bytes[k] & 0xc0) != 0x80) return false;
  }
  return true;
}

bool tokenizer_finish(Tokenizer *t, const char *where, Error *err) {
  for (int i = 0; i < 256; i++) {
    char name[8];
    int64_t id = -1;
    const char byte = (char)i;
    snprintf(name, sizeof name, "<0x%02X>", (unsigned)i);
    if (t->byte_level) map_get(t->by_bytes, &byte, 1, &id);
    else id = tokenizer_id(t, name);
    t->bytes[i] = (int32_t)id;
    if (t->byte_level && id < 0)
      return fail(err, "%s: the vocabulary lacks byte 0x%02x, so not every text could be encoded", where, (unsigned)i);
  }
  static const char *const ends[] = {END_OF_TEXT, "<|end_of_text|>", "</s>", "<|im_end|>"};
  for (size_t i = 0; i < sizeof ends / sizeof *ends && t->end < 0; i++) t->end = tokenizer_id(t, ends[i]);
  t->by_character = t->byte_level && !t->pattern && !t->whole_words && merges_stay_in_characters(t);
  return true;
}

int64_t tokenizer_size(const Tokenizer *t) { return (int64_t)t->pieces.count; }
int32_t tokenizer_end(const Tokenizer *t) { return t->end; }
int32_t tokenizer_begin(const Tokenizer *t) { return t->begin; }

bool tokenizer_is_special(const Tokenizer *t, int32_t id) {
  return id >= 0 && (size_t)id < t->pieces.count && t->pieces.data[id].kind == PIECE_SPECIAL;
}

int32_t tokenizer_id(const Tokenizer *t, const char *content) {
  for (size_t i = 0; i < t->added.count; i++)
    if (!strcmp(t->added.data[i].content, content)) return t->added.data[i].id;
  for (size_t i = 0; !t->byte_level && i < t->pieces.count; i++)
    if (t->pieces.data[i].name && !strcmp(t->pieces.data[i].name, content)) return (int32_t)i;
  return -1;
}

uint64_t tokenizer_fingerprint(const Tokenizer *t) {
  uint64_t h = t->pattern_text ? hash_bytes(t->pattern_text, strlen(t->pattern_text), 0) : 0;
  for (size_t i = 0; i < t->pieces.count; i++) h = hash_bytes(t->pieces.data[i].bytes, t->pieces.data[i].length, h);
  for (size_t i = 0; i < t->merges.list.count; i++) {
    const int32_t pair[2] = {t->merges.list.data[i].left, t->merges.list.data[i].right};
    h = hash_bytes(pair, sizeof pair, h);
  }
  return h;
}

/* ---- encoding ---- */

/* Words seen in this call and their ids: text repeats itself. Direct mapped; a collision replaces. */
enum { CACHE_SLOTS = 1 << 13, CACHED_BYTES = 32, CACHED_IDS = 14 };

typedef struct CacheEntry {
  uint8_t length, count; /* length 0: empty */
  char word[CACHED_BYTES];
  int32_t ids[CACHED_IDS];
} CacheEntry;

typedef struct Encoder {
  const Tokenizer *tokenizer;
  Ids *out;
  CacheEntry *cache; /* NULL for short texts */
} Encoder;

static void first_symbols_bytes(const Tokenizer *t, const char *word, size_t length, int32_t *symbols) {
  for (size_t i = 0; i < length; i++) symbols[i] = t->bytes[(unsigned char)word[i]];
}

static void byte_level_word(Encoder *e, const char *word, size_t length) {
  const Tokenizer *t = e->tokenizer;
  int64_t id;
  if (t->whole_words && map_get(t->by_bytes, word, length, &id)) {
    vec_push(e->out, (int32_t)id);
    return;
  }
  vec_reserve(e->out, e->out->count + length);
  int32_t *symbols = e->out->data + e->out->count;
  first_symbols_bytes(t, word, length, symbols);
  e->out->count += merges_apply(&t->merges, symbols, length);
}

/* Known characters as they are, unknown ones as bytes or, without those, as the unknown token. */
static void character_word(Encoder *e, const char *word, size_t length) {
  const Tokenizer *t = e->tokenizer;
  vec_reserve(e->out, e->out->count + length);
  int32_t *symbols = e->out->data + e->out->count;
  size_t count = 0;
  for (size_t at = 0; at < length;) {
    size_t n = utf8_character(word + at, length - at);
    int64_t id;
    if (n && map_get(t->by_bytes, word + at, n, &id)) symbols[count++] = (int32_t)id;
    else if (t->bytes[(unsigned char)word[at]] >= 0)
      for (size_t i = 0; i < (n ? n : 1); i++) symbols[count++] = t->bytes[(unsigned char)word[at + i]];
    else if (t->unknown >= 0 && !(t->fuse_unknown && count && symbols[count - 1] == t->unknown))
      symbols[count++] = t->unknown;
    at += n ? n : 1;
  }
  e->out->count += merges_apply(&t->merges, symbols, count);
}

static void encode_word(Encoder *e, const char *word, size_t length) {
  if (!e->tokenizer->byte_level) {
    character_word(e, word, length);
    return;
  }
  if (!e->cache || length > CACHED_BYTES || length < 2) {
    byte_level_word(e, word, length);
    return;
  }
  CacheEntry *entry = &e->cache[hash_bytes(word, length, 0) % CACHE_SLOTS];
  if (entry->length == length && !memcmp(entry->word, word, length)) {
    vec_reserve(e->out, e->out->count + entry->count);
    memcpy(e->out->data + e->out->count, entry->ids, entry->count * sizeof *entry->ids);
    e->out->count += entry->count;
    return;
  }
  const size_t first = e->out->count;
  byte_level_word(e, word, length);
  const size_t count = e->out->count - first;
  if (count > CACHED_IDS) return;
  entry->length = (uint8_t)length;
  entry->count = (uint8_t)count;
  memcpy(entry->word, word, length);
  memcpy(entry->ids, e->out->data + first, count * sizeof *entry->ids);
}

/* Valid UTF-8. */
static void encode_words(Encoder *e, const char *text, size_t length) {
  Words words;
  const char *word;
  size_t n;
  words_begin(&words, e->tokenizer->pattern, text, length);
  while (words_next(&words, &word, &n)) encode_word(e, word, n);
  words_end(&words);
}

static void encode_characters(Encoder *e, const char *text, size_t length) {
  for (size_t at = 0; at < length;) {
    const size_t n = utf8_character(text + at, length - at);
    encode_word(e, text + at, n ? n : 1);
    at += n ? n : 1;
  }
}

/* Bytes that are no UTF-8 are words of their own: they cannot be matched against a pattern. */
static void encode_bytes(Encoder *e, const char *text, size_t length) {
  if (e->tokenizer->by_character) {
    encode_characters(e, text, length);
    return;
  }
  while (length) {
    const size_t good = utf8_valid_prefix(text, length);
    if (good) encode_words(e, text, good);
    if (good == length) return;
    encode_word(e, text + good, 1);
    text += good + 1;
    length -= good + 1;
  }
}

/* SentencePiece writes spaces as U+2581 and puts one before the text; the table here holds plain spaces. */
static void mark_spaces(const Tokenizer *t, const char *text, size_t length, Buffer *out) {
  static const char mark[] = "\xe2\x96\x81";
  if (t->space_prefix && !(t->space_unless && text[0] == ' ')) buffer_adds(out, " ");
  while (length) {
    const char *at = t->space_mark ? memmem(text, length, mark, 3) : NULL;
    const size_t n = at ? (size_t)(at - text) : length;
    buffer_add(out, text, n);
    if (at) buffer_adds(out, " ");
    text += n + (at ? 3 : 0);
    length -= n + (at ? 3 : 0);
  }
}

static bool compose(const char *text, size_t length, Buffer *out) {
  utf8proc_uint8_t *result = NULL;
  const utf8proc_ssize_t n = utf8proc_map((const utf8proc_uint8_t *)text, (utf8proc_ssize_t)length, &result,
                                          UTF8PROC_STABLE | UTF8PROC_COMPOSE);
  if (n < 0) return false;
  buffer_add(out, result, (size_t)n);
  mem_free_foreign(result);
  return true;
}

/* Text between added tokens: normalized, then cut into words. */
static void encode_plain(Encoder *e, const char *text, size_t length) {
  const Tokenizer *t = e->tokenizer;
  Buffer normal = {0};
  if (!length) return;
  if (t->space_mark || t->space_prefix) mark_spaces(t, text, length, &normal);
  else if (t->compose && !compose(text, length, &normal)) buffer_clear(&normal); /* no UTF-8: left as it is */
  if (normal.data && normal.length) encode_bytes(e, normal.data, normal.length);
  else encode_bytes(e, text, length);
  buffer_free(&normal);
}

/* The first added token at or after `at`; the longest where several begin there. */
static const AddedToken *find_added(const Tokenizer *t, const char *text, size_t length, size_t *at) {
  const AddedToken *found = NULL;
  size_t place = length;
  for (size_t i = 0; i < t->added.count; i++) {
    const AddedToken *a = &t->added.data[i];
    const char *hit = a->length ? memmem(text + *at, length - *at, a->content, a->length) : NULL;
    const size_t where = hit ? (size_t)(hit - text) : length;
    if (where < place || (hit && where == place && a->length > found->length)) {
      place = where;
      found = a;
    }
  }
  *at = place;
  return found;
}

bool tokenizer_encode(const Tokenizer *t, const char *text, size_t length, bool specials, Ids *ids, Error *err) {
  static const size_t worth_a_cache = 4096;
  Encoder e = {t, ids, NULL};
  (void)err;
  if (length >= worth_a_cache) e.cache = mem_alloc_zeroed(CACHE_SLOTS, sizeof *e.cache);
  for (size_t at = 0; at < length;) {
    size_t stop = at;
    const AddedToken *added = specials ? find_added(t, text, length, &stop) : NULL;
    if (!added) stop = length;
    encode_plain(&e, text + at, stop - at);
    if (added) vec_push(ids, added->id);
    at = stop + (added ? added->length : 0);
  }
  mem_free(e.cache);
  return true;
}

/* ---- decoding ---- */

const char *tokenizer_piece(const Tokenizer *t, int32_t id, size_t *length) {
  if (id < 0 || (size_t)id >= t->pieces.count) return NULL;
  const Piece *p = &t->pieces.data[id];
  *length = p->kind == PIECE_SPECIAL ? 0 : p->length;
  return p->bytes;
}

bool tokenizer_decode(const Tokenizer *t, const int32_t *ids, size_t count, Buffer *out, Error *err) {
  const size_t first = out->length;
  for (size_t i = 0; i < count; i++) {
    size_t length;
    const char *bytes = tokenizer_piece(t, ids[i], &length);
    if (!bytes) return fail(err, "id %" PRId32 " is not in the vocabulary of %" PRId64 " tokens", ids[i], tokenizer_size(t));
    const bool strip = t->strip_space && out->length == first && length && bytes[0] == ' ';
    buffer_add(out, bytes + strip, length - strip);
  }
  return true;
}
