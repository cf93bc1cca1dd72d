/* tokenizer.c - making a tokenizer, what its ids are, and decoding. Encoding is in encode.c. */
#include "text/tokenizer.h"

#include <inttypes.h>
#include <string.h>

#include "text/tokenizer_impl.h"

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
  map_free(t->by_bytes);
  merges_free(&t->merges);
  added_free(&t->added);
  added_free(&t->added_normalized);
  words_free(t->pattern);
  tokenizer_free(t->of_sources);
  mem_free(t);
}

const Tokenizer *tokenizer_source(const Tokenizer *t) {
  return t->of_sources ? t->of_sources : t;
}

void tokenizer_attach_source(Tokenizer *t, Tokenizer *source) {
  tokenizer_free(t->of_sources);
  t->of_sources = source;
}

void tokenizer_put(Tokenizer *t, int32_t id, const char *bytes, size_t length, const char *name,
                   PieceKind kind) {
  CHECK(id >= 0);
  while (t->pieces.count <= (size_t)id) vec_push(&t->pieces, ((Piece){.bytes = "", .kind = PIECE_SPECIAL}));
  Piece *p = &t->pieces.data[id];
  p->bytes = arena_strndup(t->arena, bytes, length);
  p->length = length;
  p->name = arena_strndup(t->arena, name, strlen(name));
  p->kind = kind;
  if (kind == PIECE_TEXT) map_set(t->by_bytes, p->bytes, length, id);
}

void tokenizer_put_added(Tokenizer *t, int32_t id, const char *content, bool special, bool normalized) {
  const bool known =
      (size_t)id < t->pieces.count && t->pieces.data[id].name; /* in the vocabulary: merges may use it */
  if (!known) tokenizer_put(t, id, content, strlen(content), content, PIECE_ADDED);
  t->pieces.data[id].kind = special ? PIECE_SPECIAL : PIECE_ADDED;
  if (!normalized || normalizer_does_nothing(&t->normalizer)) {
    added_put(&t->added, (AddedToken){t->pieces.data[id].name, strlen(content), id});
    return;
  }
  Buffer normal = {0};
  normalize(&t->normalizer, content, strlen(content), &normal);
  added_put(&t->added_normalized,
            (AddedToken){arena_strndup(t->arena, normal.data, normal.length), normal.length, id});
  buffer_free(&normal);
}

static bool find_bytes(Tokenizer *t, const char *where, Error *err) {
  for (size_t i = 0; i < t->pieces.count; i++) {
    const Piece *p = &t->pieces.data[i];
    if (!p->name) return fail(err, "%s: no token has id %zu, but others have higher ones", where, i);
    if (p->kind == (t->byte_level ? PIECE_TEXT : PIECE_BYTE) && p->length == 1)
      t->bytes[(unsigned char)p->bytes[0]] = (int32_t)i;
  }
  for (unsigned i = 0; i < 256; i++) {
    const bool spelled = t->bytes[i] >= 0 && (t->byte_level || t->byte_fallback);
    if (!spelled && (t->byte_level || t->unknown < 0))
      return fail(err, "%s: the vocabulary lacks byte 0x%02x, so not every text could be encoded", where, i);
  }
  return true;
}

static int32_t find_end(const Tokenizer *t) {
  static const char *const ends[] = {END_OF_TEXT, "<|end_of_text|>", "</s>", "<|im_end|>"};
  int32_t id = -1;
  for (size_t i = 0; i < sizeof ends / sizeof *ends && id < 0; i++) id = tokenizer_id(t, ends[i]);
  return id;
}

/* Where a word may be cut without changing its ids: between two bytes that no merge brings together. Unknown
 * characters that become one token stand together, so where there are such, only before a known ASCII
 * character. Not at all where the word as a whole may be a token, or unknown ones are merged. */
