/* Any bytes through tokenizers learnt from their own first half: the same bytes come back, whole or in parts.
 */
#include <string.h>

#include "text/tokenizer_impl.h"

typedef struct Half {
  const char *text;
  size_t length;
  bool given;
} Half;

static void rewind_half(void *self) {
  ((Half *)self)->given = false;
}

static bool next_half(void *self, const char **text, size_t *length, Error *err) {
  Half *h = self;
  if (h->given) return false;
  *text = h->text;
  *length = h->length;
  return h->given = true;
}

static void round_trip(const Tokenizer *t, const char *text, size_t length) {
  Ids ids = {0};
  Buffer out = {0};
  Error err = {0};
  CHECK(tokenizer_encode(t, text, length, false, &ids, &err));
  CHECK(tokenizer_decode(t, ids.data, ids.count, false, &out, &err));
  CHECK(out.length == length && (!length || !memcmp(out.data, text, length)));
  vec_free(&ids);
  buffer_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static char *const kinds[] = {"byte", "char", "bpe"};
  Half half = {(const char *)data, size / 2, false};
  TextSource source = {&half, rewind_half, next_half, (int64_t)half.length};
  const TokenizerSettings settings = {.tokenizer = kinds[size % 3], .vocab = 300, .memory = 1000000};
  Error err = {0};
  Tokenizer *t = tokenizer_train(&source, &settings, NULL, NULL, &err);
  CHECK(t);
  round_trip(t, (const char *)data, size);
  tokenizer_free(t);
  return 0;
}
