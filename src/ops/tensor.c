#include "ops/tensor.h"

int64_t tensor_count(const Tensor *t) {
  int64_t count = 1;
  for (int i = 0; i < t->dims; i++) count *= t->shape[i];
  return count;
}

size_t tensor_bytes(const Tensor *t) {
  return type_bytes(t->type, tensor_count(t));
}

int64_t tensor_columns(const Tensor *t) {
  return t->dims ? t->shape[t->dims - 1] : 1;
}

int64_t tensor_rows(const Tensor *t) {
  int64_t rows = 1;
  for (int i = 0; i < t->dims - 1; i++) rows *= t->shape[i];
  return rows;
}

bool tensor_same_shape(const Tensor *a, const Tensor *b) {
  if (a->dims != b->dims) return false;
  for (int i = 0; i < a->dims; i++)
    if (a->shape[i] != b->shape[i]) return false;
  return true;
}
