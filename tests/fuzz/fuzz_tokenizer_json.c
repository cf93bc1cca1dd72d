/* Any bytes as a tokenizer.json: refused with a sentence, or a tokenizer whose ids are all in its vocabulary.
 */
#include "text/tokenizer_impl.h"

/* Bytes that a vocabulary lacks become the unknown token, so only byte-level ones must give the text back. */
static void use(const Tokenizer *t) {
  static const char text[] = "ab ab\n <s>\xe6\x9c\x88\xe2\x96\x81 \xff'll 12<|endoftext|>\0a\xcc\x81";
  Ids ids = {0};
  Buffer out = {0};
  Error err = {0};
  if (tokenizer_encode(t, text, sizeof text, true, &ids, &err)) {
    CHECK(tokenizer_decode(t, ids.data, ids.count, false, &out, &err));
    for (size_t i = 0; i < ids.count; i++) CHECK(ids.data[i] >= 0 && ids.data[i] < tokenizer_size(t));
  }
  tokenizer_fingerprint(t);
  vec_free(&ids);
  buffer_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  Error err = {0};
  Tokenizer *t = tokenizer_parse((const char *)data, size, "fuzz.json", &err);
  CHECK(!t == (err.code != 0) && !err.code == !*err.text);
  if (t) {
    json_t *json = json_parse((const char *)data, size, "fuzz.json", NULL);
    CHECK(json); /* most of it was not read by jansson */
    json_decref(json);
    use(t);
  }
  tokenizer_free(t);
  return 0;
}
