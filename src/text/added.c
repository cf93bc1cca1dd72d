/* added.c - tokens spelled out in a text, such as <|endoftext|>. */
#include <string.h>

#include "text/tokenizer_impl.h"

void added_put(AddedTokens *a, AddedToken token) {
  vec_push(&a->list, token);
  size_t i = a->list.count - 1;
  for (; i && a->list.data[i - 1].length < token.length; i--) a->list.data[i] = a->list.data[i - 1];
  a->list.data[i] = token;
  a->starts[(unsigned char)token.content[0]] = true;
}

static const AddedToken *starting(const AddedTokens *a, const char *text, size_t length) {
  for (size_t i = 0; i < a->list.count; i++) {
    const AddedToken *t = &a->list.data[i];
    if (t->length <= length && !memcmp(t->content, text, t->length)) return t;
  }
  return NULL;
}

const AddedToken *added_find(const AddedTokens *a, const char *text, size_t length, size_t *at) {
  const AddedToken *found = NULL;
  if (!a->list.count) *at = length;
  for (; *at < length; ++*at)
    if (a->starts[(unsigned char)text[*at]] && (found = starting(a, text + *at, length - *at))) break;
  return found;
}

void added_free(AddedTokens *a) {
  vec_free(&a->list);
}
