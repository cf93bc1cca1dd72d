/* watch.h - lets a caller observe a forward pass: attention weights, and the hidden states between layers.
 * Only without a state; sequences may share one source. */
#ifndef NN_WATCH_H
#define NN_WATCH_H

#include "nn/net.h"

/* The attention of one query by one head. */
typedef struct WatchedRow {
  int64_t layer, head, heads; /* heads: of the layer */
  int64_t sequences, sequence;
  int64_t rows, row;    /* the query, and their number in each sequence */
  int64_t keys, seen;   /* keys of the sequence; weights of those from `seen` on are 0 */
  const float *weights; /* [seen], which sum to 1; valid during the call */
} WatchedRow;

typedef struct Watch {
  bool source;                                       /* attention to the source; else self-attention */
  void (*attention)(void *user, const WatchedRow *); /* NULL: not wanted */
  void *user;
  /* For networks of one stack of layers: nn_layers returns the values between all layers as further
   * sequences,
   * [(layers+1) B, T, D], those that enter the first layer first. What follows the last layer, final norm and
   * output matrix, works on each row independently, and so gives the prediction of every layer (the "logit
   * lens": nostalgebraist 2020). */
  bool depths;
} Watch;

/* Observes softmax(q k^T) of q [B,T,H d], k [B or 1,S,H' d] if this kind of attention is wanted. */
void watch_attention(Net *, bool source, const Tensor *q, const Tensor *k, AttentionShape);
/* As above, for additive attention with scores weight . tanh(q[t] + k[s]). */
void watch_additive_attention(Net *, const Tensor *q, const Tensor *k, const Tensor *weight);

/* For nn_layers: memory for the values of all depths, of the shape of x; NULL if they are not wanted. */
Tensor *watch_depths(Net *, int64_t layers, const Tensor *x);
/* Copies x there; does nothing for NULL. */
void watch_depth(Tensor *depths, int64_t depth, const Tensor *x);

#endif
