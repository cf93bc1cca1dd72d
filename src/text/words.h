/* words.h - cutting text into the words inside of which tokens are formed (pre-tokenization), by a PCRE2 pattern. */
#ifndef TEXT_WORDS_H
#define TEXT_WORDS_H

#include <stddef.h>

#include "base/error.h"

/* Of GPT-2: contractions, letters, digits, the rest, each with the space before it. */
extern const char words_gpt2[];
/* Ours, for Chinese and English alike: as GPT-2's, but digits come alone, letters of Han are kept apart from other letters, and
 * line ends stand with the marks before them. No word joins letters to a punctuation mark, so no token crosses a sentence. */
extern const char words_ours[];

typedef struct WordPattern WordPattern;
WordPattern *words_compile(const char *pattern, const char *where, Error *);
void words_free(WordPattern *);

/* The next word of text[*at ..length): its end in *at; the begin is what *at was. What the pattern does not match is a word of its own
 * (Hugging Face's "Isolated"). False at the end. Invalid UTF-8 must not be given. */
typedef struct Words {
  const WordPattern *pattern;
  const char *text;
  size_t length, at;
  size_t match_begin, match_end; /* found, not given out yet */
  void *match;
} Words;
void words_begin(Words *, const WordPattern *, const char *text, size_t length);
bool words_next(Words *, const char **word, size_t *length);
void words_end(Words *);

#endif
