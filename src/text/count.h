/* count.h - how often each word of a text occurs: what BPE is learnt from. */
#ifndef TEXT_COUNT_H
#define TEXT_COUNT_H

#include "base/buffer.h"
#include "base/news.h"
#include "text/tokenizer.h"
#include "text/words.h"

typedef struct WordCounts {
  Map *words;         /* word -> occurrences */
  int64_t bytes;      /* of all distinct words together */
  int64_t characters; /* of the text */
  int64_t text_bytes;
  int64_t dropped;    /* distinct words left out for want of memory */
} WordCounts;

/* Counts with all threads, the same for any number of them, in about `memory` bytes: rare words are dropped where the distinct ones
 * do not fit. Very long words are counted in parts. pattern NULL: words are characters. */
bool count_words(WordCounts *, TextSource *, const WordPattern *, int64_t memory, const News *, Error *);
void word_counts_free(WordCounts *);

#endif
