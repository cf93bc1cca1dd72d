/* normalize.h - what is done to a text before it is cut into tokens: the normalizer of tokenizer.json. */
#ifndef TEXT_NORMALIZE_H
#define TEXT_NORMALIZE_H

#include "base/buffer.h"

typedef struct Normalizer {
  bool compose;    /* Unicode's canonical composition, NFC */
  bool compatible; /* and what looks alike made the same, NFKC: U+FF21 is A, U+FB01 is fi */
  bool lowercase;  /* after that, character by character */
  bool space_mark; /* SentencePiece: U+2581 is another way to write a space; the vocabulary holds the space */
  bool prepend;    /* SentencePiece: a space goes before the text */
} Normalizer;
bool normalizer_does_nothing(const Normalizer *);
void normalize(const Normalizer *, const char *text, size_t length, Buffer *out);

#endif
