/* net.h - what a forward pass needs besides its input: tape, parameters, state, scope.
 *
 * A model is a function of a Net. It never knows whether it is being declared (dry tape), trained (recording
 * tape, no state) or generating (state). Names of parameters and states are the scopes joined by dots. */
#ifndef NN_NET_H
#define NN_NET_H

#include "nn/params.h"
#include "nn/state.h"
#include "ops/ops.h"

typedef struct Net {
  Tape *tape;
  Params *params;
  int64_t batch, time;      /* of this call's tokens [batch, time] */
  int64_t layer;            /* which of nn_layers is being called */
  Tensor *start;            /* i32 [batch]: position of each sequence's first token; NULL: all 0 */
  Tensor *source_lengths;   /* i32 [sources]: tokens of each that are not padding */
  Tensor *source_of;        /* i32 [batch]: which source each sequence is written from; NULL: its own */
  State *state;             /* NULL while training. With it: */
  const int32_t *sequences; /* [batch] of the state, which keep a row each; NULL for networks without rows */
  const KeyPages *pages;    /* for attention, which then takes single tokens: where they lie; keys and values
                             * still to be filled in. NULL for networks without caches */
  const int32_t *places;    /* [sources of the batch]: where the state remembers them */
  float dropout;            /* probability; 0 unless training */
  struct Watch *watch;      /* NULL: nobody looks on; see watch.h */
  char scope[512];
} Net;

void net_enter(Net *, const char *format, ...) PRINTF(2, 3); /* "layers.%d" */
void net_leave(Net *, const char *format, ...) PRINTF(2, 3); /* the same words: checked */

/* The parameter "<scope>.<name>". */
Tensor *net_param(Net *, const char *name, int dims, const int64_t *shape, Init, ParamRole);
/* What the state has in "<scope>.<name>" of this call's sequences, zero at first: [batch, width]; NULL where
 * there is no state (training). And what it becomes. */
Tensor *net_state(Net *, const char *name, int64_t width);
void net_set_state(Net *, const char *name, const Tensor *);
/* The state's cache of that name, in pages as attention reads them; NULL where there is none. */
float *const *net_cache(Net *, const char *name, int64_t width);
/* What an encoder made of the sources, x [sources, source_time, D]: x itself while training. With a state, x
 * is kept from the call that brings the sources, at net->places, and found again with x NULL: [all sources,
 * source tokens, D]. */
Tensor *net_remember(Net *, const char *name, Tensor *x);

#endif
