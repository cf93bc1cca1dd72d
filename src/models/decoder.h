/* decoder.h - decoder-only Transformers. A family is a description: which norms where, what is rotated, what
 * is biased, fused, scaled or capped, and what the parameters are called; decoder_forward builds the network
 * from it. What a model's config.json chooses (sizes, thetas, windows) is in Config. */
#ifndef MODELS_DECODER_H
#define MODELS_DECODER_H

#include <math.h>

#include "models/model.h"

/* What the layers are called, as the family's files have it. NULL: there is no such layer. */
typedef struct DecoderNames {
  const char *body, *embedding, *embedding_norm, *layers, *last_norm;
  const char *positions; /* a learned table; without it, positions are rotary */
  const char *head;      /* of a model that is not tied; outside of the body */
  const char *attention, *q, *k, *v, *out, *q_norm, *k_norm;
  const char *qkv; /* instead of q, k and v: one matrix */
  const char *mlp, *up, *down;
  const char *gate;    /* activation(gate) * up instead of activation(up) */
  const char *gate_up; /* instead of gate and up: one matrix, gates first */
  /* before the branches; and behind them, before they are added */
  const char *attention_norm, *ffn_norm, *attention_norm_behind, *ffn_norm_behind;
} DecoderNames;

/* What most families take from Llama. */
#define DECODER_LLAMA_NAMES                                                                                  \
  .body = "model", .embedding = "embed_tokens", .layers = "layers", .attention = "self_attn", .q = "q_proj", \
  .k = "k_proj", .v = "v_proj", .out = "o_proj", .mlp = "mlp", .gate = "gate_proj", .up = "up_proj",         \
  .down = "down_proj", .last_norm = "norm", .head = "lm_head"

typedef struct DecoderSpec {
  const DecoderNames *names;
  NormKind norm;
  Activation activation;
  bool norm_heads; /* q_norm and k_norm: of each head for itself; else of all together */
  bool qkv_bias, out_bias, mlp_bias, head_bias;
  bool transposed;  /* matrices are stored [in, out] */
  bool qkv_by_head; /* the rows of a fused matrix: for each key/value head its queries, key and value; else
                       all queries, all keys, all values */
  bool parallel;    /* x + attention(norm(x)) + mlp(norm(x)); without ffn_norm both read the same */
  bool interleaved; /* neighbours are rotated as a pair */
  int64_t unused_positions;                           /* rows of the table of positions before the first */
  float embedding_scale, residual_scale, logit_scale; /* factors; 0: none */
} DecoderSpec;

Output decoder_forward(Net *, const Config *, const Batch *, DecoderSpec);

extern const Preset decoder_presets[PRESETS];
extern const Naming decoder_namings[]; /* of families that take their names from Llama */
/* Grouped heads of a width of their own, rotated; a gated middle. */
bool decoder_complete(Config *, Error *);
/* Rotary positions: "rope_parameters", or "rope_scaling", which wins; a type that is not known is refused. */
bool decoder_read_rope(Config *, const json_t *config, const char *where, Error *);
bool decoder_read_rope_of(double *theta, RopeScaling *, const json_t *rope, const char *where, Error *);
void decoder_write_rope(const Config *, json_t *config);
/* Inverse frequencies of `count` pairs, rounded as transformers does. */
void decoder_frequencies(float *each, int64_t count, double theta, const RopeScaling *);
/* "layer_types": which layers have a window. Absent: those of `otherwise`. */
bool decoder_read_layers(Config *, const json_t *config, const LayerSet *otherwise, const char *where,
                         Error *);
void decoder_write_layers(const Config *, json_t *config);

#endif
