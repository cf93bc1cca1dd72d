/* Any bytes as an index of weights and two files that it may list: refused with a sentence, or tensors that
 * all lie inside of the files, each once. */
#include "fuzz/pieces.h"
#include "io/shards.h"

static const char *const names[] = {WEIGHTS_INDEX, "a.safetensors", "b.safetensors"};
enum { PIECES = sizeof names / sizeof *names };

static bool lies_in(const Shards *s, const Tensor *t) {
  const char *bytes = t->data;
  for (size_t i = 0; i < s->count; i++) {
    const FileView *f = &s->files[i].file;
    if (bytes >= f->data && tensor_bytes(t) <= (size_t)(f->data + f->size - bytes)) return true;
  }
  return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static char paths[PIECES][PATH_CAPACITY];
  const char *pieces[PIECES];
  Error err = {0};
  Shards s;
  if (!*scratch) open_pieces();
  for (int i = 0; i < PIECES; i++) {
    pieces[i] = path_join(paths[i], scratch, names[i]);
    remove(paths[i]);
  }
  write_pieces(data, size, pieces, PIECES);
  const bool ok = shards_open(&s, scratch, &err);
  CHECK(ok == !err.code && ok == !*err.text);
  for (size_t i = 0; ok && i < s.tensors.count; i++) {
    CHECK(lies_in(&s, &s.tensors.items[i].tensor));
    CHECK(tensors_find(&s.tensors, s.tensors.items[i].name) == &s.tensors.items[i]);
  }
  if (ok) shards_close(&s);
  return 0;
}
