/* panels.h - the panels that a thread packs and multiplies, in its scratch memory. */
#ifndef OPS_PANELS_H
#define OPS_PANELS_H

#include "base/threads.h"
#include "kernels/kernels.h"
#include "ops/packed.h"

enum {
  MC = 112,    /* rows of A packed at a time by a thread */
  TALLEST = 32 /* largest gemm_mr or pairs_mr */
};

typedef struct Panels {
  _Alignas(64) float a[PAIRED_STEPS / 2 * (MC + TALLEST)];
  _Alignas(64) float b[PAIRED_STEPS / 2 * PACKED_WIDEST];
  _Alignas(64) float part[PAIRED_STEPS * PACKED_WIDEST]; /* of B, as floats */
  _Alignas(64) float panel[PACKED_STEPS * PACKED_WIDEST], widened[PACKED_STEPS * PACKED_WIDEST];
  _Alignas(64) Levels levels;
} Panels;
_Static_assert(sizeof(Panels) <= SCRATCH_BYTES, "scratch memory is too small");

static inline Panels *panels_of_thread(void) {
  return thread_scratch();
}

#endif
