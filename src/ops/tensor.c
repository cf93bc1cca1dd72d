#include "ops/tensor.h"

#include "kernels/kernels.h"

size_t tensor_type_size(TensorType type) {
  switch (type) {
    case TENSOR_F32:
    case TENSOR_I32:
      return 4;
    case TENSOR_BF16:
    case TENSOR_F16:
      return 2;
  }
  check_failed(__FILE__, __LINE__, "a tensor type");
}

const char *tensor_type_name(TensorType type) {
  switch (type) {
    case TENSOR_F32:
      return "f32";
    case TENSOR_BF16:
      return "bf16";
    case TENSOR_F16:
      return "f16";
    case TENSOR_I32:
      return "i32";
  }
  check_failed(__FILE__, __LINE__, "a tensor type");
}

int64_t tensor_count(const Tensor *t) {
  int64_t count = 1;
  for (int i = 0; i < t->dims; i++) count *= t->shape[i];
  return count;
}

size_t tensor_bytes(const Tensor *t) {
  return (size_t)tensor_count(t) * tensor_type_size(t->type);
}

bool tensor_is_halves(const Tensor *t) {
  return t->type == TENSOR_BF16 || t->type == TENSOR_F16;
}

void halves_widen(TensorType type, float *y, const void *x, int64_t n) {
  (type == TENSOR_BF16 ? kernels->widen_bf16 : kernels->widen_f16)(y, x, n);
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
