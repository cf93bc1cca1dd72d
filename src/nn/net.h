/* net.h - what a forward pass needs besides its input: tape, parameters, state, scope.
 *
 * A model is a function of a Net. It never knows whether it is being declared (dry tape), trained (recording
 * tape, no state) or generating (state). Names of parameters and states are the scopes joined by dots. */
#ifndef NN_NET_H
#define NN_NET_H

#include "nn/params.h"
#include "ops/ops.h"

/* What generation remembers between calls: KV cache, h and c, what an encoder made of the sources. Lives with
 * the session. */
typedef struct State State;
/* Up to `sequences` sequences of up to `room` positions (room matters to KV caches only), written from up to
 * `sources` sources of up to `source_room` tokens. */
typedef struct StateSize {
  int64_t sequences, room, sources, source_room;
} StateSize;
State *state_new(StateSize);
int64_t state_room(const State *);
/* Makes room for more positions; what is there stays. */
void state_grow(State *, int64_t room);
void state_free(State *);
/* Sequences first, first+1, ... begin anew; caches need nothing for that. */
void state_begin(State *, int64_t first, int64_t count);
int64_t state_bytes(const State *);
/* Sequence i, i < count, becomes a copy of what was sequence from[i]: beams, and one prompt for many samples.
 * Of caches only the first `used` positions are copied. Sources stay where they are. */
void state_reorder(State *, const int32_t *from, int64_t count, int64_t used);

typedef struct Net {
  Tape *tape;
  Params *params;
  State *state;           /* NULL while training */
  int64_t first;          /* sequence of the state that is this batch's first */
  int64_t batch, time;    /* of this call's tokens [batch, time] */
  Tensor *start;          /* i32 [batch]: position of each sequence's first token; NULL: all 0 */
  Tensor *source_lengths; /* i32 [sources]: tokens of each that are not padding */
  Tensor *source_of;      /* i32 [batch]: which source each sequence is written from; NULL: its own */
  float dropout;          /* probability; 0 unless training */
  struct Watch *watch;    /* NULL: nobody looks on; see watch.h */
  char scope[512];
} Net;

void net_enter(Net *, const char *format, ...) PRINTF(2, 3); /* "layers.%d" */
void net_leave(Net *, const char *format, ...) PRINTF(2, 3); /* the same words: checked */

/* The parameter "<scope>.<name>". */
Tensor *net_param(Net *, const char *name, int dims, const int64_t *shape, Init, ParamRole);
/* The state "<scope>.<name>", zero at first; NULL where there is no state (training). shape[0] is the batch:
 * sequences net->first and following of those the state was made for. */
Tensor *net_state(Net *, const char *name, int dims, const int64_t *shape);
/* The same with a place for each position, of which those behind the text read so far mean nothing:
 * [batch, state_room, width]. */
Tensor *net_cache(Net *, const char *name, int64_t width);
/* What an encoder made of the sources, x [sources, source_time, D]: x itself while training. With a state, x
 * is kept from the call that brings the sources, at the places that net->source_of says, and found again with
 * x NULL: [all sources, source_room, D]. */
Tensor *net_remember(Net *, const char *name, Tensor *x);

#endif
