/* tokenizer.c - construction of a tokenizer, look-ups, and decoding. Encoding is in encode.c. */
#include "text/tokenizer.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/language.h"
#include "text/tokenizer_impl.h"

/* ---- construction ---- */

Tokenizer *tokenizer_new(void) {
  Tokenizer *t = mem_alloc_zeroed(1, sizeof *t);
  t->arena = arena_new(1 << 18);
  t->by_name = map_new();
  t->by_bytes = map_new();
  t->model = &model_BPE;
  t->subword_prefix = t->word_suffix = "";
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
  buffer_free(&t->source);
  map_free(t->by_name);
  map_free(t->by_bytes);
  merges_free(&t->merges);
  added_free(&t->added);
  added_free(&t->added_normalized);
  steps_free(&t->normalizers);
  steps_free(&t->cutters);
  steps_free(&t->decoders);
  vec_free(&t->scores);
  vec_free(&t->unlisted);
  trie_free(&t->trie);
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

void tokenizer_place(Tokenizer *t, int32_t id, const char *name, const char *bytes, size_t length,
                     PieceKind kind) {
  CHECK(id >= 0);
  while (t->pieces.count <= (size_t)id) vec_push(&t->pieces, ((Piece){.bytes = "", .kind = PIECE_ADDED}));
  Piece *p = &t->pieces.data[id];
  const bool same = strlen(name) == length && !memcmp(name, bytes, length);
  p->bytes = same ? name : arena_strndup(t->arena, bytes, length);
  p->length = length;
  p->name = name;
  p->kind = kind;
  if (t->byte_level && kind == PIECE_TEXT) map_set(t->by_bytes, p->bytes, length, id);
}

void tokenizer_put(Tokenizer *t, int32_t id, const char *bytes, size_t length, const char *name,
                   PieceKind kind) {
  const size_t names = map_count(t->by_name);
  map_set(t->by_name, name, strlen(name), id);
  CHECK(map_count(t->by_name) > names);
  tokenizer_place(t, id, map_at(t->by_name, names, NULL, NULL), bytes, length, kind);
}

/* Of tokens that are not bytes the name is the key. */
bool tokenizer_find_text(const Tokenizer *t, const char *key, size_t length, int64_t *id) {
  if (t->byte_level) return map_get(t->by_bytes, key, length, id);
  int64_t found;
  if (!map_get(t->by_name, key, length, &found) || t->pieces.data[found].kind != PIECE_TEXT) return false;
  if (id) *id = found;
  return true;
}

int byte_named(const char *name, size_t length) {
  static const char digits[] = "0123456789ABCDEF";
  if (length != 6 || memcmp(name, "<0x", 3) || name[5] != '>' || !name[3] || !name[4]) return -1;
  const char *high = strchr(digits, name[3]), *low = strchr(digits, name[4]);
  return high && low ? (int)(16 * (high - digits) + (low - digits)) : -1;
}

bool has_affixes(const Tokenizer *t) {
  return *t->subword_prefix || *t->word_suffix;
}

/* A token for a single byte is needed to encode text, even if a file lists it as special. */
static bool is_byte_token(const Tokenizer *t, const Piece *p) {
  return t->byte_level ? p->length == 1 && p->kind == PIECE_TEXT : p->kind == PIECE_BYTE;
}

void tokenizer_put_added(Tokenizer *t, int32_t id, const char *content, AddedToken token, bool normalized) {
  const bool known =
      (size_t)id < t->pieces.count && t->pieces.data[id].name; /* in the vocabulary, used by merges */
  if (!known) tokenizer_put(t, id, content, strlen(content), content, PIECE_ADDED);
  Piece *p = &t->pieces.data[id];
  p->added = true;
  p->special = token.special && !is_byte_token(t, p);
  p->single_word = token.single_word;
  token.id = id;
  token.content = p->name;
  token.length = strlen(content);
  if (!normalized) {
    added_put(&t->added, token);
    return;
  }
  Buffer normal = {0};
  if (!steps_normalize(&t->normalizers, content, strlen(content), &normal, NULL)) buffer_clear(&normal);
  token.content = arena_strndup(t->arena, normal.data, normal.length);
  token.length = normal.length;
  if (!known)
    p->bytes = token.content, p->length = token.length; /* decoded as it is matched, with its space */
  if (token.length && token.length <= LONGEST_ADDED) added_put(&t->added_normalized, token);
  buffer_free(&normal);
}

bool model_finds(const Tokenizer *t, int32_t id, const EncodeOptions *o, const char *word, size_t length,
                 size_t begin, size_t end) {
  const Piece *p = &t->pieces.data[id];
  return !p->special || o->specials || (p->single_word && !added_is_single_word(word, length, begin, end));
}

static bool find_bytes(Tokenizer *t, const char *where, Error *err) {
  for (size_t i = 0; i < t->pieces.count; i++) {
    const Piece *p = &t->pieces.data[i];
    if (!p->name) return fail(err, "%s: no token has id %zu, but others have higher ids", where, i);
    if (is_byte_token(t, p))
      t->bytes[t->byte_level ? (unsigned char)p->bytes[0] : byte_named(p->name, strlen(p->name))] =
          (int32_t)i;
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
                        (unsigned)first, t->unknown < 0 ? _("dropped") : _("encoded as the unknown token"));
  else if (missing && t->unknown < 0)
    tokenizer_remark_on(t, "characters without a token are dropped");
}

/* Guesses the end token by common spellings if the files name none. */
static void guess_end(Tokenizer *t) {
  static const char *const ends[] = {END_OF_TEXT, "<|end_of_text|>", "</s>", "<|im_end|>", "<eos>"};
  for (size_t i = 0; i < sizeof ends / sizeof *ends && t->end < 0; i++) t->end = tokenizer_id(t, ends[i]);
}

static bool has_key(const Tokenizer *t, int byte) {
  const char c = (char)byte;
  return tokenizer_find_text(t, &c, 1, NULL) &&
         (c != ' ' || t->byte_level || tokenizer_find_text(t, SPACE_MARK, 3, NULL));
}

/* Can a byte vanish from the ids, so that the symbols around it become adjacent? */
static bool may_vanish(const Tokenizer *t, int byte) {
  if (t->unknown >= 0) return false;
  if (t->byte_level || byte < 0x80) return t->bytes[byte] < 0 && !has_key(t, byte);
  return true; /* it may end a character of which another byte is missing */
}

/* Marks the ends of tokens that merges join. The ends are listed first: the tokens of merges are anywhere in
 * memory, and there are more merges than tokens. */
static void join_ends(Tokenizer *t) {
  typedef struct Ends {
    unsigned char begin, end;
  } Ends;
  const size_t count = t->pieces.count;
  Ends *ends = mem_alloc(count * sizeof *ends);
  for (size_t i = 0; i < count; i++) {
    const char *begin = t->pieces.data[i].bytes, *end = begin + t->pieces.data[i].length;
    ends[i] =
        begin < end ? (Ends){cut_class_after(t, begin, end), cut_class_before(t, begin, end)} : (Ends){0};
  }
  for (size_t i = 0; i < t->merges.list.count; i++) {
    const Merge m = t->merges.list.data[i];
    const unsigned char after = ends[m.right].begin;
    t->joined[ends[m.left].end][after / 64] |= (uint64_t)1 << after % 64;
    if (m.left == t->unknown || m.right == t->unknown) memset(t->cut_before, 0, sizeof t->cut_before);
  }
  mem_free(ends);
}

/* Finds where a word may be cut without changing its ids: between two bytes that no merge joins. With unknown
 * characters, which may be fused, only before a known ASCII character, and never after a byte that may
 * vanish. Nowhere if a whole word may be a token, or merges use the unknown token. */
static void find_cuts(Tokenizer *t) {
  bool all_bytes = t->byte_level || t->byte_fallback;
  if (t->whole_words || has_affixes(t) || t->model != &model_BPE) return;
  for (int i = 0; i < 256; i++) all_bytes &= t->bytes[i] >= 0;
  for (int i = 0; i < 256; i++) {
    const bool known = t->byte_level ? t->bytes[i] >= 0 : i < 0x80 && has_key(t, i);
    t->cut_before[i] = (all_bytes || known) && (i & 0xc0) != 0x80;
    if (!all_bytes && may_vanish(t, i)) memset(t->joined[i], 0xff, sizeof t->joined[i]);
  }
  join_ends(t);
}

/* ---- the texts of tokens ---- */

static const char *keep(Tokenizer *t, const Buffer *text, const char *same, size_t length) {
  return text->length == length && !memcmp(text->data, same, length)
             ? same
             : arena_strndup(t->arena, text->data, text->length);
}

static bool knows_first(const Tokenizer *t) {
  for (size_t i = 0; i < t->decoders.count; i++)
    if (t->decoders.data[i].kind->knows_first) return true;
  return false;
}

static bool set_text(Tokenizer *t, Piece *p, bool first_differs, Buffer *text) {
  const char *key = t->byte_level ? p->name : p->bytes;
  const size_t key_length = t->byte_level ? strlen(p->name) : p->length;
  if (!steps_decode(&t->decoders, key, key_length, false, text)) return false;
  p->bytes = keep(t, text, p->bytes, p->length);
  p->length = text->length;
  if (first_differs && !steps_decode(&t->decoders, key, key_length, true, text)) return false;
  p->first = keep(t, text, p->bytes, p->length);
  p->first_length = text->length;
  p->ends_word = t->decoders.count && decoder_ends_word(&t->decoders.data[0], p->name, strlen(p->name));
  return true;
}

/* The keys of byte-level tokens are their texts. */
static bool find_texts(Tokenizer *t, const char *where, Error *err) {
  bool bytes = !t->decoders.count || t->decoders.data[0].kind == &decoder_none;
  for (size_t i = 0; i < t->decoders.count; i++) bytes |= t->decoders.data[i].kind == &decoder_ByteLevel;
  if (t->byte_level && !bytes)
    return fail(err, "%s: a byte-level model without the decoder \"ByteLevel\" is not supported", where);
  if (t->byte_level && t->decoders.count < 2) return true;
  t->spaced = t->decoders.count && t->decoders.data[0].kind == &decoder_BPEDecoder;
  const bool first_differs = knows_first(t);
  Buffer text = {0};
  bool ok = true;
  for (size_t i = 0; ok && i < t->pieces.count; i++)
    ok = set_text(t, &t->pieces.data[i], first_differs, &text);
  buffer_free(&text);
  return ok ||
         fail_damaged(err, "%s: the decoder makes the text of a token more than %d times as long as its name",
                      where, STEPS_GROWTH);
}

bool tokenizer_finish(Tokenizer *t, const char *where, Error *err) {
  if (!find_bytes(t, where, err)) return false;
  if (t->unknown >= (int64_t)t->pieces.count)
    return fail_damaged(err, "%s: the unknown token's id is not in the vocabulary", where);
  remark_missing_bytes(t);
  guess_end(t);
  find_cuts(t);
  if (t->model == &model_Unigram) unigram_prepare(t);
  return find_texts(t, where, err);
}

void tokenizer_remark_on(Tokenizer *t, const char *format, ...) {
  char text[512];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, language_text(format), args);
  va_end(args);
  buffer_addf(&t->remark, "%s%s", t->remark.length ? _("; ") : "", text);
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

bool tokenizer_normalizes_bytes(const Tokenizer *t) {
  return t->byte_level && t->normalizers.count;
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

static bool has_normalizer(const Tokenizer *t, const char *type) {
  for (size_t i = 0; i < t->normalizers.count; i++)
    if (!strcmp(t->normalizers.data[i].kind->type, type)) return true;
  return false;
}

static uint64_t own_fingerprint(const Tokenizer *t) {
  uint64_t h = t->pattern_text ? hash_bytes(t->pattern_text, strlen(t->pattern_text), 0) : 0;
  for (size_t i = 0; i < t->pieces.count; i++)
    h = hash_bytes(t->pieces.data[i].bytes, t->pieces.data[i].length, h);
  for (size_t i = 0; i < t->merges.list.count; i++) {
    const int32_t pair[2] = {t->merges.list.data[i].left, t->merges.list.data[i].right};
    h = hash_bytes(pair, sizeof pair, h);
  }
  if (t->scores.count) h = hash_bytes(t->scores.data, t->scores.count * sizeof *t->scores.data, h);
  if (t->unlisted.count) h = hash_bytes(t->unlisted.data, t->unlisted.count * sizeof *t->unlisted.data, h);
  if (t->more_steps) h = hash_bytes(&t->more_steps, sizeof t->more_steps, h);
  const uint8_t changes[2] = {has_normalizer(t, "NFKC"), has_normalizer(t, "Lowercase")};
  return changes[0] || changes[1] ? hash_bytes(changes, sizeof changes, h) : h; /* they change the text */
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

static bool same_piece(const Tokenizer *a, const Tokenizer *b, int32_t id) {
  size_t n = 0, m = 0;
  const char *p = tokenizer_piece(a, id, &n), *q = tokenizer_piece(b, id, &m);
  return tokenizer_is_special(a, id) == tokenizer_is_special(b, id) && n == m && !memcmp(p, q, n);
}

bool tokenizer_same_pieces(const Tokenizer *a, const Tokenizer *b, int64_t count) {
  for (int64_t id = 0; id < count; id++)
    if (!same_piece(a, b, (int32_t)id)) return false;
  return true;
}

/* ---- decoding ---- */

DecodeState decode_state_within(void) {
  return (DecodeState){.begun = true, .after_word = true, .stripped = INT64_MAX};
}

const char *tokenizer_next(const Tokenizer *t, int32_t id, DecodeState *s, size_t *length) {
  const char *text = tokenizer_piece(t, id, length);
  const Piece *p = text ? &t->pieces.data[id] : NULL;
  if (!text || (p->special && !s->specials)) return text;
  *length = p->length;
  if (!s->begun && p->first) text = p->first, *length = p->first_length;
  if (t->spaced && !s->after_word && *length) text++, --*length;
  s->begun = true;
  s->after_word = p->ends_word;
  for (; s->stripped < t->strip && *length && *text == ' '; s->stripped++) text++, --*length;
  if (*length) s->stripped = t->strip;
  return text;
}

bool tokenizer_decode(const Tokenizer *t, const int32_t *ids, size_t count, bool specials, Buffer *out,
                      Error *err) {
  DecodeState state = {.specials = specials};
  for (size_t i = 0; i < count; i++) {
    size_t length;
    const char *bytes = tokenizer_next(t, ids[i], &state, &length);
    if (!bytes)
      return fail(err, "id %" PRId32 " is not in the vocabulary of %" PRId64 " tokens", ids[i],
                  tokenizer_size(t));
    buffer_add(out, bytes, length);
  }
  return true;
}
