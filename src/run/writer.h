/* writer.h - continues a prompt by sampling, and streams the text to a listener. */
#ifndef RUN_WRITER_H
#define RUN_WRITER_H

#include "run/bundle.h"
#include "run/generator.h"
#include "run/sampler.h"

/* Generation ends at the model's end token, a stop text, max_tokens, if the listener returns false, or if
 * interrupted(). When the context is full, its later half is read again and generation continues (counted in
 * `shifts`); with the setting "overflow" at "end", and of a reply, the text ends. */
typedef struct WriteRequest {
  const Model *model;
  const Tokenizer *tokenizer;
  const SamplingSettings *sampling;
  int64_t seed;
  int32_t begin;   /* token inserted before the prompt; -1: none */
  int32_t opening; /* token in place of an empty prompt; -1: none */
  ink_token_listener *listener;
  void *user;
  const Rules *rules; /* may be NULL */
  int64_t context;    /* tokens of prompt and text; 0: the model's */
  bool reply;         /* the prompt is a conversation */
} WriteRequest;
/* Appends the ids of the prompt. If it is too long for the context, drops its beginning and counts that. */
bool writer_prompt(const WriteRequest *, const char *prompt, size_t length, Ids *, ink_written *, Error *);
bool writer_run(const WriteRequest *, const char *prompt, size_t length, ink_written *, Error *);

/* In a generator that the caller steps and that may run other requests. The data that the request
 * points to, `written` and the writer must stay valid until `ended` (may be NULL) was called, which happens
 * once, in generator_step, generator_cancel or generator_free. NULL on failure. */
typedef struct Writer Writer;
typedef void WriterEnd(void *user, GenerationEnd);
Writer *writer_submit(Generator *, const WriteRequest *, const char *prompt, size_t length, ink_written *,
                      WriterEnd *ended, void *user, Error *);
/* As above, for a prompt of tokens, which are taken over and emptied, and a source; its text is decoded from
 * its own first token. */
Writer *writer_submit_ids(Generator *, const WriteRequest *, Ids *source, Ids *prompt, ink_written *,
                          WriterEnd *ended, void *user, Error *);
void writer_close(Writer *);
int64_t writer_number(const Writer *);   /* for generator_cancel */
bool writer_ok(const Writer *, Error *); /* false: its constraint could not be followed */

/* A listener that appends the text of sample 0 to a Buffer. */
bool writer_collect(void *buffer, const ink_token *token);

#endif
