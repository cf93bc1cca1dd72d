/* layers.h - layers. Parameters are declared in the current scope, with the names used by Hugging Face. */
#ifndef NN_LAYERS_H
#define NN_LAYERS_H

#include "nn/net.h"

/* <name>.weight [out,in] and, with bias, <name>.bias [out]. stddev: of the initial weights. */
typedef struct LinearOptions {
  bool bias;
  bool transposed; /* weight stored [in,out]: GPT-2's Conv1D */
  float stddev;
  float bias_spread; /* half-width of the initial biases; 0: zeros */
} LinearOptions;
Tensor *nn_linear(Net *, const char *name, Tensor *x, int64_t out, LinearOptions);
/* Up to three that read the same x. */
typedef struct LinearLayer {
  const char *name;
  int64_t out;
} LinearLayer;
void nn_linears(Net *, const LinearLayer *, int count, Tensor *x, LinearOptions, Tensor **y);
/* Returns <name>.weight only. */
Tensor *nn_weight(Net *, const char *name, int64_t in, int64_t out, LinearOptions);

typedef enum NormKind {
  NORM_RMS,
  NORM_RMS_ADD_ONE,  /* RMSNorm with 1 + weight (Gemma) */
  NORM_LAYER,        /* LayerNorm with <name>.bias */
  NORM_LAYER_WEIGHT, /* LayerNorm without a bias */
  NORM_LAYER_PLAIN   /* LayerNorm without weight and bias */
} NormKind;
/* <name>.weight [D]: x [..., D]. */
Tensor *nn_norm(Net *, const char *name, NormKind, Tensor *x, float epsilon);
/* Normalizes each head separately: x [B,T,heads*d]. <name>.weight is [d], shared by all heads, or, with
 * `own`, [heads,d] (NORM_LAYER_WEIGHT only). */
Tensor *nn_head_norm(Net *, const char *name, NormKind, Tensor *x, int64_t heads, bool own, float epsilon);
/* Returns the table <name>.weight [vocabulary, width], also for tied outputs. */
Tensor *nn_embedding_table(Net *, const char *name, int64_t vocabulary, int64_t width, float stddev);
Tensor *nn_dropout(Net *, Tensor *x);
Tensor *nn_residual(Net *, Tensor *x, Tensor *change); /* as op_residual */

/* Passes x through `count` layers in the scopes "<name>.0", ...; net->layer is the index. Each is a part
 * of the tape, which limits what it may read (ops/tape.h); context: a further activation they read, or
 * NULL. Returns the last layer's output, or those of all layers if they are watched (watch.h). */
typedef Tensor *NetLayer(Net *, const void *arg, Tensor *x);
Tensor *nn_layers(Net *, const char *name, int64_t count, NetLayer *, const void *arg, Tensor *x,
                  Tensor *context);

/* Causal self-attention over projected q, k, v. With a state, k and v are appended to this scope's caches,
 * and attention reads the caches. */
Tensor *nn_self_attention(Net *, Tensor *q, Tensor *k, Tensor *v, AttentionShape);
/* Attention to the encoder's output: k, v [sources, source_time, ...], or NULL to use those that the state
 * stored in an earlier call. */
Tensor *nn_cross_attention(Net *, Tensor *q, Tensor *k, Tensor *v, AttentionShape);

#endif
