/* mask.h - the dropout mask: a function of the tape's seed, the call's stream and the element's index,
 * recomputed in backward. One random number of 64 bits decides four elements, 16 bits each. */
#ifndef OPS_MASK_H
#define OPS_MASK_H

#include "base/random.h"
#include "kernels/kernels.h"
#include "ops/tape.h"

typedef struct Mask {
  uint64_t key;    /* of the random numbers */
  int32_t dropped; /* of MASK_LEVELS; 0: none */
  float scale;     /* of the elements kept */
} Mask;
enum {
  MASK_LEVELS = 65536,
  MASK_CHUNK = 1024
}; /* MASK_CHUNK: elements masked at a time, a multiple of four */

/* Dropout with probability p in 0 .. 1 - 1/65536. Takes a stream of the tape unless p is 0. */
static inline Mask mask_new(Tape *tape, float p) {
  CHECK(p >= 0 && p < 1);
  Mask m = {.dropped = (int32_t)(p * MASK_LEVELS)};
  if (!m.dropped) return m;
  m.scale = (float)MASK_LEVELS / (float)(MASK_LEVELS - m.dropped);
  m.key = random_mix(random_mix(tape_seed(tape)) ^ tape_stream(tape)); /* as random_bits does */
  return m;
}

/* Elements `first` .. first + count-1, first a multiple of four. */
static inline void mask_apply(const Mask *m, float *to, const float *from, int64_t first, int64_t count) {
  kernels->dropout(to, from, m->key, (uint64_t)first, m->dropped, m->scale, count);
}

#endif
