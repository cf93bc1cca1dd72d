/* texts.h - what completions and chat have in common: texts that are written by the queue of a model, and
 * sent while they are or once they have ended. */
#ifndef SERVE_TEXTS_H
#define SERVE_TEXTS_H

#include "serve/scheduler.h"

typedef struct Texts Texts;

/* How an endpoint's responses look. */
typedef struct TextForm {
  const char *prefix, *object, *chunk; /* of ids; names of the response and of a piece of it */
  /* A choice without index and finish_reason. `piece`: of a stream; `tokens`: NULL or entries of
   * `token`, taken over; `first`: the first piece. */
  json_t *(*choice)(const char *text, size_t length, json_t *tokens, bool piece, bool first);
  /* Entry of "tokens" for a token. */
  json_t *(*token)(ink_tokenizer *, const ink_token *);
} TextForm;

/* Submits the index-th input. */
typedef int64_t TextSubmit(Texts *, int index, const ink_settings *, ink_token_listener *, ink_end_listener *,
                           void *user, Error *);

/* Answers the job with `inputs` times the parameter "n" texts. `tokens`: with log-probabilities. */
void texts_answer(Job *, const TextForm *, int inputs, bool tokens, TextSubmit *);
const Job *texts_job(const Texts *);
ink_queue *texts_queue(const Texts *);

/* A token's text by itself, and its bytes. The caller frees with mem_free. */
char *texts_spelling(ink_tokenizer *, int32_t id, size_t *length);

#endif
