/* normalize.h - text normalization before tokenization: the normalizer of tokenizer.json. */
#ifndef TEXT_NORMALIZE_H
#define TEXT_NORMALIZE_H

#include "base/buffer.h"

typedef struct Normalizer {
  bool compose;    /* NFC */
  bool compatible; /* NFKC: U+FF21 becomes A, U+FB01 becomes fi */
  bool lowercase;  /* after composition, character by character */
  bool space_mark; /* SentencePiece: U+2581 becomes a space, in texts and in the vocabulary */
  bool prepend;    /* SentencePiece: add a space before the text */
} Normalizer;
bool normalizer_does_nothing(const Normalizer *);
void normalize(const Normalizer *, const char *text, size_t length, Buffer *out);

#endif
