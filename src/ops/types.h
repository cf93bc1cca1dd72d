/* types.h - what the types of weights (kernels/types.def) are, and how their elements are read.
 *
 * Elements lie in blocks, of one element or of several that share a scale. A row of a matrix is whole blocks.
 */
#ifndef OPS_TYPES_H
#define OPS_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/kernels.h"

typedef struct TypeInfo {
  const char *name;
  int64_t block;                  /* elements */
  size_t bytes;                   /* of a block */
  const char *safetensors, *gguf; /* its names there; NULL: that format has none */
} TypeInfo;

const TypeInfo *type_info(TensorType);
/* Of `count` elements, whole blocks. */
size_t type_bytes(TensorType, int64_t count);
/* Element `index` of an array of that type; the first of a block. */
const void *type_at(TensorType, const void *elements, int64_t index);
/* Elements first, ..., first + count - 1 of a row that begins at `row`, as floats; they need not be whole
 * blocks. */
void type_widen(TensorType, float *out, const void *row, int64_t first, int64_t count);

#endif
