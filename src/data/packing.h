/* packing.h - divides sequences among windows of a fixed size, so that little of them stays empty. */
#ifndef DATA_PACKING_H
#define DATA_PACKING_H

#include "base/memory.h"

typedef struct Packing {
  VEC(int64_t) order;  /* the sequences, window after window */
  VEC(int64_t) starts; /* where each window begins in `order`; then the end */
} Packing;

/* `lengths`: ascending, each from 1 to `size`. Each window takes the longest sequence that is left, then
 * again and again the longest one that still fits (Krell et al. 2021, longest-pack-first). */
void packing_make(Packing *, const int64_t *lengths, size_t count, int64_t size);
void packing_free(Packing *);
int64_t packing_windows(const Packing *);

#endif
