/* writer.h - continues a prompt: the loop of feed, draw, emit that every way of writing shares. */
#ifndef RUN_WRITER_H
#define RUN_WRITER_H

#include "run/bundle.h"
#include "run/generator.h"
#include "run/sampler.h"

/* Ends: the model's end token, a stop text, max_tokens, the listener's word, or interrupted(). When the
 * context is full, its later half is read anew and writing goes on (counted in `shifts`). */
typedef struct WriteRequest {
  const Model *model;
  const Tokenizer *tokenizer;
  const SamplingSettings *sampling;
  int64_t seed;
  int32_t begin; /* token put before the prompt; -1: none */
  ink_token_listener *listener;
  void *user;
  const Rules *rules; /* may be NULL */
} WriteRequest;
bool writer_run(const WriteRequest *, const char *prompt, size_t length, ink_written *, Error *);

/* The same beside others, in a generator that the caller steps. What the request points to, `written` and the
 * writer stay until `ended` was called, once and last, in generator_step, generator_cancel or generator_free;
 * NULL: nobody is told. NULL on failure. */
typedef struct Writer Writer;
typedef void WriterEnd(void *user, GenerationEnd);
Writer *writer_submit(Generator *, const WriteRequest *, const char *prompt, size_t length, ink_written *,
                      WriterEnd *ended, void *user, Error *);
void writer_close(Writer *);
int64_t writer_number(const Writer *); /* for generator_cancel */

/* Collects the text of sample 0 into a Buffer: a ready-made listener. */
bool writer_collect(void *buffer, const ink_token *token);

#endif
