/* Any bytes as a safetensors file: refused with a sentence, or tensors that all lie inside of the file. */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "io/safetensors.h"

/* The fuzzer's bytes as a file in memory. */
static const char *as_file(const uint8_t *data, size_t size, char path[64]) {
  static int descriptor = -1;
  if (descriptor < 0) descriptor = memfd_create("fuzz", 0);
  CHECK(ftruncate(descriptor, 0) == 0);
  CHECK(pwrite(descriptor, data, size, 0) == (ssize_t)size);
  snprintf(path, 64, "/proc/self/fd/%d", descriptor);
  return path;
}

static void read_all(const Safetensors *s) {
  for (size_t i = 0; i < s->count; i++) {
    const Tensor *t = &s->items[i].tensor;
    const char *bytes = t->data;
    CHECK(bytes >= s->file.data && tensor_bytes(t) <= (size_t)(s->file.data + s->file.size - bytes));
    CHECK(safetensors_find(s, s->items[i].name) == &s->items[i]);
    if (t->type == TENSOR_I32) continue;
    float *values = mem_alloc((size_t)tensor_count(t) * sizeof *values);
    tensor_to_f32(values, t);
    mem_free(values);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char path[64];
  Error err = {0};
  Safetensors s;
  const bool ok = safetensors_open(&s, as_file(data, size, path), &err);
  CHECK(ok == !err.code && ok == !*err.text);
  if (ok) read_all(&s);
  if (ok) safetensors_close(&s);
  return 0;
}
