/* byte_tables.h - sets of code points as small automata over the bytes of UTF-8. */
#ifndef GRAMMAR_BYTE_TABLES_H
#define GRAMMAR_BYTE_TABLES_H

#include "base/buffer.h"
#include "grammar/code_set.h"

enum { BYTE_NONE = 0, BYTE_DONE = 1, BYTE_TABLE = 2, BYTE_TABLES_MOST = 20000 };

/* What a byte leads to: nothing, the end of the character, or (from BYTE_TABLE on) a further table of the
 * same set, counted from its first. */
typedef struct ByteTable {
  uint16_t next[256];
} ByteTable;

typedef struct ByteSet {
  int32_t first, count; /* its tables; the first reads the first byte */
} ByteSet;

typedef struct ByteTables {
  VEC(ByteTable) tables;
  VEC(ByteSet) sets;
  Map *by_ranges; /* numbers of sets */
} ByteTables;
void byte_tables_free(ByteTables *);
/* The number of the set of settled ranges; -1: there are too many tables. */
int32_t byte_tables_set(ByteTables *, const CodeRange *, size_t count);

#endif
