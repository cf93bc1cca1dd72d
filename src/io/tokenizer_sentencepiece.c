/* tokenizer_sentencepiece.c - SentencePiece's .model: a message of Protocol Buffers. */
#include <inttypes.h>
#include <string.h>

#include "io/little_endian.h"
#include "io/tokenizer_files.h"
#include "io/vocabulary.h"

/* ---- Protocol Buffers ---- */

typedef struct Message {
  const char *at, *end;
} Message;

typedef struct Field {
  int number, type;
  uint64_t value; /* of types 0, 1 and 5 */
  Message bytes;  /* of type 2 */
} Field;

static bool take_varint(Message *m, uint64_t *value) {
  *value = 0;
  for (int shift = 0; shift < 64 && m->at < m->end; shift += 7) {
    const unsigned char byte = (unsigned char)*m->at++;
    *value |= (uint64_t)(byte & 0x7f) << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

/* False at the end, and if the message is damaged: m->at is then not at its end. */
static bool take_field(Message *m, Field *f) {
  const char *begin = m->at;
  uint64_t key, size = 0;
  if (m->at == m->end) return false;
  bool ok = take_varint(m, &key) && key >> 3 && key >> 3 < 1 << 29;
  *f = (Field){.number = ok ? (int)(key >> 3) : 0, .type = (int)(key & 7)};
  if (ok && f->type == 0) ok = take_varint(m, &f->value);
  if (ok && f->type == 2) ok = take_varint(m, &size);
  if (f->type == 1 || f->type == 5) size = f->type == 1 ? 8 : 4;
  ok = ok && (f->type <= 2 || f->type == 5) && size <= (uint64_t)(m->end - m->at);
  if (ok && f->type == 2) f->bytes = (Message){m->at, m->at + size};
  if (ok && f->type != 2 && size) f->value = little_endian(m->at, (int)size);
  m->at = ok ? m->at + size : begin;
  return ok;
}

/* ---- SentencePiece ---- */

typedef struct Reader {
  Vocabulary *v;
  size_t capacity;
  Buffer map; /* precompiled_charsmap */
  bool space_behind;
  int model;
} Reader;

static bool read_piece(Reader *r, Message m) {
  VocabularyToken t = {.text = "", .kind = TOKEN_NORMAL};
  Field f;
  while (take_field(&m, &f)) {
    const uint32_t bits = (uint32_t)f.value;
    float score;
    if (f.number == 1 && f.type == 2) t.text = f.bytes.at, t.length = (size_t)(f.bytes.end - f.bytes.at);
    if (f.number == 2 && f.type == 5) memcpy(&score, &bits, sizeof score), t.score = score;
    if (f.number == 3 && f.type == 0) t.kind = (TokenKind)(f.value <= TOKEN_BYTE ? f.value : 0);
  }
  Vocabulary *v = r->v;
  if (v->count == r->capacity) {
    r->capacity = r->capacity ? 2 * r->capacity : 1024;
    v->tokens = mem_resize(v->tokens, r->capacity * sizeof *v->tokens);
  }
  v->tokens[v->count++] = t;
  return m.at == m.end;
}

static bool read_trainer(Reader *r, Message m) {
  Field f;
  while (take_field(&m, &f)) {
    if (f.type) continue;
    if (f.number == 3) r->model = (int)(f.value & 0xff);
    if (f.number == 24) r->space_behind = f.value;
    int64_t *const ids[] = {&r->v->unknown, &r->v->begin, &r->v->end};
    if (f.number >= 40 && f.number <= 42) *ids[f.number - 40] = (int32_t)f.value;
  }
  return m.at == m.end;
}

static bool read_normalizer(Reader *r, Message m) {
  Field f;
  while (take_field(&m, &f)) {
    if (f.number == 2 && f.type == 2) {
      buffer_clear(&r->map);
      buffer_add(&r->map, f.bytes.at, (size_t)(f.bytes.end - f.bytes.at));
    }
    if (f.number == 3 && !f.type) r->v->add_space = f.value;
    if (f.number == 4 && !f.type) r->v->joins_spaces = f.value;
    if (f.number == 5 && !f.type && !f.value) r->space_behind = true;
  }
  return m.at == m.end;
}

static bool read_model(Reader *r, Message m) {
  Field f;
  while (take_field(&m, &f)) {
    if (f.type != 2) continue;
    if (f.number == 1 && !read_piece(r, f.bytes)) return false;
    if (f.number == 2 && !read_trainer(r, f.bytes)) return false;
    if (f.number == 3 && !read_normalizer(r, f.bytes)) return false;
  }
  return m.at == m.end && r->v->count;
}

static bool is_id(const Vocabulary *v, int64_t id) {
  return id >= -1 && id < (int64_t)v->count;
}

static bool check(const Reader *r, Error *err) {
  enum { UNIGRAM = 1, BPE = 2 };
  const Vocabulary *v = r->v;
  if (r->model != UNIGRAM && r->model != BPE)
    return fail(err, "%s: SentencePiece's models of words and of characters are not supported", v->path);
  if (r->space_behind)
    return fail(
        err, "%s: SentencePiece's \"treat_whitespace_as_suffix\" and unescaped white space are not supported",
        v->path);
  if (!is_id(v, v->unknown) || !is_id(v, v->begin) || !is_id(v, v->end))
    return fail_damaged(err, "%s: a special token is not in the vocabulary of %zu", v->path, v->count);
  for (size_t i = 0; i < v->count; i++)
    if (!v->tokens[i].kind || v->tokens[i].kind == TOKEN_UNUSED)
      return fail(err, "%s: token %zu is of a kind that is not supported", v->path, i);
  return true;
}

bool vocabulary_read_sentencepiece(Vocabulary *v, FileView file, Buffer *map, Error *err) {
  *v = (Vocabulary){
      .path = v->path, .unknown = 0, .begin = 1, .end = 2, .add_space = true, .joins_spaces = true};
  Reader r = {.v = v, .model = 1};
  const bool ok = (read_model(&r, (Message){file.data, file.data + file.size}) ||
                   fail_damaged(err, "%s: is no SentencePiece model, or damaged", v->path)) &&
                  check(&r, err);
  v->unigram = r.model == 1;
  *map = r.map;
  v->map = map->data;
  v->map_length = map->length;
  return ok;
}

static bool read(TokenizerFiles *f, FileView file, StoredTokenizer *out) {
  Vocabulary v = {.path = f->path};
  Buffer map = {0};
  const bool ok = vocabulary_read_sentencepiece(&v, file, &map, f->err) &&
                  vocabulary_store(&v, "token", out, f->err) && tokenizer_files_frame(f, &v) &&
                  vocabulary_sentencepiece(&v, out, f->err);
  mem_free(v.tokens);
  buffer_free(&map);
  return ok;
}

static const char *const names[] = {"tokenizer.model", "spiece.model",    "sentencepiece*.model",
                                    "*.model",         "*.model.v[0-9]*", NULL};
const TokenizerFormat tokenizer_sentencepiece = {names, NULL, read};
