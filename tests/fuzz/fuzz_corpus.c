/* Any bytes as a text: refused with a sentence, or documents of valid UTF-8 that hold-out splits without
 * loss. The first byte chooses how documents are cut and whether invalid bytes are replaced. */
#include <string.h>

#include "data/corpus.h"
#include "fuzz/memory_file.h"
#include "text/utf8.h"

static int64_t check(const Corpus *c) {
  int64_t bytes = 0;
  CHECK(c->count > 0);
  for (size_t i = 0; i < c->count; i++) {
    const Document *d = &c->documents[i];
    CHECK(d->length > 0 && utf8_valid_prefix(d->text, d->length) == d->length);
    bytes += (int64_t)d->length;
  }
  CHECK(bytes == c->bytes);
  return bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static char *const cuts[] = {"auto", "file", "paragraph", "line"};
  char path[64];
  if (!size) return 0;
  const DocumentSettings settings = {.documents = cuts[data[0] & 3], .separator = data[0] & 4 ? "%" : NULL};
  const TextSettings text = {.invalid = data[0] & 8 ? "replace" : "refuse"};
  const char *file = as_file(data + 1, size - 1, path);
  Error err = {0};
  Corpus *c = corpus_open(&file, 1, &text, &settings, &(News){0}, &err);
  CHECK((c != NULL) == !err.code && (c != NULL) == !*err.text);
  if (c) {
    const int64_t bytes = check(c);
    Corpus *held = corpus_hold_out(c, (double)(data[0] >> 4) / 16, &err);
    CHECK(check(c) + (held ? check(held) : 0) == bytes);
    corpus_free(held);
  }
  corpus_free(c);
  return 0;
}
