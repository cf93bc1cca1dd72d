/* tensors.h - the named tensors of a stored model, independent of its files. */
#ifndef IO_TENSORS_H
#define IO_TENSORS_H

#include "base/file.h"
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

/* Converts a tensor of any floating-point type to f32, on all threads; `out` must have as many elements. */
void tensor_to_f32(float *out, const Tensor *);

/* Writes the values of an item of a file. `buffer`: of tensors_buffer, for converting them; the caller frees.
 */
bool tensor_put(FileWriter *, const NamedTensor *, char *buffer, Error *);
char *tensors_buffer(const NamedTensor *items, size_t count); /* NULL if none is converted */

#endif
