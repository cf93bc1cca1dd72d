/* source_gguf.c - one GGUF file, or the first of several: weights, configuration, vocabulary and chat
 * template of a model. Tensors are used where the file is mapped. */
#include <string.h>

#include "io/gguf_model.h"
#include "io/source.h"

static bool open_file(ModelSource *s, Error *err) {
  Gguf *g = mem_alloc_zeroed(1, sizeof *g);
  s->own = g;
  snprintf(s->configuration_at, PATH_CAPACITY, "%.*s: metadata, by transformers' names", PATH_CAPACITY / 2,
           s->path);
  return gguf_open(g, s->path, err) && (s->configuration = gguf_configuration(g, err)) &&
         (s->card = json_object());
}

static bool open_tensors(ModelSource *s, Error *err) {
  (void)err;
  s->tensors = ((const Gguf *)s->own)->tensors;
  return true;
}

static void close_file(ModelSource *s) {
  if (s->own) gguf_close(s->own);
  mem_free(s->own);
}

static bool find_tokenizer(const ModelSource *s, SourceTokenizer *t, Error *err) {
  Buffer text = {0};
  snprintf(t->path, sizeof t->path, "%s", s->path);
  if (!gguf_tokenizer(s->own, &text, err)) {
    buffer_free(&text);
    return false;
  }
  t->length = text.length;
  t->text = buffer_take(&text);
  return true;
}

static bool read_template(const ModelSource *s, json_t **out, Error *err) {
  const char *text = NULL;
  if (!gguf_get_text(s->own, "tokenizer.chat_template", &text, err)) return false;
  if (text) *out = json_string(text);
  return true;
}

const SourceFormat source_gguf = {.name = "gguf",
                                  .claims = gguf_claims,
                                  .open = open_file,
                                  .open_tensors = open_tensors,
                                  .close = close_file,
                                  .find_tokenizer = find_tokenizer,
                                  .read_template = read_template};
