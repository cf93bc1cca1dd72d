#include "io/tokenizer_mapped.h"

#include <string.h>

/* Gives the tokens the scores of the pieces; the others come first in the list of these. */
static void map_pieces(Vocabulary *v, VocabularyToken *pieces, size_t count) {
  Map *ids = map_new();
  for (size_t i = 0; i < v->count; i++) map_set(ids, v->tokens[i].text, v->tokens[i].length, (int64_t)i);
  for (size_t i = 0; i < count; i++) {
    int64_t id;
    if (pieces[i].kind != TOKEN_NORMAL) continue;
    if (!map_get(ids, pieces[i].text, pieces[i].length, &id))
      pieces[v->unlisted_count++] = pieces[i];
    else if (v->tokens[id].kind == TOKEN_UNUSED)
      v->tokens[id].kind = TOKEN_NORMAL, v->tokens[id].score = pieces[i].score;
  }
  v->unlisted = pieces;
  map_free(ids);
}

static bool check(const TokenizerFiles *f, const Vocabulary *model) {
  for (size_t i = 0; i < model->count; i++)
    if (model->tokens[i].kind == TOKEN_BYTE || model->tokens[i].kind == TOKEN_USER_DEFINED)
      return fail(f->err, "%s: piece %zu is a byte or defined by the user, which is not supported", f->path,
                  i);
  return true;
}

/* A special token of vocab.json; -1: none. */
static int64_t find_special(const TokenizerFiles *f, MappedModel *m, const char *key, const char *fallback) {
  const json_t *id = json_object_get(m->ids, tokenizer_files_name(f, key, fallback));
  if (id) m->vocabulary.tokens[json_integer_value(id)].kind = TOKEN_CONTROL;
  return id ? json_integer_value(id) : -1;
}

static bool read_vocabulary(MappedModel *m, const TokenizerFiles *f) {
  Vocabulary *v = &m->vocabulary;
  *v = m->model;
  v->path = tokenizer_files_beside(f, m->path, "vocab.json");
  v->tokens = NULL;
  m->ids = json_read(m->path, f->err);
  if (!m->ids || !vocabulary_fill(v, m->ids, f->err)) return false;
  for (size_t i = 0; i < v->count; i++) v->tokens[i].kind = TOKEN_UNUSED;
  v->begin = -1;
  v->end = find_special(f, m, "eos_token", "</s>");
  v->unknown = find_special(f, m, "unk_token", "<unk>");
  find_special(f, m, "bos_token", "<s>");
  find_special(f, m, "pad_token", "<pad>");
  v->mapped = v->add_end = true;
  v->space_rule = SPACE_BEHIND_SYMBOLS;
  return (v->end >= 0 && v->unknown >= 0) || fail_damaged(f->err, "%s: has no end or unknown token", m->path);
}

bool mapped_open(MappedModel *m, const TokenizerFiles *f, FileView file) {
  m->model.path = f->path;
  return vocabulary_read_sentencepiece(&m->model, file, &m->map, f->err) &&
         vocabulary_store(&m->model, "token", &m->pieces, f->err) && check(f, &m->model) &&
         read_vocabulary(m, f);
}

void mapped_add(MappedModel *m, const char *name, TokenKind kind) {
  Vocabulary *v = &m->vocabulary;
  v->tokens = mem_resize(v->tokens, (v->count + 1) * sizeof *v->tokens);
  v->tokens[v->count++] = (VocabularyToken){name, strlen(name), kind, 0};
}

bool mapped_store(MappedModel *m, StoredTokenizer *out, Error *err) {
  map_pieces(&m->vocabulary, m->model.tokens, m->model.count);
  if (!m->model.unigram && m->vocabulary.unlisted_count)
    return fail(err, "%s: lacks %zu pieces of the BPE model beside it, which is not supported", m->path,
                m->vocabulary.unlisted_count);
  return vocabulary_store(&m->vocabulary, "token", out, err) &&
         vocabulary_sentencepiece(&m->vocabulary, out, err);
}

void mapped_free(MappedModel *m) {
  stored_free(&m->pieces);
  mem_free(m->model.tokens);
  mem_free(m->vocabulary.tokens);
  buffer_free(&m->map);
  json_decref(m->ids);
}
