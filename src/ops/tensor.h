/* tensor.h - a typed, contiguous, row-major array of up to four dimensions.
 *
 * A tensor does not own its data: parameters, states and activations are in the arena of their lifetime.
 * In a dry run (tape.h) `data` is NULL. */
#ifndef OPS_TENSOR_H
#define OPS_TENSOR_H

#include "base/arena.h"
#include "ops/types.h"

#define TENSOR_MAX_DIMS 4

typedef struct Tensor {
  TensorType type;
  int dims;
  int64_t shape[TENSOR_MAX_DIMS];
  void *data;
  float *grad;        /* same shape, f32; except for parameters, NULL until backward first adds to it */
  bool wants_grad;    /* a parameter being trained, or computed from one */
  bool parameter;     /* its gradient outlives the step */
  bool forgotten;     /* its gradient is stale, of an earlier step: the first addition overwrites it */
  struct Node *maker; /* of a rematerialized output (tape.h): the node that recomputes it; else NULL */
} Tensor;

int64_t tensor_count(const Tensor *); /* elements; 1 for a scalar (0 dims) */
size_t tensor_bytes(const Tensor *);
/* The last dimension, and the product of the others: most operators see a matrix [rows, columns]. */
int64_t tensor_columns(const Tensor *);
int64_t tensor_rows(const Tensor *);
bool tensor_same_shape(const Tensor *, const Tensor *);
/* Operators read inputs as floats or ids; only products and embeddings read weights of any type
 * (ops/packed.h, type_widen). */
static inline float *tensor_f32(const Tensor *t) {
  CHECK(t->type == TENSOR_F32);
  return (float *)t->data;
}
static inline int32_t *tensor_i32(const Tensor *t) {
  return (int32_t *)t->data;
}

#endif
