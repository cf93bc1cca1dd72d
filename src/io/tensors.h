/* tensors.h - the named tensors of a stored model, in whatever files they lie. */
#ifndef IO_TENSORS_H
#define IO_TENSORS_H

#include "ops/tensor.h"

typedef struct NamedTensor {
  const char *name;
  Tensor tensor;    /* data points into the mapped file, possibly unaligned */
  const char *file; /* its path, for messages; of a tensor that was not read: NULL */
} NamedTensor;

typedef struct TensorSet {
  NamedTensor *items; /* sorted by name */
  size_t count;
  const char *path; /* what holds them all, for messages */
} TensorSet;

const NamedTensor *tensors_find(const TensorSet *, const char *name); /* NULL if absent */
void tensors_sort(TensorSet *);                                       /* by name */
uint64_t tensors_bytes(const TensorSet *);                            /* of all of them, as they lie there */

#endif