static void find_cuts(Tokenizer *t) {
  bool all_bytes = t->byte_level || t->byte_fallback;
  if (t->whole_words) return;
  for (int i = 0; i < 256; i++) all_bytes &= t->bytes[i] >= 0;
  for (int i = 0; i < 256; i++) {
    const char byte = (char)i;
    t->cut_before[i] = all_bytes ? (i & 0xc0) != 0x80 : i < 0x80 && map_get(t->by_bytes, &byte, 1, NULL);
  }
  for (size_t i = 0; i < t->merges.list.count; i++) {
    const Merge m = t->merges.list.data[i];
    const Piece *left = &t->pieces.data[m.left], *right = &t->pieces.data[m.right];
    const unsigned char before = (unsigned char)left->bytes[left->length - 1],
                        after = (unsigned char)right->bytes[0];
    t->joined[before][after / 64] |= (uint64_t)1 << after % 64;
    if (m.left == t->unknown || m.right == t->unknown) memset(t->cut_before, 0, sizeof t->cut_before);
  }
}

bool tokenizer_finish(Tokenizer *t, const char *where, Error *err) {
  if (!find_bytes(t, where, err)) return false;
  t->end = find_end(t);
  find_cuts(t);
  return true;
}

/* ---- what there is ---- */

int64_t tokenizer_size(const Tokenizer *t) {
  return (int64_t)t->pieces.count;
}
int32_t tokenizer_end(const Tokenizer *t) {
  return t->end;
}
int32_t tokenizer_begin(const Tokenizer *t) {
  return t->begin;
}

bool tokenizer_is_special(const Tokenizer *t, int32_t id) {
  return id >= 0 && (size_t)id < t->pieces.count && t->pieces.data[id].kind == PIECE_SPECIAL;
}

int32_t tokenizer_id(const Tokenizer *t, const char *content) {
  for (size_t i = t->pieces.count; i-- > 0;) { /* they are at the end, mostly */
    const Piece *p = &t->pieces.data[i];
    if (p->kind >= PIECE_ADDED && p->name && !strcmp(p->name, content)) return (int32_t)i;
  }
  return -1;
}

static uint64_t own_fingerprint(const Tokenizer *t) {
  uint64_t h = t->pattern_text ? hash_bytes(t->pattern_text, strlen(t->pattern_text), 0) : 0;
  for (size_t i = 0; i < t->pieces.count; i++)
    h = hash_bytes(t->pieces.data[i].bytes, t->pieces.data[i].length, h);
  for (size_t i = 0; i < t->merges.list.count; i++) {
    const int32_t pair[2] = {t->merges.list.data[i].left, t->merges.list.data[i].right};
    h = hash_bytes(pair, sizeof pair, h);
  }
  const Normalizer *n = &t->normalizer;
  const uint8_t changes[2] = {n->compatible, n->lowercase}; /* the text itself, more than how it is spelt */
  return n->compatible || n->lowercase ? hash_bytes(changes, sizeof changes, h) : h;
}

uint64_t tokenizer_fingerprint(const Tokenizer *t) {
  const uint64_t h = own_fingerprint(t);
  if (!t->of_sources) return h;
  const uint64_t source = own_fingerprint(t->of_sources);
  return hash_bytes(&source, sizeof source, h);
}

const char *tokenizer_piece(const Tokenizer *t, int32_t id, size_t *length) {
  if (id < 0 || (size_t)id >= t->pieces.count) return NULL;
  const Piece *p = &t->pieces.data[id];
  *length = p->kind == PIECE_SPECIAL ? 0 : p->length;
  return p->bytes;
}

/* ---- decoding ---- */

bool tokenizer_decode(const Tokenizer *t, const int32_t *ids, size_t count, Buffer *out, Error *err) {
  bool at_front = true;
  for (size_t i = 0; i < count; i++) {
    size_t length;
    const char *bytes = tokenizer_piece(t, ids[i], &length);
    if (!bytes)
      return fail(err, "id %" PRId32 " is not in the vocabulary of %" PRId64 " tokens", ids[i],
                  tokenizer_size(t));
    const bool strip = t->strip_space && at_front && length && bytes[0] == ' ';
    buffer_add(out, bytes + strip, length - strip);
    at_front = at_front && !length;
  }
  return true;
}
