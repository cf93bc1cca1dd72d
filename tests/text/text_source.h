/* text_source.h - texts in memory as a source, and a tokenizer learnt from them. */
#ifndef TESTS_TEXT_SOURCE_H
#define TESTS_TEXT_SOURCE_H

#include <string.h>

#include "base/arena.h"
#include "text/tokenizer_impl.h"

typedef struct Texts {
  const char *const *texts; /* NULL at the end */
  size_t length;            /* of each; 0: as strlen says */
  size_t next;
} Texts;

static void texts_rewind(void *self) {
  ((Texts *)self)->next = 0;
}

static bool texts_next(void *self, const char **text, size_t *length, Error *err) {
  Texts *t = self;
  *text = t->texts[t->next];
  if (!*text) return false;
  *length = t->length ? t->length : strlen(*text);
  t->next++;
  return true;
}

static Tokenizer *learn(const char *kind, int64_t vocabulary, const char *const *texts, size_t length,
                        const News *news, Error *err) {
  Texts t = {.texts = texts, .length = length};
  TextSource source = {&t, texts_rewind, texts_next, 0};
  const TokenizerSettings s = {
      .tokenizer = (char *)(uintptr_t)kind, .vocab = vocabulary, .memory = 1000000000};
  return tokenizer_train(&source, &s, NULL, news, err);
}

#endif
