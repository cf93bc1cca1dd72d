/* net.h - the context of a forward pass: tape, parameters, state, scope.
 *
 * A model is a function of a Net. It never knows whether it is being declared (dry tape), trained
 * (recording tape, no state) or generating (state). Names of parameters and states are the scopes joined
 * by dots. */
#ifndef NN_NET_H
#define NN_NET_H

#include "nn/params.h"
#include "nn/state.h"
#include "ops/ops.h"

typedef struct Net {
  Tape *tape;
  Params *params;     /* all parameters, or the frozen ones; */
  Params *learned;    /* the others; NULL: there is one set */
  const char *freeze; /* with two sets: patterns of the names of the frozen ones (base/patterns.h) */
  const struct Adapter *adapter; /* that the learned set belongs to; NULL: none. See adapter.h */
  int64_t batch, time;           /* of this call's tokens [batch, time] */
  int64_t layer;                 /* index of the current layer of nn_layers */
  Tensor *begins;                /* i32 [batch, time]: see batch.h; NULL: all 0 */
  Tensor *start;                 /* i32 [batch]: position of each sequence's first token; NULL: all 0 */
  const int32_t *lengths;   /* [batch]: tokens that each row's text is known to have; NULL: start + time */
  Tensor *source_lengths;   /* i32 [sources]: lengths without padding */
  Tensor *source_of;        /* i32 [batch]: the source of each sequence; NULL: its own */
  State *state;             /* NULL while training. With it: */
  const int32_t *sequences; /* [batch]: the state's sequences; NULL for networks without state rows */
  const KeyPages *pages; /* for attention, with single tokens; keys and values are filled in per layer. NULL
                            for networks without caches */
  const int32_t *places; /* [sources of the batch]: their places in the state */
  float dropout, adapter_dropout; /* probabilities, the latter of what adapters read; 0 unless training */
  struct Watch *watch;            /* NULL: the pass is not observed; see watch.h */
  char scope[512];
} Net;

void net_enter(Net *, const char *format, ...) PRINTF(2, 3); /* "layers.%d" */
void net_leave(Net *, const char *format, ...) PRINTF(2, 3); /* the same arguments: checked */

/* The parameter "<scope>.<name>". */
Tensor *net_param(Net *, const char *name, int dims, const int64_t *shape, Init, ParamRole);
/* Reads and writes the state rows "<scope>.<name>" of this call's sequences, [batch, width], initially
 * zero; NULL without a state (training). */
Tensor *net_state(Net *, const char *name, int64_t width);
void net_set_state(Net *, const char *name, const Tensor *);
/* The pages of the state's cache of that name; NULL without a state. */
void *const *net_cache(Net *, const char *name, int64_t width);
/* The encoder's output for the sources, x [sources, source_time, D]. Without a state (training) returns x.
 * With a state, stores x at net->places; x NULL: uses what was stored. Returns [all sources, source
 * tokens, D]. */
Tensor *net_remember(Net *, const char *name, Tensor *x);

#endif
