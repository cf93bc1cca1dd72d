/* watch.h - where a network looks while it writes: attention added up over layers and heads, to be shown to a
 * person. Only without a state; sequences may share one source. */
#ifndef NN_WATCH_H
#define NN_WATCH_H

#include "nn/net.h"

typedef struct Watch {
  bool source;        /* what is read of the source; else of the sequence itself */
  int64_t rows, keys; /* of `sum`, known after the first look */
  int64_t looks;      /* heads in it */
  float *sum;         /* [sequences, rows, keys]; free with mem_free */
} Watch;

/* Adds the softmax of q [B,T,H d] k [B or 1,S,H' d] where this kind of attention is watched; nothing where no
 * one watches. */
void watch_attention(Net *, bool source, const Tensor *q, const Tensor *k, AttentionShape);

/* The same of additive attention, whose scores are weight . tanh(q[t] + k[s]). */
void watch_additive_attention(Net *, const Tensor *q, const Tensor *k, const Tensor *weight);

#endif
