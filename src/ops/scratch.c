#include "ops/scratch.h"

#include <stdatomic.h>

#include "base/memory.h"

enum { SPARE_SCRATCH = 16 };
static _Atomic(Scratch *) spare_scratch[SPARE_SCRATCH];

static Scratch *spare_or_new(void) {
  for (int i = 0; i < SPARE_SCRATCH; i++) {
    Scratch *scratch = atomic_load(&spare_scratch[i]) ? atomic_exchange(&spare_scratch[i], NULL) : NULL;
    if (scratch) return scratch;
  }
  return mem_alloc_zeroed(1, sizeof(Scratch));
}

Scratch *scratch_take(int64_t floats) {
  Scratch *scratch = spare_or_new();
  vec_reserve(scratch, floats);
  return scratch;
}

void scratch_return(Scratch *scratch) {
  for (int i = 0; i < SPARE_SCRATCH; i++) {
    Scratch *none = NULL;
    if (atomic_compare_exchange_strong(&spare_scratch[i], &none, scratch)) return;
  }
  vec_free(scratch);
  mem_free(scratch);
}
