/* Any bytes as a SentencePiece model or as tiktoken's ranks: refused with a sentence, or a tokenizer.json
 * that its reader accepts or refuses. The first byte says which. */
#include "io/tokenizer_files.h"
#include "text/tokenizer.h"

extern const TokenizerFormat tokenizer_sentencepiece, tokenizer_tiktoken;

static void use(const Buffer *json) {
  static const char text[] = "ab \xe6\x9c\x88 \xff'll 12";
  Error err = {0};
  Ids ids = {0};
  Buffer out = {0};
  Tokenizer *t = tokenizer_parse(json->data, json->length, "fuzz.json", &err);
  CHECK(!t == (err.code != 0));
  if (t && tokenizer_encode(t, text, sizeof text, true, &ids, &err))
    CHECK(tokenizer_decode(t, ids.data, ids.count, false, &out, &err));
  tokenizer_free(t);
  vec_free(&ids);
  buffer_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (!size) return 0;
  const bool ranks = *data == 'r';
  Error err = {0};
  Buffer json = {0};
  json_t *config = json_object();
  TokenizerFiles f = {.path = "r50k_base.tiktoken", .config = config, .err = &err};
  const FileView file = {.data = (const char *)data + 1, .size = size - 1, .borrowed = true};
  const bool ok = (ranks ? &tokenizer_tiktoken : &tokenizer_sentencepiece)->read(&f, file, &json);
  CHECK(ok == !err.code);
  if (ok) use(&json);
  buffer_free(&json);
  json_decref(config);
  return 0;
}
