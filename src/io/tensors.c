#include "io/tensors.h"

#include <stdlib.h>
#include <string.h>

static int by_name(const void *a, const void *b) {
  return strcmp(((const NamedTensor *)a)->name, ((const NamedTensor *)b)->name);
}

void tensors_sort(TensorSet *s) {
  if (s->count) qsort(s->items, s->count, sizeof *s->items, by_name);
}

const NamedTensor *tensors_find(const TensorSet *s, const char *name) {
  const NamedTensor key = {.name = name};
  return s->count ? bsearch(&key, s->items, s->count, sizeof key, by_name) : NULL;
}

uint64_t tensors_bytes(const TensorSet *s) {
  uint64_t bytes = 0;
  for (size_t i = 0; i < s->count; i++) bytes += tensor_bytes(&s->items[i].tensor);
  return bytes;
}
