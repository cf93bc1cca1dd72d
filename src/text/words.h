/* words.h - pre-tokenization: splits text with a PCRE2 pattern into words, within which merges apply. */
#ifndef TEXT_WORDS_H
#define TEXT_WORDS_H

#include <stddef.h>

#include "base/error.h"

/* GPT-2's pattern: contractions, letters, digits, the rest, each with the preceding space. */
extern const char words_gpt2[];
/* Inkstone's pattern, for Chinese and English: as GPT-2's, but digits are single, Han characters are separate
 * from other letters, and line ends belong to the preceding punctuation. No word joins letters and
 * punctuation, so no token crosses a sentence end. */
extern const char words_ours[];

typedef struct WordPattern WordPattern;
/* A pattern of Oniguruma, as far as PCRE2 has the same or it can be rewritten; else it fails. */
WordPattern *words_compile(const char *pattern, const char *where, Error *);
void words_free(WordPattern *);

/* Iterates over the words of texts. Without a pattern, a text is one word; text between matches is a separate
 * word (Hugging Face's "Isolated"). Only open and close allocate. */
typedef struct Words {
  const WordPattern *pattern;
  const char *text;
  size_t length, at;
  size_t match_begin, match_end; /* found but not returned yet */
  void *match;
  bool matched; /* words_next_match has returned one */
  size_t ahead; /* bytes scanned beyond the first window, less a credit for progress */
  int problem;  /* a PCRE2 error, such as a match limit, or LOOKS_TOO_FAR */
} Words;
void words_open(Words *, const WordPattern *);
/* Starts a text, which must be valid UTF-8 and stay in place. */
void words_over(Words *, const char *text, size_t length);
/* False at the end, and if matching fails: see words_ok. */
bool words_next(Words *, const char **word, size_t *length);
/* Was the word that words_next returned a match, and not text between two? */
bool words_is_match(const Words *);
/* Instead of words_next: the next match, which may be empty, also at the end of the text, but not where the
 * one before ends. False at the end, and if matching fails. */
bool words_next_match(Words *, size_t *begin, size_t *end);
/* False if matching failed in any text since words_open. */
bool words_ok(const Words *, Error *);
void words_close(Words *);

#endif
