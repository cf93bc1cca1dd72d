/* api.c - the public interface to tokenizers. */
#include <string.h>

#include "base/arena.h"
#include "base/file.h"
#include "text/handle.h"

void ink_tokenizer_close(ink_tokenizer *t) {
  if (!t) return;
  tokenizer_free(t->tokenizer);
  mem_free(t);
}

int64_t ink_tokenizer_size(const ink_tokenizer *t) {
  return tokenizer_size(t->tokenizer);
}

const char *ink_tokenizer_remark(const ink_tokenizer *t) {
  return tokenizer_remark(t->tokenizer);
}

bool ink_tokenizer_encode(ink_tokenizer *t, const char *text, size_t length, bool special_tokens,
                          int32_t **ids, size_t *count, ink_error *err) {
  MEM_GUARD(err, return false);
  Ids found = {0};
  const bool ok = tokenizer_encode(t->tokenizer, text, length, special_tokens, &found, err);
  vec_reserve(&found, 1); /* not NULL, even if empty */
  *ids = found.data;
  *count = found.count;
  MEM_GUARD_END();
  return ok;
}

bool ink_tokenizer_decode(ink_tokenizer *t, const int32_t *ids, size_t count, bool special_tokens,
                          char **text, size_t *length, ink_error *err) {
  MEM_GUARD(err, return false);
  Buffer out = {0};
  const bool ok = tokenizer_decode(t->tokenizer, ids, count, special_tokens, &out, err);
  *length = out.length;
  *text = buffer_take(&out);
  MEM_GUARD_END();
  return ok;
}
