/* session.h - a model being run token by token: state, positions, the arena of each step. */
#ifndef RUN_SESSION_H
#define RUN_SESSION_H

#include "models/model.h"

typedef struct Session Session;
/* For `sequences` texts of up to `room` positions, side by side. */
Session *session_new(const Model *, int64_t sequences, int64_t room);
void session_free(Session *);

/* Reads tokens [sequences, time], `sequences` at most those of session_new, and gives the logits after the
 * last of each: [sequences, vocabulary], valid until the next call. Long inputs are read in pieces. */
const float *session_feed(Session *, const int32_t *tokens, int64_t sequences, int64_t time);
/* Every sequence becomes a copy of the first: one prompt read once for many texts. */
void session_spread(Session *);
void session_rewind(Session *);            /* forgets all text */
int64_t session_position(const Session *); /* tokens read, the same for every sequence */
int64_t session_room(const Session *);

#endif
