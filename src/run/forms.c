#include "run/forms.h"

#include <string.h>

#include "io/tensors.h"

TensorType form_type(TensorForm form, TensorType type) {
  const bool kept = form == FORM_SAME || form == FORM_PAIRS || form == FORM_UNGROUPED || form == FORM_FLAT ||
                    (form == FORM_TRANSPOSED && type_info(type)->block == 1);
  return kept ? type : TENSOR_F32;
}

Tensor form_shape(TensorForm form, Tensor t) {
  const int64_t rows = t.shape[0];
  if (form == FORM_FLAT) t.shape[0] = tensor_count(&t), t.dims = 1;
  if (form != FORM_TRANSPOSED || t.dims != 2) return t;
  t.shape[0] = t.shape[1];
  t.shape[1] = rows;
  return t;
}

bool form_fits(TensorForm form, const Tensor *model, const Tensor *stored) {
  const Tensor as_stored = form_shape(form, *model);
  return tensor_same_shape(&as_stored, stored);
}

/* Rows r and r + half of each head are rows 2 r and 2 r + 1 as stored. */
static int64_t paired_row(const Config *c, int64_t r) {
  const int64_t half = c->head_size / 2, at = r % c->head_size;
  return r - at + at % half * 2 + at / half;
}

/* A group has the rows of its `each` queries, then a key's, then a value's. */
static int64_t ungrouped_row(const Config *c, int64_t r) {
  const int64_t each = c->heads / c->kv_heads, head = r / c->head_size, group = head / (each + 2),
                at = head % (each + 2), queries = group * each + at,
                keys_and_values = c->heads + (at - each) * c->kv_heads + group;
  return (at < each ? queries : keys_and_values) * c->head_size + r % c->head_size;
}

/* Rows are whole blocks of any type. */
static void move_rows(bool undo, const Tensor *from, const Config *c,
                      int64_t (*place)(const Config *, int64_t row), char *out) {
  const int64_t rows = from->shape[0];
  const size_t bytes = tensor_bytes(from) / (size_t)rows;
  const char *in = from->data;
  for (int64_t r = 0; r < rows; r++) {
    const int64_t stored = place(c, r);
    memcpy(out + (size_t)(undo ? r : stored) * bytes, in + (size_t)(undo ? stored : r) * bytes, bytes);
  }
}

/* A vector is one row. */
static void transpose(const Tensor *from, char *out) {
  const size_t bytes = type_info(from->type)->bytes;
  const int64_t columns = from->shape[from->dims - 1], rows = tensor_count(from) / columns;
  const char *in = from->data;
  for (int64_t r = 0; r < rows; r++)
    for (int64_t c = 0; c < columns; c++, in += bytes)
      memcpy(out + (size_t)(c * rows + r) * bytes, in, bytes);
}

void form_change(TensorForm form, bool undo, const Tensor *from, const Config *c, Tensor *out) {
  if (form == FORM_PAIRS || form == FORM_UNGROUPED) {
    move_rows(undo, from, c, form == FORM_PAIRS ? paired_row : ungrouped_row, out->data);
    return;
  }
  if (form == FORM_FLAT) {
    memcpy(out->data, from->data, tensor_bytes(from));
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
