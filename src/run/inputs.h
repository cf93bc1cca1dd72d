/* inputs.h - what is continued, many at once: prompts, and the sources they are written from. */
#ifndef RUN_INPUTS_H
#define RUN_INPUTS_H

#include "run/session.h"
#include "text/bpe.h"

/* At least one token of a prompt; a source where the network has an encoder. */
typedef struct Input {
  const int32_t *source, *prompt;
  int64_t source_length, length;
} Input;

/* A text that was found: without prompt and end. */
typedef struct Hypothesis {
  Ids ids;
  double logprob, score; /* see search.h */
} Hypothesis;
void hypotheses_free(Hypothesis *, int64_t count);

/* Rows of one session: enough for products at full speed, few enough that their states stay near. */
enum { ROWS_TOGETHER = 80 };

/* A session in which `together` of these inputs at a time can be continued by up to `most` tokens, each in
 * `each` rows; by fewer where the network's context ends. */
Session *inputs_session(const Model *, const Input *, int64_t count, int64_t together, int64_t each,
                        int64_t most);
/* How many tokens can follow these inputs in it, at most `most`. */
int64_t inputs_room(const Session *, const Input *, int64_t count, int64_t most);
/* Forgets what was read and reads these into the first rows. The logits after each prompt, [count,
 * vocabulary]; free with mem_free. */
float *inputs_read(Session *, const Model *, const Input *, int64_t count);

#endif
