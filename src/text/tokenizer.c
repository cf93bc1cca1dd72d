/* tokenizer.c - construction of a tokenizer, look-ups, and decoding. Encoding is in encode.c. */
#include "text/tokenizer.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "text/tokenizer_impl.h"

/* ---- construction ---- */

Tokenizer *tokenizer_new(void) {
  Tokenizer *t = mem_alloc_zeroed(1, sizeof *t);
  t->arena = arena_new(1 << 18);
  t->by_name = map_new();
  t->by_bytes = map_new();
  t->begin = t->end = t->pad = t->unknown = -1;
  for (int i = 0; i < 256; i++) t->bytes[i] = -1;
  return t;
}

void tokenizer_free(Tokenizer *t) {
  if (!t) return;
  arena_free(t->arena);
  vec_free(&t->pieces);
  vec_free(&t->behind);
  buffer_free(&t->remark);
  map_free(t->by_name);
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
  while (t->pieces.count <= (size_t)id) vec_push(&t->pieces, ((Piece){.bytes = "", .kind = PIECE_ADDED}));
  Piece *p = &t->pieces.data[id];
  p->bytes = arena_strndup(t->arena, bytes, length);
  p->length = length;
  p->name = arena_strndup(t->arena, name, strlen(name));
  p->kind = kind;
  map_set(t->by_name, name, strlen(name), id);
  if (kind == PIECE_TEXT) map_set(t->by_bytes, p->bytes, length, id);
}

/* A token for a single byte is needed to encode text, even if a file lists it as special. */
static bool is_byte_token(const Tokenizer *t, const Piece *p) {
  return p->length == 1 && p->kind == (t->byte_level ? PIECE_TEXT : PIECE_BYTE);
}

void tokenizer_put_added(Tokenizer *t, int32_t id, const char *content, AddedToken token, bool normalized) {
  const bool known =
      (size_t)id < t->pieces.count && t->pieces.data[id].name; /* in the vocabulary, used by merges */
  if (!known) tokenizer_put(t, id, content, strlen(content), content, PIECE_ADDED);
  Piece *p = &t->pieces.data[id];
  p->added = true;
  p->special = token.special && !is_byte_token(t, p);
  token.id = id;
  token.content = p->name;
  token.length = strlen(content);
  if (!normalized) {
    added_put(&t->added, token);
    return;
  }
  Buffer normal = {0};
  normalize(&t->normalizer, content, strlen(content), &normal);
  token.content = arena_strndup(t->arena, normal.data, normal.length);
  token.length = normal.length;
  if (token.length && token.length <= LONGEST_ADDED) added_put(&t->added_normalized, token);
  buffer_free(&normal);
}

static bool find_bytes(Tokenizer *t, const char *where, Error *err) {
  for (size_t i = 0; i < t->pieces.count; i++) {
    const Piece *p = &t->pieces.data[i];
    if (!p->name) return fail(err, "%s: no token has id %zu, but others have higher ids", where, i);
    if (is_byte_token(t, p)) t->bytes[(unsigned char)p->bytes[0]] = (int32_t)i;
  }
  return true;
}

/* As in Hugging Face's tokenizers, a byte without a token becomes the unknown token or, without one, is lost.
 */
static void remark_missing_bytes(Tokenizer *t) {
  int missing = 0, first = 0;
  for (int i = 256; i-- > 0;)
    if (t->bytes[i] < 0) missing++, first = i;
  if (missing && t->byte_level)
    tokenizer_remark_on(t, "%d of the 256 bytes have no token (the first is 0x%02x) and are %s", missing,
                        (unsigned)first, t->unknown < 0 ? "dropped" : "encoded as the unknown token");
  else if (missing && t->unknown < 0)
    tokenizer_remark_on(t, "characters without a token are dropped");
}

/* Guesses the end token by common spellings if the files name none. */
static void guess_end(Tokenizer *t) {
  static const char *const ends[] = {END_OF_TEXT, "<|end_of_text|>", "</s>", "<|im_end|>", "<eos>"};
  for (size_t i = 0; i < sizeof ends / sizeof *ends && t->end < 0; i++) t->end = tokenizer_id(t, ends[i]);
}

/* Can a byte vanish from the ids, so that the symbols around it become adjacent? */
static bool may_vanish(const Tokenizer *t, int byte) {
  const char c = (char)byte;
  if (t->unknown >= 0) return false;
  if (t->byte_level || byte < 0x80) return t->bytes[byte] < 0 && !map_get(t->by_bytes, &c, 1, NULL);
  return true; /* it may end a character of which another byte is missing */
}

/* Finds where a word may be cut without changing its ids: between two bytes that no merge joins. With unknown
 * characters, which may be fused, only before a known ASCII character, and never after a byte that may
 * vanish. Nowhere if a whole word may be a token, or merges use the unknown token. */
static void find_cuts(Tokenizer *t) {
  bool all_bytes = t->byte_level || t->byte_fallback;
  if (t->whole_words) return;
  for (int i = 0; i < 256; i++) all_bytes &= t->bytes[i] >= 0;
  for (int i = 0; i < 256; i++) {
    const char byte = (char)i;
    const bool known = t->byte_level ? t->bytes[i] >= 0 : i < 0x80 && map_get(t->by_bytes, &byte, 1, NULL);
    t->cut_before[i] = (all_bytes || known) && (i & 0xc0) != 0x80;
    if (!all_bytes && may_vanish(t, i)) memset(t->joined[i], 0xff, sizeof t->joined[i]);
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
  remark_missing_bytes(t);
  guess_end(t);
  find_cuts(t);
  return true;
}

void tokenizer_remark_on(Tokenizer *t, const char *format, ...) {
  char text[512];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  buffer_addf(&t->remark, "%s%s", t->remark.length ? "; " : "", text);
}

/* ---- look-ups ---- */

int64_t tokenizer_size(const Tokenizer *t) {
  return (int64_t)t->pieces.count;
}
int32_t tokenizer_end(const Tokenizer *t) {
  return t->end;
}
int32_t tokenizer_begin(const Tokenizer *t) {
  return t->begin;
}
const Ids *tokenizer_behind(const Tokenizer *t) {
  return &t->behind;
}
int32_t tokenizer_pad(const Tokenizer *t) {
  return t->pad;
}
int32_t tokenizer_unknown(const Tokenizer *t) {
  return t->unknown;
}

void tokenizer_offer_end(Tokenizer *t, int64_t end) {
  if (!t->named_end && end >= 0 && end < tokenizer_size(t)) t->end = (int32_t)end;
}

const char *tokenizer_remark(const Tokenizer *t) {
  return t->remark.data;
}

bool tokenizer_strips_space(const Tokenizer *t) {
  return t->strip_space;
}

bool tokenizer_is_special(const Tokenizer *t, int32_t id) {
  return id >= 0 && (size_t)id < t->pieces.count && t->pieces.data[id].special;
}

int32_t tokenizer_find(const Tokenizer *t, const char *name) {
  int64_t id;
  return map_get(t->by_name, name, strlen(name), &id) ? (int32_t)id : -1;
}

int32_t tokenizer_id(const Tokenizer *t, const char *content) {
  const int32_t id = tokenizer_find(t, content);
  return id >= 0 && t->pieces.data[id].added ? id : -1;
}

const char *tokenizer_name(const Tokenizer *t, int32_t id) {
  return id >= 0 && (size_t)id < t->pieces.count ? t->pieces.data[id].name : NULL;
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
  const uint8_t changes[2] = {n->compatible, n->lowercase}; /* these change the text, not only its encoding */
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
  *length = p->special ? 0 : p->length;
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
