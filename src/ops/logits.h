/* logits.h - shared by the operators that compute logits in blocks of rows, so that N x V are never stored.
 */
#ifndef OPS_LOGITS_H
#define OPS_LOGITS_H

#include "kernels/kernels.h"

/* Rows of a block of logits: about 4 MB, which stay in cache, but enough rows to amortize reading the weight,
 * twice per block. V 50304, D 384, one thread: 77 GFLOP/s with 32 rows, 153 with 256. */
static inline int64_t logits_block(int64_t rows, int64_t vocabulary) {
  enum { BLOCK_LOGITS = 1 << 20, LEAST_ROWS = 256, MOST_ROWS = 1024 };
  int64_t block = BLOCK_LOGITS / vocabulary;
  if (block < LEAST_ROWS) block = LEAST_ROWS;
  if (block > MOST_ROWS) block = MOST_ROWS;
  return block < rows ? block : rows;
}

/* z = cap tanh(z / cap), and its slope 1 - tanh^2; slopes may be NULL. */
static inline void logits_cap(float *z, float *slopes, int64_t count, float cap) {
  kernels->scale(z, 1 / cap, z, count);
  kernels->tangent(z, z, count);
  for (int64_t j = 0; slopes && j < count; j++) slopes[j] = 1 - z[j] * z[j];
  kernels->scale(z, cap, z, count);
}

#endif
