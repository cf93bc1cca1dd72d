/* count.h - how often each word of a text occurs: what BPE is learnt from. */
#ifndef TEXT_COUNT_H
#define TEXT_COUNT_H

#include "base/news.h"
#include "text/tokenizer.h"
#include "text/word_table.h"
#include "text/words.h"

typedef struct WordCounts {
  WordTable words;
  int64_t text_bytes;
  int64_t occurrences; /* of words in the text */
  int64_t dropped;     /* occurrences left out for want of memory */
} WordCounts;

/* Counts with all threads, the same for any number of them. Rare words are dropped, and it is said, where the
 * distinct ones and what learning merges from them usually needs do not fit into `memory` bytes. (On text of
 * random letters the table of pairs outgrows small limits: 0.45 GB at 200M, 0.8 GB at 1G.) Very long words
 * are counted in parts. pattern NULL: words are characters. */
bool count_words(WordCounts *, TextSource *, const WordPattern *, int64_t memory, const News *, Error *);
void word_counts_free(WordCounts *);

#endif
