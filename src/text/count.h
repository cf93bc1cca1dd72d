/* count.h - word counts of a text, from which BPE merges are learnt. */
#ifndef TEXT_COUNT_H
#define TEXT_COUNT_H

#include "base/news.h"
#include "text/tokenizer.h"
#include "text/word_table.h"
#include "text/words.h"

typedef struct WordCounts {
  WordTable words;
  int64_t text_bytes;
  int64_t occurrences; /* of all words in the text */
  int64_t dropped;     /* occurrences dropped to save memory */
} WordCounts;

/* Counts with all threads; the result does not depend on their number. Rare words are dropped, with a
 * warning, if the distinct words and the usual memory for learning merges exceed `memory` bytes. (On random
 * letters the table of pairs exceeds small limits: 0.45 GB at 200M, 0.8 GB at 1G.) Very long words are
 * counted in parts. pattern NULL: words are characters. */
bool count_words(WordCounts *, TextSource *, const WordPattern *, int64_t memory, const News *, Error *);
void word_counts_free(WordCounts *);

#endif
