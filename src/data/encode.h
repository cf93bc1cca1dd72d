/* encode.h - encodes many texts as token ids on all threads. */
#ifndef DATA_ENCODE_H
#define DATA_ENCODE_H

#include "base/spool.h"
#include "text/tokenizer.h"

typedef struct Document {
  const char *text;
  size_t length;
} Document;

typedef struct Encoder {
  const Tokenizer *tokenizers[2];
  const uint8_t *which; /* tokenizer of each text; NULL: the first for all */
  int32_t begin, end;   /* tokens before and after each text; -1: none */
  double drop;          /* probability of skipping a merge; 0: none. See tokenizer_encode_dropping */
  uint64_t seed;
} Encoder;

typedef struct Encoded {
  Spool store;           /* the tokens, which may exceed memory */
  const int32_t *tokens; /* in `store` */
  int64_t *starts;       /* [count + 1]: where each text begins; the last is the total */
  int64_t count;
} Encoded;
/* Reports progress. */
bool texts_encode(Encoded *, const Encoder *, const Document *, size_t count, const News *, Error *);
void encoded_free(Encoded *);
/* For tests: longer texts are encoded in parts (default 256 kB), which gives the same ids. */
void encode_set_piece(size_t bytes);

#endif
