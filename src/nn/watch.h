/* watch.h - records attention, summed over layers and heads, for display. Only without a state; sequences
 * may share one source. */
#ifndef NN_WATCH_H
#define NN_WATCH_H

#include "nn/net.h"

typedef struct Watch {
  bool source;        /* attention to the source; else self-attention */
  int64_t rows, keys; /* of `sum`, set by the first call */
  int64_t looks;      /* number of heads summed */
  float *sum;         /* [sequences, rows, keys]; free with mem_free */
} Watch;

/* Adds softmax(q k^T) of q [B,T,H d], k [B or 1,S,H' d] if this kind of attention is recorded. */
void watch_attention(Net *, bool source, const Tensor *q, const Tensor *k, AttentionShape);

/* As above, for additive attention with scores weight . tanh(q[t] + k[s]). */
void watch_additive_attention(Net *, const Tensor *q, const Tensor *k, const Tensor *weight);

#endif
