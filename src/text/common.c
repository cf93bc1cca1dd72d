#include "text/common.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BITS = 64 };

void common_free(Common *c) {
  vec_free(&c->places);
  vec_free(&c->row);
  vec_free(&c->some_rows);
  vec_free(&c->rows);
}

static size_t words_of(size_t columns) {
  return (columns + BITS - 1) / BITS;
}

static int ascending(const void *a, const void *b) {
  const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

static uint64_t place(int32_t word, size_t at) {
  return (uint64_t)(uint32_t)word << 32 | at;
}

static void find_occurrences(Common *c, const int32_t *b, size_t columns) {
  if (columns > UINT32_MAX) mem_exhausted(SIZE_MAX);
  vec_reserve(&c->places, columns);
  c->places.count = columns;
  for (size_t j = 0; j < columns; j++) c->places.data[j] = place(b[j], j);
  if (columns) qsort(c->places.data, columns, sizeof *c->places.data, ascending);
}

static size_t first_occurrence(const Common *c, uint64_t least) {
  size_t low = 0, high = c->places.count;
  while (low < high) {
    const size_t middle = (low + high) / 2;
    if (c->places.data[middle] < least)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

/* Computes the next row in place: row = (row + (row & same)) | (row & ~same), with bits `same` where b has
 * this word. Words without such a bit or a carry do not change. */
static void add_word(const Common *c, int32_t word, uint64_t *row, size_t words) {
  size_t at = first_occurrence(c, place(word, 0));
  const size_t stop = first_occurrence(c, place(word, UINT32_MAX));
  bool carry = false;
  for (size_t w = 0; w < words; w++) {
    uint64_t same = 0, sum;
    if (!carry && at == stop) return;
    if (!carry) w = (uint32_t)c->places.data[at] / BITS;
    for (; at < stop && (uint32_t)c->places.data[at] / BITS == w; at++)
      same |= 1ull << (uint32_t)c->places.data[at] % BITS;
    same &= row[w];
    const bool over = __builtin_add_overflow(row[w], same, &sum);
    carry = __builtin_add_overflow(sum, (uint64_t)carry, &sum) || over;
    row[w] = sum | (row[w] & ~same);
  }
}

/* Row 0 of the table: all zero, so all bits are set. */
static uint64_t *first_row(Common *c, size_t words) {
  vec_reserve(&c->row, words);
  memset(c->row.data, 0xff, words * sizeof *c->row.data);
  return c->row.data;
}

/* The table's value after `columns` columns: the number of clear bits. */
static size_t value(const uint64_t *row, size_t columns) {
  size_t ones = 0;
  for (size_t w = 0; w < columns / BITS; w++) ones += (size_t)__builtin_popcountll(row[w]);
  if (columns % BITS) ones += (size_t)__builtin_popcountll(row[columns / BITS] << (BITS - columns % BITS));
  return columns - ones;
}

int64_t common_length(Common *c, const int32_t *a, size_t rows, const int32_t *b, size_t columns) {
  const size_t words = words_of(columns);
  if (!columns) return 0;
  find_occurrences(c, b, columns);
  uint64_t *row = first_row(c, words);
  for (size_t i = 0; i < rows; i++) add_word(c, a[i], row, words);
  return (int64_t)value(row, columns);
}

static void copy_row(uint64_t *to, const uint64_t *from, size_t words) {
  memcpy(to, from, words * sizeof *to);
}

void common_mark(Common *c, const int32_t *a, size_t rows, const int32_t *b, size_t columns, char *kept) {
  const size_t words = words_of(columns), step = (size_t)sqrt((double)rows) + 1;
  if (!rows || !columns) return;
  find_occurrences(c, b, columns);
  uint64_t *row = first_row(c, words);
  vec_reserve(&c->some_rows, (rows / step + 1) * words);
  vec_reserve(&c->rows, (step + 1) * words);
  for (size_t i = 0; i < rows; i++) {
    if (i % step == 0) copy_row(c->some_rows.data + i / step * words, row, words);
    add_word(c, a[i], row, words);
  }
  for (size_t i = rows, j = columns; i > 0 && j > 0;) {
    const size_t first = (i - 1) / step * step;
    copy_row(c->rows.data, c->some_rows.data + first / step * words, words);
    for (size_t k = first; k < i; k++) {
      uint64_t *below = c->rows.data + (k - first + 1) * words;
      copy_row(below, below - words, words);
      add_word(c, a[k], below, words);
    }
    while (i > first && j > 0) {
      const uint64_t *now = c->rows.data + (i - first) * words, *above = now - words;
      if (a[i - 1] == b[j - 1]) {
        kept[--i] = 1;
        j--;
      } else if (value(now, j - 1) > value(above, j)) {
        j--;
      } else {
        i--;
      }
    }
  }
}
