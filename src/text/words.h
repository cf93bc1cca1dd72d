/* words.h - cutting text into the words inside of which tokens are formed (pre-tokenization), by a PCRE2
 * pattern. */
#ifndef TEXT_WORDS_H
#define TEXT_WORDS_H

#include <stddef.h>

#include "base/error.h"

/* Of GPT-2: contractions, letters, digits, the rest, each with the space before it. */
extern const char words_gpt2[];
/* Ours, for Chinese and English alike: as GPT-2's, but digits come alone, letters of Han are kept apart from
 * other letters, and line ends stand with the marks before them. No word joins letters to a punctuation mark,
 * so no token crosses a sentence. */
extern const char words_ours[];

typedef struct WordPattern WordPattern;
WordPattern *words_compile(const char *pattern, const char *where, Error *);
void words_free(WordPattern *);

/* Walks over the words of one text after the other. Where there is no pattern, a text is one word; what the
 * pattern does not match is a word of its own (Hugging Face's "Isolated"). Only open and close allocate. */
typedef struct Words {
  const WordPattern *pattern;
  const char *text;
  size_t length, at;
  size_t match_begin, match_end; /* found, not given out yet */
  void *match;
  size_t ahead; /* bytes that the pattern looked at beyond its first window, less what it got past */
  int problem;  /* PCRE2's: a limit of its own was reached, or LOOKS_TOO_FAR */
} Words;
void words_open(Words *, const WordPattern *);
/* The text must be valid UTF-8 and stay where it is. */
void words_over(Words *, const char *text, size_t length);
/* False at the end, and where the pattern gives up: see words_ok. */
bool words_next(Words *, const char **word, size_t *length);
/* False where any text since open was not cut to its end. */
bool words_ok(const Words *, Error *);
void words_close(Words *);

#endif
