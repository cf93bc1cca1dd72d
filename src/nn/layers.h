/* layers.h - layers: each takes its parameters from the scope it is called in, named as Hugging Face does. */
#ifndef NN_LAYERS_H
#define NN_LAYERS_H

#include "nn/net.h"

/* <name>.weight [out,in] and, with bias, <name>.bias [out]. stddev: of the initial weights. */
typedef struct LinearOptions {
  bool bias;
  bool transposed; /* weight stored [in,out]: GPT-2's Conv1D */
  float stddev;
} LinearOptions;
Tensor *nn_linear(Net *, const char *name, Tensor *x, int64_t out, LinearOptions);

typedef enum NormKind {
  NORM_RMS,
  NORM_RMS_ADD_ONE,  /* times 1 + weight (Gemma) */
  NORM_LAYER,        /* <name>.bias, too */
  NORM_LAYER_WEIGHT, /* LayerNorm without a bias */
  NORM_LAYER_PLAIN   /* nor a weight */
} NormKind;
/* <name>.weight [D]: x [..., D]. */
Tensor *nn_norm(Net *, const char *name, NormKind, Tensor *x, float epsilon);
/* Of each head for itself: x [B,T,heads*d]. The weight [d] is that of all of them or, own, <name>.weight
 * [heads,d] of NORM_LAYER_WEIGHT has one for each. */
Tensor *nn_head_norm(Net *, const char *name, NormKind, Tensor *x, int64_t heads, bool own, float epsilon);
/* <name>.weight [vocabulary, width]; the table itself, for tied outputs. */
Tensor *nn_embedding_table(Net *, const char *name, int64_t vocabulary, int64_t width, float stddev);
Tensor *nn_dropout(Net *, Tensor *x);
Tensor *nn_residual(Net *, Tensor *x, Tensor *change); /* as op_residual */

/* x through `count` layers with scopes "<name>.0", ...; each is a part of the tape (ops/tape.h), which says
 * what it may read, and finds its number in net->layer; context: an activation that they read, too, NULL for
 * none. */
typedef Tensor *NetLayer(Net *, const void *arg, Tensor *x);
Tensor *nn_layers(Net *, const char *name, int64_t count, NetLayer *, const void *arg, Tensor *x,
                  Tensor *context);

/* Causal self-attention over q, k, v already projected: with a state, k and v go to this scope's caches
 * and what is there is read. */
Tensor *nn_self_attention(Net *, Tensor *q, Tensor *k, Tensor *v, AttentionShape);
/* Attention of what is written to what an encoder read: k, v [sources, source_time, ...], or NULL where the
 * state remembers those of a call before. */
Tensor *nn_cross_attention(Net *, Tensor *q, Tensor *k, Tensor *v, AttentionShape);

#endif
