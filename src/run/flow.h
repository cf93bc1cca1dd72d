/* flow.h - many inputs through a model, token by token: those that are done make room for those that wait, so
 * that products stay large (Yu et al. 2022, "Orca", call it iteration-level scheduling).
 *
 * What is done at each step is up to who uses it: search.c looks for the likeliest texts, draw.c draws some.
 */
#ifndef RUN_FLOW_H
#define RUN_FLOW_H

#include "run/inputs.h"
#include "run/rules.h"

/* An input being continued; the first member of what a user keeps about one. */
typedef struct FlowLine {
  const Input *input;
  int64_t index;   /* of the input */
  int64_t room;    /* tokens there is room for */
  int64_t written; /* tokens so far, of each of its rows */
  int64_t row;     /* its rows in the session: the first, */
  int64_t alive;   /* and how many; 1 when it begins */
  int32_t *from;   /* [each]: the row, of its own, that each of its next rows goes on from; */
  int32_t *tokens; /* [each]: and what is written there */
} FlowLine;

/* The first member of its user. */
typedef struct Flow {
  const Model *model;
  int64_t each;       /* rows of an input, at most */
  int64_t most;       /* tokens written, at most */
  const Rules *rules; /* which may allow fewer; may be NULL */
  /* Makes what is kept about a line, with room for all that `advance` may need; its FlowLine is filled in
   * afterwards, and freed before `close`. */
  FlowLine *(*open)(struct Flow *, int64_t index, int64_t room);
  /* One token more. logits [alive, vocabulary] -> how many rows go on, from and tokens filled in; 0: done.
   * Runs on all threads and must not allocate. */
  int64_t (*advance)(const struct Flow *, FlowLine *, const float *logits);
  /* Done, or out of room (then `alive` rows had more to say), or interrupted. Frees the rest. */
  void (*close)(struct Flow *, FlowLine *);
} Flow;

/* Each input from open to close; neighbours should be of like length. False where the network's values are no
 * numbers: what was written then means nothing. */
bool flow_run(Flow *, const Input *, int64_t count);

#endif
