/* encode.h - many texts as token ids, by all threads. */
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
  const uint8_t *which; /* of each text; NULL: the first for all */
  int32_t begin, end;   /* go before and behind each text; -1: nothing does */
  double drop;          /* of merges, anew in each text; 0: none. See tokenizer_encode_dropping */
  uint64_t seed;
} Encoder;

typedef struct Encoded {
  Spool store;           /* of the tokens, which may be more than memory */
  const int32_t *tokens; /* in it */
  int64_t *starts;       /* [count + 1]: where each text begins; the last is where all end */
  int64_t count;
} Encoded;
/* Shows progress. */
bool texts_encode(Encoded *, const Encoder *, const Document *, size_t count, const News *, Error *);
void encoded_free(Encoded *);
/* For tests: texts longer than this are encoded in parts (256 kB), with the ids of the whole. */
void encode_set_piece(size_t bytes);

#endif
