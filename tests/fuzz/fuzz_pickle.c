/* Any bytes as PyTorch weights: refused with a sentence, or tensors that all lie inside of the file. */
#include "fuzz/memory_file.h"
#include "io/pickle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char path[64];
  Error err = {0};
  Safetensors s;
  const bool ok = pickle_open(&s, as_file(data, size, path), &err);
  CHECK(ok == !err.code && ok == !*err.text);
  for (size_t i = 0; ok && i < s.tensors.count; i++) {
    const Tensor *t = &s.tensors.items[i].tensor;
    const char *bytes = t->data;
    CHECK(bytes >= s.file.data && tensor_bytes(t) <= (size_t)(s.file.data + s.file.size - bytes));
    CHECK(tensors_find(&s.tensors, s.tensors.items[i].name) == &s.tensors.items[i]);
    if (t->type == TENSOR_I32) continue;
    float *values = mem_alloc((size_t)tensor_count(t) * sizeof *values);
    tensor_to_f32(values, t);
    mem_free(values);
  }
  if (ok) safetensors_close(&s);
  return 0;
}
