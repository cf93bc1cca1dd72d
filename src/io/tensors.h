/* tensors.h - the named tensors of a stored model, independent of its files. */
#ifndef IO_TENSORS_H
#define IO_TENSORS_H

#include "ops/tensor.h"

typedef struct NamedTensor {
  const char *name;
  Tensor tensor;      /* data points into the mapped file, possibly unaligned */
  const char *file;   /* its path, for messages; NULL: not read from a file */
  const Tensor *from; /* the values to write, rounded to the tensor's type; NULL: data has them */
} NamedTensor;

typedef struct TensorSet {
  NamedTensor *items; /* sorted by name */
  size_t count;
  const char *path; /* of the file or index, for messages */
} TensorSet;

const NamedTensor *tensors_find(const TensorSet *, const char *name); /* NULL if absent */
void tensors_sort(TensorSet *);                                       /* by name */
uint64_t tensors_bytes(const TensorSet *);                            /* total, as stored */

#endif
