/* gguf_tokenizer.c - the tokenizer of a GGUF file: "gpt2" (byte-level BPE, whose words are cut
 * as "tokenizer.ggml.pre" says) and "llama" (SentencePiece's BPE with byte fallback, whose merges follow from
 * the scores). */
#include <inttypes.h>
#include <string.h>

#include "io/gguf_model.h"

/* The metadata that a tokenizer is made of. */
typedef struct Metadata {
  const Gguf *gguf;
  const GgufValue *tokens, *types, *scores, *merges; /* NULL: it has none */
  Vocabulary vocabulary;
  StoredTokenizer *out;
  Error *err;
} Metadata;

/* ---- byte-level BPE ---- */

static const GgufPattern *find_pattern(const Metadata *m, const char *name) {
  const GgufPattern *found = name ? gguf_pattern_named(name) : NULL, *p;
  Buffer known = {0};
  if (found) return found;
  for (int i = 0; (p = gguf_pattern(i)); i++) buffer_addf(&known, "%s%s", i ? " " : "", p->names);
  fail(m->err, "%s: \"tokenizer.ggml.pre\" is \"%s\": how it cuts words is not known (of these it is: %s)",
       m->gguf->path, name ? name : "", known.data);
  buffer_free(&known);
  return NULL;
}

static bool store_merges(const Metadata *m) {
  vec_reserve(&m->out->merges, m->merges->count);
  for (uint64_t i = 0; i < m->merges->count; i++) {
    const GgufText *t = &m->merges->texts[i];
    if (!json_is_utf8(t->data, t->length))
      return fail_damaged(m->err, "%s: \"tokenizer.ggml.merges\": merge %" PRIu64 " is not UTF-8",
                          m->gguf->path, i);
    if (!stored_merge(m->out, name_pair(t->data, t->length), "", m->gguf->path, m->err)) return false;
  }
  return true;
}

static bool read_normalizer(Metadata *m) {
  const char *name = NULL;
  if (!gguf_get_text(m->gguf, GGUF_NORMALIZER, &name, m->err)) return false;
  m->vocabulary.composes = name && !strcmp(name, "NFC");
  return !name || m->vocabulary.composes ||
         fail(m->err, "%s: \"%s\" is \"%s\": only NFC is known", m->gguf->path, GGUF_NORMALIZER, name);
}

static bool store_byte_level(Metadata *m) {
  const char *name = NULL;
  if (!gguf_get_text(m->gguf, "tokenizer.ggml.pre", &name, m->err) || !read_normalizer(m)) return false;
  const GgufPattern *p = find_pattern(m, name);
  if (!p) return false;
  if (!m->merges || m->merges->type != GGUF_STRING)
    return fail_damaged(m->err, "%s: \"tokenizer.ggml.merges\" is missing, or no list of texts",
                        m->gguf->path);
  m->vocabulary.add_begin = p->begins;
  if (!gguf_get_bool(m->gguf, "tokenizer.ggml.add_bos_token", &m->vocabulary.add_begin, m->err)) return false;
  memcpy(m->vocabulary.patterns, p->patterns, sizeof p->patterns);
  m->vocabulary.whole_words = p->whole;
  vocabulary_byte_level(&m->vocabulary, &m->out->steps);
  return store_merges(m);
}

/* ---- SentencePiece ---- */

static bool store_sentencepiece(Metadata *m) {
  Vocabulary *v = &m->vocabulary;
  if (!m->scores || m->scores->count != m->tokens->count || m->scores->type == GGUF_STRING)
    return fail_damaged(m->err, "%s: \"tokenizer.ggml.scores\" is missing, or not one number a token",
                        m->gguf->path);
  for (size_t i = 0; i < v->count; i++) v->tokens[i].score = gguf_real_at(m->scores, i);
  v->add_begin = v->add_space = true;
  v->space_rule = SPACE_BEHIND_SYMBOLS;
  return gguf_get_bool(m->gguf, "tokenizer.ggml.add_bos_token", &v->add_begin, m->err) &&
         gguf_get_bool(m->gguf, "tokenizer.ggml.add_space_prefix", &v->add_space, m->err) &&
         vocabulary_sentencepiece(v, m->out, m->err);
}

/* ---- both ---- */

static bool read_id(const Metadata *m, const char *key, int64_t *id) {
  return gguf_get_id(m->gguf, key, id, m->err) &&
         ((*id >= -1 && *id < (int64_t)m->tokens->count) ||
          fail_damaged(m->err, "%s: \"%s\" is %" PRId64 ", not in the vocabulary of %" PRIu64, m->gguf->path,
                       key, *id, m->tokens->count));
}

static bool find_metadata(Metadata *m) {
  m->tokens = gguf_find(m->gguf, "tokenizer.ggml.tokens");
  m->types = gguf_find(m->gguf, "tokenizer.ggml.token_type");
  m->scores = gguf_find(m->gguf, "tokenizer.ggml.scores");
  m->merges = gguf_find(m->gguf, "tokenizer.ggml.merges");
  if (!m->tokens || m->tokens->type != GGUF_STRING || m->tokens->count > INT32_MAX)
    return fail_damaged(m->err, "%s: \"tokenizer.ggml.tokens\" is missing, or no list of texts",
                        m->gguf->path);
  return !m->types || (m->types->count == m->tokens->count && gguf_is_int(m->types)) ||
         fail_damaged(m->err, "%s: \"tokenizer.ggml.token_type\" is not one number a token", m->gguf->path);
}

/* Token types are numbered as here (TokenKind). */
static bool fill_vocabulary(Metadata *m) {
  Vocabulary *v = &m->vocabulary;
  v->path = m->gguf->path;
  v->count = (size_t)m->tokens->count;
  v->tokens = mem_alloc_zeroed(v->count, sizeof *v->tokens);
  for (size_t i = 0; i < v->count; i++) {
    const GgufText *t = &m->tokens->texts[i];
    v->tokens[i] = (VocabularyToken){t->data, t->length,
                                     m->types ? (TokenKind)gguf_int_at(m->types, i) : TOKEN_NORMAL, 0};
  }
  return read_id(m, "tokenizer.ggml.bos_token_id", &v->begin) &&
         read_id(m, "tokenizer.ggml.eos_token_id", &v->end) &&
         read_id(m, "tokenizer.ggml.unknown_token_id", &v->unknown) &&
         gguf_get_bool(m->gguf, "tokenizer.ggml.add_eos_token", &v->add_end, m->err) &&
         vocabulary_store(v, "\"tokenizer.ggml.tokens\": token", m->out, m->err);
}

static bool store_model(Metadata *m, const char *model) {
  if (!strcmp(model, "gpt2")) return store_byte_level(m);
  if (!strcmp(model, "llama")) return store_sentencepiece(m);
  return fail(m->err, "%s: a tokenizer of the kind \"%s\" is not read (gpt2 and llama are)", m->gguf->path,
              model);
}

bool gguf_tokenizer(const Gguf *g, StoredTokenizer *out, Error *err) {
  Metadata m = {.gguf = g, .out = out, .err = err};
  const char *model = NULL;
  if (!gguf_get_text(g, "tokenizer.ggml.model", &model, err)) return false;
  if (!model) return fail(err, "%s: has no tokenizer (\"tokenizer.ggml.model\")", g->path);
  const bool ok = find_metadata(&m) && fill_vocabulary(&m) && store_model(&m, model);
  mem_free(m.vocabulary.tokens);
  return ok;
}
