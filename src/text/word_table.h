/* word_table.h - word counts: a hash table in three plain arrays, about 50 bytes per word. */
#ifndef TEXT_WORD_TABLE_H
#define TEXT_WORD_TABLE_H

#include "base/memory.h"

typedef struct CountedWord {
  int64_t times;
  size_t at; /* offset in WordTable.bytes */
  uint32_t hash, length;
} CountedWord;

/* In order of first occurrence. Zero-initialized is empty. */
typedef struct WordTable {
  VEC(CountedWord) words;
  VEC(char) bytes;
  uint32_t *slots; /* open addressing; 0: empty, else 1 + index in words */
  size_t slot_count;
} WordTable;

uint32_t word_hash(const char *word, size_t length);
void word_table_add(WordTable *, const char *word, size_t length, uint32_t hash, int64_t times);
/* Reserves capacity, so that adding up to so many words and bytes does not allocate. */
void word_table_reserve(WordTable *, size_t words, size_t bytes);
/* Drops words with fewer than `times` occurrences; returns the number of occurrences dropped. */
int64_t word_table_drop_below(WordTable *, int64_t times);
void word_table_clear(WordTable *); /* keeps the memory */
void word_table_free(WordTable *);

#endif
