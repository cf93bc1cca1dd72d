/* tokenizer_mapped.h - SentencePiece models whose pieces have the ids of vocab.json (Marian, M2M100). */
#ifndef IO_TOKENIZER_MAPPED_H
#define IO_TOKENIZER_MAPPED_H

#include "io/tokenizer_files.h"
#include "io/vocabulary.h"

typedef struct MappedModel {
  Vocabulary model; /* the .model, whose pieces become `vocabulary.unlisted` where they have no id */
  Vocabulary
      vocabulary; /* vocab.json: its special tokens are TOKEN_CONTROL, others without a piece TOKEN_UNUSED */
  StoredTokenizer pieces; /* of `model` */
  json_t *ids;            /* vocab.json, which holds the names */
  Buffer map;
  char path[PATH_CAPACITY]; /* of vocab.json */
} MappedModel;

/* Reads both. Then the caller may change and add tokens of `vocabulary`. Also after a failure, mapped_free.
 */
bool mapped_open(MappedModel *, const TokenizerFiles *, FileView model);
/* Adds a token behind the others. */
void mapped_add(MappedModel *, const char *name, TokenKind);
bool mapped_store(MappedModel *, StoredTokenizer *out, Error *);
void mapped_free(MappedModel *);

#endif
