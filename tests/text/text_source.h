/* text_source.h - texts in memory as a source, and a tokenizer learnt from them. What the source gives is
 * gone at the next call, as its contract says. */
#ifndef TESTS_TEXT_SOURCE_H
#define TESTS_TEXT_SOURCE_H

#include <string.h>

#include "base/arena.h"
#include "text/tokenizer_impl.h"

typedef struct Texts {
  const char *const *texts; /* NULL at the end */
  size_t length;            /* of each; 0: as strlen says */
  size_t next;
  char *given; /* what next gave last */
} Texts;

static void texts_take_back(Texts *t, size_t length) {
  if (t->given) memset(t->given, '?', length);
  mem_free(t->given);
  t->given = NULL;
}

static void texts_rewind(void *self) {
  Texts *t = self;
  texts_take_back(t, 0);
  t->next = 0;
}

static bool texts_next(void *self, const char **text, size_t *length, Error *err) {
  Texts *t = self;
  if (t->next) texts_take_back(t, t->length ? t->length : strlen(t->texts[t->next - 1]));
  if (!t->texts[t->next]) return false;
  *length = t->length ? t->length : strlen(t->texts[t->next]);
  *text = t->given = memcpy(mem_alloc(*length + 1), t->texts[t->next], *length);
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
