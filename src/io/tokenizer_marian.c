/* tokenizer_marian.c - Marian's tokenizer as opus-mt is published: source.spm and target.spm cut texts into
 * pieces (SentencePiece), vocab.json has the ids of both. A piece that is not in it is unknown; an end
 * follows every text; a token ">>fra<<" says the language to translate to. transformers: MarianTokenizer. */
#include <string.h>

#include "io/tokenizer_mapped.h"

static bool is_target(const VocabularyToken *t) {
  return t->length > 4 && !memcmp(t->text, ">>", 2) && !memcmp(t->text + t->length - 2, "<<", 2);
}

static bool read(TokenizerFiles *f, FileView file, StoredTokenizer *out) {
  MappedModel m = {0};
  bool ok = (!json_is_true(json_object_get(f->config, "separate_vocabs")) ||
             fail(f->err, "%s: \"separate_vocabs\" in tokenizer_config.json is not supported", f->path)) &&
            mapped_open(&m, f, file);
  if (ok) {
    for (size_t i = 0; i < m.vocabulary.count; i++)
      if (is_target(&m.vocabulary.tokens[i])) m.vocabulary.tokens[i].kind = TOKEN_USER_DEFINED;
    ok = mapped_store(&m, out, f->err);
  }
  mapped_free(&m);
  return ok;
}

static const char *const names[] = {"source.spm", "target.spm", NULL};
const TokenizerFormat tokenizer_marian = {names, NULL, read};
