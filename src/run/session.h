/* session.h - a model being run token by token: any number of sequences, each with what it has read, which
 * begin, go on, branch off and end one by one. */
#ifndef RUN_SESSION_H
#define RUN_SESSION_H

#include "models/model.h"
#include "text/bpe.h"

typedef struct Session Session;
/* It grows as sequences do; `expected` (may be zero) is what it begins with. */
Session *session_new(const Model *, StateSize expected);
void session_free(Session *);
/* Weights are packed once, into a set that sessions of the same weights may share and that outlives them: it
 * pays for many sequences, and takes the memory of the weights a second time. */
void session_pack_weights(Session *, PackedSet *);

/* A sequence that has read nothing, and its number. `source`: what it is written from, by session_add_source;
 * -1 where the network has no encoder. */
int32_t session_open(Session *, int32_t source);
/* Another that has read the first `length` tokens of `of`, and shares their keys and values. Networks that
 * only keep the last state (session_shares is false) can only do so behind all of them. */
int32_t session_fork(Session *, int32_t of, int64_t length);
bool session_shares(const Session *);
void session_close(Session *, int32_t sequence);
/* The tokens it has read. */
const Ids *session_tokens(const Session *, int32_t sequence);
/* A source, encoded with the next feed and forgotten with the last sequence that is written from it; there
 * must be one before that feed. */
int32_t session_add_source(Session *, const int32_t *tokens, int64_t length);

/* What a sequence reads next: at least one token. */
typedef struct Feed {
  int32_t sequence;
  const int32_t *tokens;
  int64_t count;
  bool wanted; /* the logits after the last of them */
} Feed;
/* Reads them all in one pass, whatever their lengths; no sequence twice. Gives the logits of those wanted, in
 * order: [wanted, vocabulary], valid until the next call; NULL where none is. The activations of all the
 * tokens exist at once: long texts are better read in pieces. */
const float *session_feed(Session *, const Feed *, int64_t count);
/* One sequence and any number of tokens, in pieces: the logits after the last. */
const float *session_read(Session *, int32_t sequence, const int32_t *tokens, int64_t count);
/* Tokens read at once: enough for full-speed products, little enough for short-lived activations. */
enum { SESSION_PIECE = 256 };

/* Values that are no finite numbers (weights that diverged or were damaged) come as zeros, so that whoever
 * draws or searches may go on until it asks: false then, and from then on. */
bool session_ok(const Session *, Error *);
/* What is said wherever a network computes such values. */
bool fail_not_finite(Error *);
bool are_finite(const float *, int64_t count);
int64_t session_pages(const Session *); /* of keys and values, in use */

#endif
