/* types.h - the element types of weights (kernels/types.def), and access to their elements.
 *
 * Elements are stored in blocks, of one element or of several that share a scale. A matrix row is a whole
 * number of blocks. */
#ifndef OPS_TYPES_H
#define OPS_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "kernels/kernels.h"

typedef struct TypeInfo {
  const char *name;
  int64_t block;                  /* elements */
  size_t bytes;                   /* of a block */
  const char *safetensors, *gguf; /* names in these formats; NULL: not supported there */
} TypeInfo;

const TypeInfo *type_info(TensorType);
TensorType type_named(const char *name); /* which must be one of types.def */
/* The same for a name from outside; fails with a list of all. */
bool type_find(const char *name, TensorType *, Error *);
/* Bytes of `count` elements, a whole number of blocks. */
size_t type_bytes(TensorType, int64_t count);
/* Address of element `index`, the first of a block. */
const void *type_at(TensorType, const void *elements, int64_t index);
/* Converts elements first .. first + count - 1 of the row at `row` to floats; they need not be whole
 * blocks. */
void type_widen(TensorType, float *out, const void *row, int64_t first, int64_t count);
/* Rounds finite floats, whole blocks, to the type: to the nearest value, ties to even, or as its quantizer
 * does. False if one of them is nearer to infinity than to the type's largest value. */
bool type_narrow(TensorType, void *out, const float *values, int64_t count);
/* The same for weights that are stored: q8_0 gets the scales of least error, which takes longer. */
bool type_quantize(TensorType, void *out, const float *values, int64_t count);

#endif
