/* key_pages.h - keys and values in pages (KeyPages, ops.h), read and written for attention only.
 *
 * In a page, values are [G, positions, d]. Keys of a type of elements are [G, d, positions], so that products
 * with queries need not transpose them for every token; keys of a type of blocks, which run along d, lie as
 * values do. */
#ifndef OPS_KEY_PAGES_H
#define OPS_KEY_PAGES_H

#include "ops/ops.h"

/* Stores k and v [rows, heads * size], rounded to the pages' type, at a position of each row's sequence. */
void key_pages_write(const KeyPages *, int64_t rows, int64_t heads, int64_t size, const int32_t *position,
                     const float *k, const float *v);

/* A head of a row's sequence. `widened`: memory for a page's part of a head as floats. */
typedef struct PagedHead {
  const KeyPages *pages;
  int64_t row, head, size;
  float *widened;
} PagedHead;

/* Positions up to `end` that lie in the same page as `position`. */
int64_t left_in_page(const KeyPages *, int64_t position, int64_t end);
/* Of these as floats, in place if the pages have floats: values [count, size], */
const float *paged_values(const PagedHead *, int64_t position, int64_t count);
/* and keys [count, size], or transposed. */
typedef struct PagedKeys {
  const float *at;
  int64_t ld;
  bool transposed;
} PagedKeys;
PagedKeys paged_keys(const PagedHead *, int64_t position, int64_t count);

#endif
