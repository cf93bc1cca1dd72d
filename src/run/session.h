/* session.h - a model being run token by token: state, positions, the arena of each step. */
#ifndef RUN_SESSION_H
#define RUN_SESSION_H

#include "models/model.h"

typedef struct Session Session;
/* For `sequences` texts of up to `room` positions, side by side. */
Session *session_new(const Model *, int64_t sequences, int64_t room);
/* With sources to write from; see StateSize. */
Session *session_new_sized(const Model *, StateSize);
void session_free(Session *);
/* Weights are packed once, into a set that sessions of the same weights may share and that outlives them: it
 * pays for many sequences, and takes the memory of the weights a second time. */
void session_pack_weights(Session *, PackedSet *);

/* Reads tokens [sequences, time], `sequences` at most those of session_new, and gives the logits after the
 * last of each: [sequences, vocabulary], valid until the next call. Long inputs are read in pieces. */
const float *session_feed(Session *, const int32_t *tokens, int64_t sequences, int64_t time);
/* Values that are no finite numbers (weights that diverged or are damaged) come as zeros, so that whoever
 * draws or searches may go on until it asks: false then, and from then on. */
bool session_ok(const Session *, Error *);
/* What is said wherever a network computes such values. */
bool fail_not_finite(Error *);
bool are_finite(const float *, int64_t count);
/* The same for sequences first, first+1, ..., each going on from its own position: prompts of several lengths
 * are read one by one into one session, then written on from together. */
const float *session_feed_at(Session *, int64_t first, const int32_t *tokens, int64_t sequences,
                             int64_t time);
/* For networks with an encoder: what the sequences of the next feed, and of that one only, are written from:
 * [sequences, time], padded behind. They take the places of sources that no sequence before `first` is
 * written from. */
void session_read_sources(Session *, const int32_t *sources, const int32_t *lengths, int64_t time);
/* Sequence i becomes a copy of what was sequence from[i], i < count; those behind are not in use. */
void session_reorder(Session *, const int32_t *from, int64_t count);
/* Every sequence becomes a copy of the first: one prompt read once for many texts. */
void session_spread(Session *);
/* Sequences first, first+1, ... begin anew. The others below are in use, those above are not. */
void session_begin(Session *, int64_t first, int64_t count);
void session_rewind(Session *);            /* forgets all text */
int64_t session_position(const Session *); /* tokens read by the first sequence */
int64_t session_room(const Session *);

#endif
