/* Any bytes as a GGUF file: refused with a sentence, or tensors that are all inside of the file, a
 * configuration and, perhaps, a tokenizer that is read. */
#include <string.h>

#include "fuzz/memory_file.h"
#include "io/gguf_model.h"
#include "io/safetensors.h"
#include "models/model.h"
#include "text/tokenizer.h"

static void read_tensors(const Gguf *g) {
  for (size_t i = 0; i < g->tensors.count; i++) {
    const Tensor *t = &g->tensors.items[i].tensor;
    CHECK(tensors_find(&g->tensors, g->tensors.items[i].name) == &g->tensors.items[i]);
    if (t->type == TENSOR_I32) continue;
    float *values = mem_alloc((size_t)tensor_count(t) * sizeof *values);
    tensor_to_f32(values, t);
    mem_free(values);
  }
}

static void read_model(const Gguf *g) {
  Error err = {0}, other = {0};
  json_t *config = gguf_configuration(g, &err);
  CHECK((config != NULL) == !err.code);
  Config c;
  if (config) config_from_json(&c, config, g->path, NULL);
  json_decref(config);
  StoredTokenizer stored = {0};
  const bool ok = gguf_tokenizer(g, &stored, &other);
  CHECK(ok == !other.code);
  tokenizer_free(ok ? tokenizer_build(&stored, "fuzz.gguf", NULL) : NULL);
  stored_free(&stored);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char path[64];
  Error err = {0};
  Gguf g;
  const bool ok = gguf_open(&g, as_file(data, size, path), &err);
  CHECK(ok == !err.code && ok == !*err.text);
  if (ok) read_tensors(&g);
  if (ok) read_model(&g);
  gguf_close(&g);
  return 0;
}
