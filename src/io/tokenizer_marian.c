/* tokenizer_marian.c - Marian's tokenizer as opus-mt is published: source.spm and target.spm cut texts into
 * pieces (SentencePiece), vocab.json has the ids of both. A piece that is not in it is unknown; an end
 * follows every text; a token ">>fra<<" says the language to translate to. transformers: MarianTokenizer. */
#include <inttypes.h>
#include <string.h>

#include "base/buffer.h"
#include "io/tokenizer_files.h"
#include "io/vocabulary.h"

static bool is_target(const VocabularyToken *t) {
  return t->length > 4 && !memcmp(t->text, ">>", 2) && !memcmp(t->text + t->length - 2, "<<", 2);
}

/* Gives the tokens the scores of the pieces; the others come first in the list of these. */
static void map_pieces(Vocabulary *v, VocabularyToken *pieces, size_t count) {
  Map *ids = map_new();
  for (size_t i = 0; i < v->count; i++) {
    VocabularyToken *t = &v->tokens[i];
    map_set(ids, t->text, t->length, (int64_t)i);
    t->kind = is_target(t) ? TOKEN_USER_DEFINED : TOKEN_UNUSED;
  }
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
  if (json_is_true(json_object_get(f->config, "separate_vocabs")))
    return fail(f->err, "%s: \"separate_vocabs\" in tokenizer_config.json is not supported", f->path);
  if (!model->unigram) return fail(f->err, "%s: is no unigram model, which Marian's are", f->path);
  for (size_t i = 0; i < model->count; i++)
    if (model->tokens[i].kind == TOKEN_BYTE || model->tokens[i].kind == TOKEN_USER_DEFINED)
      return fail(f->err, "%s: piece %zu is a byte or defined by the user, which is not supported", f->path,
                  i);
  return true;
}

/* A special token of vocab.json; -1: none. */
static int64_t find_special(const TokenizerFiles *f, Vocabulary *v, const json_t *vocabulary, const char *key,
                            const char *fallback) {
  const json_t *id = json_object_get(vocabulary, tokenizer_files_name(f, key, fallback));
  if (id) v->tokens[json_integer_value(id)].kind = TOKEN_CONTROL;
  return id ? json_integer_value(id) : -1;
}

static bool combine(const TokenizerFiles *f, const Vocabulary *model, StoredTokenizer *out) {
  char path[PATH_CAPACITY];
  Vocabulary v = *model;
  v.path = tokenizer_files_beside(f, path, "vocab.json");
  v.tokens = NULL;
  json_t *vocabulary = json_read(path, f->err);
  bool ok = vocabulary && vocabulary_fill(&v, vocabulary, f->err);
  if (ok) {
    map_pieces(&v, model->tokens, model->count);
    v.begin = -1;
    v.end = find_special(f, &v, vocabulary, "eos_token", "</s>");
    v.unknown = find_special(f, &v, vocabulary, "unk_token", "<unk>");
    find_special(f, &v, vocabulary, "pad_token", "<pad>");
    v.mapped = v.add_end = true;
    v.space_rule = SPACE_BEHIND_SYMBOLS;
    ok = (v.end >= 0 && v.unknown >= 0) || fail_damaged(f->err, "%s: has no end or unknown token", path);
  }
  ok = ok && vocabulary_store(&v, "token", out, f->err) && vocabulary_sentencepiece(&v, out, f->err);
  mem_free(v.tokens);
  json_decref(vocabulary);
  return ok;
}

static bool read(TokenizerFiles *f, FileView file, StoredTokenizer *out) {
  Vocabulary model = {.path = f->path};
  StoredTokenizer pieces = {0};
  Buffer map = {0};
  const bool ok = vocabulary_read_sentencepiece(&model, file, &map, f->err) &&
                  vocabulary_store(&model, "token", &pieces, f->err) && check(f, &model) &&
                  combine(f, &model, out);
  stored_free(&pieces);
  mem_free(model.tokens);
  buffer_free(&map);
  return ok;
}

static const char *const names[] = {"source.spm", "target.spm", NULL};
const TokenizerFormat tokenizer_marian = {names, read};
