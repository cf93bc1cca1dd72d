/* Any bytes as a model file of llama2.c and its tokenizer: refused with a sentence, or arrays that all lie
 * inside of the file, each at its own place, and a tokenizer that is made or refused. The
 * first two bytes are the length of the tokenizer; the model follows it. */
#include "fuzz/pieces.h"
#include "io/source.h"
#include "text/tokenizer.h"

static char model[PATH_CAPACITY], tokenizer[PATH_CAPACITY];

static void write_file(const char *path, const uint8_t *data, size_t size) {
  FILE *f = fopen(path, "wb");
  CHECK(f && fwrite(data, 1, size, f) == size);
  CHECK(fclose(f) == 0);
}

static void write_files(const uint8_t *data, size_t size) {
  size_t length = size > 2 ? data[0] + 256u * data[1] : 0;
  if (size > 2) data += 2, size -= 2;
  if (length > size) length = size;
  write_file(tokenizer, data, length);
  write_file(model, data + length, size - length);
}

static void expect(bool ok, const Error *err) {
  CHECK(ok == !err->code && ok == !*err->text);
}

/* Also under the sanitizer of addresses: what lies outside of the mapped file is not readable. */
static void read_tensors(ModelSource *s) {
  Error err = {0};
  float sum = 0;
  const bool ok = source_open_tensors(s, &err);
  expect(ok, &err);
  for (size_t i = 0; ok && i < s->tensors.count; i++) {
    const Tensor *t = &s->tensors.items[i].tensor;
    CHECK(tensors_find(&s->tensors, s->tensors.items[i].name) == &s->tensors.items[i]);
    for (int64_t k = 0; k < tensor_count(t); k++) {
      float value;
      memcpy(&value, (const char *)t->data + (size_t)k * sizeof value, sizeof value);
      sum += value;
    }
  }
  static volatile float sink;
  sink = sum;
}

static void read_tokenizer(const ModelSource *s) {
  SourceTokenizer found;
  Error err = {0}, unread = {0};
  const bool ok = source_find_tokenizer(s, &found, &err);
  expect(ok, &err);
  Tokenizer *t = ok ? tokenizer_build(&found.stored, found.path, &unread) : NULL;
  expect(t || !ok, &unread);
  tokenizer_free(t);
  stored_free(&found.stored);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  ModelSource s;
  Error err = {0};
  if (!*scratch) {
    open_pieces();
    path_join(model, scratch, "model.bin");
    path_join(tokenizer, scratch, "tokenizer.bin");
  }
  write_files(data, size);
  const bool ok = source_open(&s, model, &err);
  expect(ok, &err);
  if (ok) read_tensors(&s);
  if (ok) read_tokenizer(&s);
  source_close(&s);
  return 0;
}
