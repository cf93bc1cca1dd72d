/* stored_tokenizer.h - a tokenizer as its files describe it: the contents of tokenizer.json, whose two long
 * members, the model's "vocab" and "merges", are lists. The reader of each format fills one
 * (tokenizer_json.c, io/vocabulary.c); tokenizer_build (tokenizer.h) makes the tokenizer. */
#ifndef TEXT_STORED_TOKENIZER_H
#define TEXT_STORED_TOKENIZER_H

#include "base/buffer.h"
#include "text/bpe.h"

typedef struct StoredToken {
  const char *name; /* as tokenizer.json spells it, NUL-terminated; NULL: no token has this id */
  double score;     /* of Unigram; NAN: none, the token is no piece of the model */
} StoredToken;

typedef struct StoredTokenizer {
  Buffer steps;            /* tokenizer.json in which "vocab" and "merges" are null */
  VEC(StoredToken) tokens; /* by id */
  Map *ids;                /* name -> id; it holds the names */
  MergeList merges;
  Buffer joined; /* workspace of stored_merge */
} StoredTokenizer;

void stored_free(StoredTokenizer *);
void stored_reserve(StoredTokenizer *, size_t tokens);
/* Adds a token with a new name; false: a token has that name. The id must be new. */
bool stored_put(StoredTokenizer *, int64_t id, const char *name, size_t length, double score);
/* The names of two tokens. */
typedef struct NamePair {
  const char *left, *right; /* NULL: none */
  size_t left_length, right_length;
} NamePair;
/* Of "left right". */
NamePair name_pair(const char *text, size_t length);
/* Adds the merge of a pair. `prefix`: of tokens that continue a word, which the right one loses. Fails unless
 * both and the result are tokens; `where` names the file. */
bool stored_merge(StoredTokenizer *, NamePair, const char *prefix, const char *where, Error *);

#endif
