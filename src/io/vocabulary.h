/* vocabulary.h - tokenizer.json of a vocabulary that another format stores as a list of tokens. */
#ifndef IO_VOCABULARY_H
#define IO_VOCABULARY_H

#include "base/buffer.h"
#include "base/error.h"

/* As SentencePiece numbers them. */
typedef enum TokenKind {
  TOKEN_NORMAL = 1,
  TOKEN_UNKNOWN,
  TOKEN_CONTROL,
  TOKEN_USER_DEFINED,
  TOKEN_UNUSED,
  TOKEN_BYTE
} TokenKind;

typedef struct VocabularyToken {
  const char *text; /* not NUL-terminated */
  size_t length;
  TokenKind kind;
  double score; /* of SentencePiece */
} VocabularyToken;

typedef struct Vocabulary {
  const char *path; /* for messages */
  VocabularyToken *tokens;
  size_t count;
  int64_t begin, end, unknown; /* -1: none */
  bool add_begin, add_end;     /* around every text */
  bool add_space;              /* before every text */
} Vocabulary;

/* SentencePiece's BPE with byte fallback, whose merges follow from the scores: the whole tokenizer.json. */
bool vocabulary_sentencepiece(const Vocabulary *, Buffer *out, Error *);

/* Refuses tokens that are not UTF-8, or the same as another; `name`: what messages call a token. */
bool vocabulary_check(const Vocabulary *, const char *name, Error *);

/* Parts of tokenizer.json, of tokens that were checked. */
void vocabulary_add_text(Buffer *, const char *text, size_t length); /* with its quotes */
void vocabulary_add_frame(const Vocabulary *, Buffer *);             /* "added_tokens" and "post_processor" */
void vocabulary_add_tokens(const Vocabulary *, Buffer *);            /* "vocab" */

#endif
