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

/* Keys of config.json that all but GPT-2 call so, with the class's defaults. */
// clang-format off
#define DECODER_SIZES(vocabulary_, layers_, width_, heads_, ffn_, context_)               \
  {"vocab_size", CONFIG_INT, offsetof(Config, vocabulary), vocabulary_, NAN, NULL},       \
  {"num_hidden_layers", CONFIG_INT, offsetof(Config, layers), layers_, NAN, NULL},        \
  {"hidden_size", CONFIG_INT, offsetof(Config, width), width_, NAN, NULL},                \
  {"num_attention_heads", CONFIG_INT, offsetof(Config, heads), heads_, NAN, NULL},        \
  {"intermediate_size", CONFIG_INT, offsetof(Config, ffn), ffn_, NAN, NULL},              \
  {"max_position_embeddings", CONFIG_INT, offsetof(Config, context), context_, NAN, NULL}
#define DECODER_TOKENS(bos_, eos_, pad_)                                                  \
  {"bos_token_id", CONFIG_TOKEN, offsetof(Config, bos), bos_, -1, NULL},                  \
  {"eos_token_id", CONFIG_TOKENS, offsetof(Config, ends), eos_, -1, NULL},                \
  {"pad_token_id", CONFIG_TOKEN, offsetof(Config, pad), pad_, -1, NULL},                  \
  {NULL, 0, 0, 0, 0, NULL}
#define DECODER_KEY(kind, key, member, otherwise, null) \
  {key, CONFIG_##kind, offsetof(Config, member), otherwise, null, NULL}
/* The members of Arch that they have alike. */
#define DECODER_ARCH                                                                      \
  .presets = decoder_presets, .keys = keys, .facts = facts, .forward = forward,           \
  .write_rest = write_rest
/* Facts that change nothing, or are read by decoder_read_rope. */
#define DECODER_FACTS                                                                     \
  {"is_encoder_decoder", "false"}, {"attention_dropout", "*"},                            \
  {"original_max_position_embeddings", "*"}, {"rope_scaling", "*"}, {"rope_parameters", "*"}
// clang-format on

typedef struct DecoderSpec {
  DecoderNames names;
  NormKind norm;
  Activation activation;
  enum {
    NORM_ALL_HEADS,
    NORM_EACH_HEAD,
    NORM_EACH_HEAD_OWN
  } head_norm; /* q_norm and k_norm: of all heads
together; of each for itself, with the same weights; or with weights of its own */
  bool qkv_bias, out_bias, mlp_bias, head_bias;
  bool transposed;  /* matrices are stored [in, out] */
  bool qkv_by_head; /* the rows of a fused matrix: for each key/value head its queries, key and value; else
                       all queries, all keys, all values */
  bool parallel;    /* x + attention(norm(x)) + mlp(norm(x)); without ffn_norm both read the same */
  bool interleaved; /* neighbours are rotated as a pair */
  int64_t unused_positions;                           /* rows of the table of positions before the first */
  float embedding_scale, residual_scale, logit_scale; /* factors; 0: none */
  float score_scale;                                  /* 0: 1/sqrt(head size) */
} DecoderSpec;

Output decoder_forward(Net *, const Config *, const Batch *, DecoderSpec);

extern const Preset decoder_presets[PRESETS];
extern const Naming decoder_namings[]; /* of families that take their names from Llama */
/* Grouped heads of a width of their own, rotated; a gated middle. */
bool decoder_complete(Config *, Error *);
/* Rotary positions: "rope_parameters", or "rope_scaling", which wins; a type that is not known is refused,
 * and so is a share of the head where no key of the architecture has read one. */
bool decoder_read_rope(Config *, const json_t *config, const char *where, Error *);
/* What one such object says, and where it goes; share NULL: all of a head. */
typedef struct RopeFields {
  double *theta, *share;
  RopeScaling *scaling;
} RopeFields;
bool decoder_read_rope_of(RopeFields, const json_t *rope, const char *where, Error *);
json_t *decoder_rope_json(const RopeScaling *); /* its type and what that needs */
void decoder_write_rope(const Config *, json_t *config);
/* Inverse frequencies of `count` pairs, rounded as transformers does. */
int64_t decoder_rotated(const Config *); /* values of a head */
void decoder_frequencies(float *each, int64_t count, double theta, const RopeScaling *);
/* "layer_types": which layers have a window. Absent: those of `otherwise`. */
bool decoder_read_layers(Config *, const json_t *config, const LayerSet *otherwise, const char *where,
                         Error *);
void decoder_write_layers(const Config *, json_t *config);
/* All layers have a window, if there is one, and rotary positions. */
bool decoder_read_windows(Config *, const json_t *config, const char *where, Error *);
void decoder_write_windows(const Config *, json_t *config);
/* All layers but every `step`-th. */
LayerSet decoder_all_but_every(int64_t step, int64_t layers);
/* Qwen's rule: all from "max_window_layers" on, if "use_sliding_window" asks for it; and rotary positions. */
bool decoder_read_last_layers(Config *, const json_t *config, const char *where, Error *);
void decoder_write_last_layers(const Config *, json_t *config);

#endif
