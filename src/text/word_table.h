/* word_table.h - words and how often they occur: a hash table in three plain arrays, about 50 bytes a word.
 */
#ifndef TEXT_WORD_TABLE_H
#define TEXT_WORD_TABLE_H

#include "base/memory.h"

typedef struct CountedWord {
  int64_t times;
  size_t at; /* in bytes */
  uint32_t hash, length;
} CountedWord;

/* In order of first occurrence. Zero-initialized is empty. */
typedef struct WordTable {
  VEC(CountedWord) words;
  VEC(char) bytes;
  uint32_t *slots; /* open addressing; 0: empty, else 1 + place in words */
  size_t slot_count;
} WordTable;

uint32_t word_hash(const char *word, size_t length);
void word_table_add(WordTable *, const char *word, size_t length, uint32_t hash, int64_t times);
/* Room for so many words and bytes, so that adding does not allocate. */
void word_table_reserve(WordTable *, size_t words, size_t bytes);
/* Forgets words that occurred less often; returns how many occurrences they had. */
int64_t word_table_drop_below(WordTable *, int64_t times);
void word_table_clear(WordTable *); /* keeps the memory */
void word_table_free(WordTable *);

#endif
