#include "run/forms.h"

#include <string.h>

#include "io/tensors.h"

TensorType form_type(TensorForm form, TensorType type) {
  const bool kept =
      form == FORM_SAME || form == FORM_PAIRS || (form == FORM_TRANSPOSED && type_info(type)->block == 1);
  return kept ? type : TENSOR_F32;
}

Tensor form_shape(TensorForm form, Tensor t) {
  const int64_t rows = t.shape[0];
  if (form != FORM_TRANSPOSED || t.dims != 2) return t;
  t.shape[0] = t.shape[1];
  t.shape[1] = rows;
  return t;
}

/* Rows r and r + half of each head are rows 2 r and 2 r + 1 as stored. Rows are whole blocks of any type. */
static void change_pairs(bool undo, const Tensor *from, int64_t head_size, char *out) {
  const int64_t rows = from->shape[0], half = head_size / 2;
  const size_t bytes = tensor_bytes(from) / (size_t)rows;
  const char *in = from->data;
  for (int64_t r = 0; r < rows; r++) {
    const int64_t at = r % head_size, stored = r - at + at % half * 2 + at / half;
    memcpy(out + (size_t)(undo ? r : stored) * bytes, in + (size_t)(undo ? stored : r) * bytes, bytes);
  }
}

static void transpose(const Tensor *from, char *out) {
  const size_t bytes = type_info(from->type)->bytes;
  const int64_t rows = from->shape[0], columns = from->shape[1];
  const char *in = from->data;
  for (int64_t r = 0; r < rows; r++)
    for (int64_t c = 0; c < columns; c++, in += bytes)
      memcpy(out + (size_t)(c * rows + r) * bytes, in, bytes);
}

void form_change(TensorForm form, bool undo, const Tensor *from, int64_t head_size, Tensor *out) {
  if (form == FORM_PAIRS) {
    change_pairs(undo, from, head_size, out->data);
    return;
  }
  Tensor wide = *from;
  wide.type = out->type;
  if (from->type != out->type || form == FORM_PLUS_ONE) {
    wide.data = form == FORM_PLUS_ONE ? out->data : mem_alloc(tensor_bytes(&wide));
    tensor_to_f32(wide.data, from);
  }
  if (form == FORM_TRANSPOSED) transpose(&wide, out->data);
  float *x = out->data;
  for (int64_t i = 0; form == FORM_PLUS_ONE && i < tensor_count(out); i++) x[i] += undo ? -1 : 1;
  if (wide.data != from->data && wide.data != out->data) mem_free(wide.data);
}
