/* session.h - runs a model token by token: any number of sequences, each with its state, that are opened,
 * continued, forked and closed independently. */
#ifndef RUN_SESSION_H
#define RUN_SESSION_H

#include "models/model.h"
#include "text/bpe.h"

typedef struct Session Session;
/* `expected`: initial size of the state (may be zero); it grows as needed. */
Session *session_new(const Model *, StateSize expected);
void session_free(Session *);
/* Makes the session use packed weights, from a set that sessions of the same weights may share and that must
 * outlive them. Worthwhile for many sequences; takes the memory of the weights a second time. */
void session_pack_weights(Session *, PackedSet *);

/* Opens an empty sequence and returns its number. `source`: from session_add_source; -1 if the network has no
 * encoder. */
int32_t session_open(Session *, int32_t source);
/* Opens a sequence that has read the first `length` tokens of `of` and shares their keys and values. Networks
 * that keep only the last state (session_shares is false) can fork only after all tokens of `of`. */
int32_t session_fork(Session *, int32_t of, int64_t length);
bool session_shares(const Session *);
/* Whether keys of a prefix also suit longer texts: not if rotary frequencies depend on the length. */
bool session_shares_prefixes(const Session *);
void session_close(Session *, int32_t sequence);
/* The tokens that the sequence has read. */
const Ids *session_tokens(const Session *, int32_t sequence);
/* Adds a source, which the next feed encodes, and returns its number. It is freed with its last sequence; at
 * least one must be opened before that feed. */
int32_t session_add_source(Session *, const int32_t *tokens, int64_t length);

/* The next tokens of a sequence, at least one. */
typedef struct Feed {
  int32_t sequence;
  const int32_t *tokens;
  int64_t count;
  int64_t wanted; /* return the logits after that many of them, the last ones */
  int64_t ahead;  /* tokens known to follow, in later feeds */
} Feed;
/* Reads all feeds in one pass; they may differ in length, and no sequence may occur twice. Returns the wanted
 * logits, in order: [wanted, vocabulary], valid until the next call; NULL if none are wanted. The activations
 * of all the tokens exist at once: read long texts in pieces. */
const float *session_feed(Session *, const Feed *, int64_t count);
/* Reads any number of tokens into one sequence, in pieces; returns the logits after the last. */
const float *session_read(Session *, int32_t sequence, const int32_t *tokens, int64_t count);
/* Tokens read at once: enough for matrix products at full speed, few enough to keep activations small. */
enum { SESSION_PIECE = 256 };

/* False once any logits were not finite (diverged or damaged weights). Such logits are returned as zeros, so
 * that callers may finish a step before they check. */
bool session_ok(const Session *, Error *);
/* Fails with the message for logits that are not finite. */
bool fail_not_finite(Error *);
bool are_finite(const float *, int64_t count);
int64_t session_pages(const Session *);       /* KV cache pages in use, */
int64_t session_cache_bytes(const Session *); /* and their memory */

#endif
