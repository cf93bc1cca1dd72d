/* instruction_set.c - ink_instruction_set. */
#include <stdlib.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "kernels/kernels.h"

const char *ink_instruction_set(ink_error *err) {
  if (kernels_as_named()) return kernels->isa;
  MEM_GUARD(err, return NULL);
  const char *named = getenv("INKSTONE_ISA");
  Buffer all = {0};
  const Kernels *each;
  for (int i = 0; (each = kernels_available(i)); i++) buffer_addf(&all, "%s%s", i ? ", " : "", each->isa);
  fail_usage(err, "INKSTONE_ISA=%s: this machine has no such instruction set: choose one of %s",
             named ? named : "", all.data);
  buffer_free(&all);
  MEM_GUARD_END();
  return NULL;
}
