/* prefetch.h - software prefetching of matrix rows, a few cache lines with each block of a product. The
 * hardware prefetches adjacent lines only, and restarts with every row. */
#ifndef OPS_PREFETCH_H
#define OPS_PREFETCH_H

#include <stdint.h>

#include "ops/types.h"

enum { CACHE_LINE = 64 };

typedef struct Prefetch {
  const char *row;
  int64_t rows, stride, bytes; /* remaining rows; row stride in bytes; bytes per row */
  int64_t done;                /* bytes prefetched of this row */
  int64_t lines;               /* per call of prefetch_some */
} Prefetch;

/* `rows` rows from row `row` and `columns` elements of each from element `first`, of a matrix with row
 * stride `ld`. */
static inline Prefetch prefetch_rows(TensorType type, const void *matrix, int64_t ld, int64_t row,
                                     int64_t first, int64_t rows, int64_t columns) {
  const char *at = type_at(type, matrix, row * ld);
  return (Prefetch){.row = at + type_bytes(type, first),
                    .rows = rows,
                    .stride = (int64_t)type_bytes(type, ld),
                    .bytes = (int64_t)type_bytes(type, columns)};
}

static inline void prefetch_some(Prefetch *p) {
  for (int64_t i = 0; i < p->lines && p->rows > 0; i++) {
    __builtin_prefetch(p->row + p->done, 0, 2);
    p->done += CACHE_LINE;
    if (p->done < p->bytes) continue;
    p->done = 0;
    p->row += p->stride;
    p->rows--;
  }
}

/* Spreads it over `calls` calls of prefetch_some. */
static inline Prefetch prefetch_in(Prefetch p, int64_t calls) {
  const int64_t lines = p.rows * ((p.bytes + CACHE_LINE - 1) / CACHE_LINE);
  p.lines = (lines + calls - 1) / calls;
  return p;
}

static inline void prefetch_all(Prefetch p) {
  p = prefetch_in(p, 1);
  prefetch_some(&p);
}

#endif
