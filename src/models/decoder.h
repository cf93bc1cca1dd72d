/* decoder.h - decoder-only Transformers. A DecoderSpec describes a family: norms, rotary positions, biases,
 * fused matrices, scales, caps and parameter names. decoder_forward builds the network from it. What a
 * model's config.json chooses (sizes, thetas, windows) is in Config. */
#ifndef MODELS_DECODER_H
#define MODELS_DECODER_H

#include <math.h>

#include "models/model.h"

/* Parameter names in the family's files. NULL: the family has no such layer. */
typedef struct DecoderNames {
  const char *body, *embedding, *embedding_norm, *layers, *last_norm;
  const char *positions;                /* learned table; NULL: rotary positions, or ALiBi */
  const char *project_in, *project_out; /* between the embedding's width and that of layers, if they differ */
  const char *head;                     /* output matrix of a model that is not tied; not within the body */
  const char *attention, *q, *k, *v, *out, *q_norm, *k_norm;
  const char *qkv;             /* one matrix instead of q, k and v */
  const char *mlp, *up, *down; /* mlp NULL: without a scope of their own */
  const char *gate;            /* activation(gate) * up instead of activation(up) */
  const char *gate_up;         /* one matrix instead of gate and up, gates first */
  /* A mixture of experts instead of one gate, up and down: the router, and what precedes an expert's number.
   */
  const char *router, *experts;
  /* before a branch; after it (_behind), before it is added */
  const char *attention_norm, *ffn_norm, *attention_norm_behind, *ffn_norm_behind;
} DecoderNames;

/* Names that most families share with Llama. */
#define DECODER_LLAMA_NAMES DECODER_LLAMA_ATTENTION, .gate = "gate_proj", .up = "up_proj", .down = "down_proj"
/* The same without feed-forward blocks. */
#define DECODER_LLAMA_ATTENTION                                                                              \
  .body = "model", .embedding = "embed_tokens", .layers = "layers", .attention = "self_attn", .q = "q_proj", \
  .k = "k_proj", .v = "v_proj", .out = "o_proj", .mlp = "mlp", .last_norm = "norm", .head = "lm_head"

/* Keys of config.json that all but GPT-2 share, with the class's defaults. */
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
/* Common members of Arch. */
#define DECODER_ARCH                                                                      \
  .presets = decoder_presets, .keys = keys, .facts = facts, .forward = forward,           \
  .write_rest = write_rest
/* Keys that change nothing or are read by decoder_read_rope. */
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
  } head_norm; /* over all heads; over each, with shared weights or weights per head */
  bool qkv_bias, out_bias, mlp_bias, head_bias;
  bool transposed;  /* weights are stored as [in, out] */
  bool qkv_by_head; /* rows of the fused matrix: queries, key and value of each key/value head; else all
                       queries, all keys, all values */
  bool norm_after;  /* norm(x + branch(x)) */
  enum {
    ALIBI_NONE,
    ALIBI,
    ALIBI_ROUNDED
  } alibi; /* scores fall with the distance (Press et al. 2022); rounded: to bf16 and scaled, as Falcon's */
  bool parallel;    /* x + attention(norm(x)) + mlp(norm(x)); without ffn_norm, both use the same norm */
  bool interleaved; /* rotary pairs are adjacent values */
  int64_t unused_positions;                           /* unused first rows of the position table */
  float embedding_scale, residual_scale, logit_scale; /* factors; 0: none */
  float score_scale;                                  /* 0: 1/sqrt(head size) */
} DecoderSpec;

Output decoder_forward(Net *, const Config *, const Batch *, DecoderSpec);

extern const Preset decoder_presets[PRESETS];
extern const Naming decoder_namings[]; /* of families with Llama's names */
/* The same of families whose GGUF files store queries and keys in pairs, have norms only after branches, or
 * norm weights plus one. */
extern const Naming decoder_namings_pairs[], decoder_namings_behind[], decoder_namings_plus_one[];
/* For grouped heads with rotary positions and gated feed-forward blocks. */
bool decoder_complete(Config *, const char *where, Error *);
/* For learned positions or ALiBi: no grouped heads, four times the width between. */
bool decoder_complete_plain(Config *, const char *where, Error *);
bool decoder_read_nothing(Config *, const json_t *config, const char *where, Error *);
/* As above, with experts. */
bool decoder_complete_experts(Config *, const char *where, Error *);
/* For new models: as many weights as with one feed-forward block, half of which a token uses. */
void decoder_begin_experts(Config *);
/* Reads rotary positions from "rope_scaling", else "rope_parameters". Fails for an unknown type, and for a
 * partial rotation if the architecture has no key for one. */
bool decoder_read_rope(Config *, const json_t *config, const char *where, Error *);
/* "rope_parameters" of layers with and without a window; "rope_scaling" is of those without. The older form
 * is written if layers with a window have theta `usual` and no scaling. */
bool decoder_read_rope_by_layers(Config *, const json_t *config, const char *where, Error *);
void decoder_write_rope_by_layers(const Config *, double usual, json_t *config);
void decoder_write_rope(const Config *, json_t *config);
int64_t decoder_rotated(const Config *); /* rotated values per head */
/* Whether lists of factors have one for each pair. */
bool decoder_check_rope(const Config *, const char *where, Error *);
/* Inverse frequencies of `count` pairs in a text of `length` tokens, rounded as transformers does. */
void decoder_frequencies(float *each, int64_t count, double theta, const RopeScaling *, int64_t length);
/* Reads from "layer_types" which layers have a window; if absent, those of `otherwise`. */
bool decoder_read_layers(Config *, const json_t *config, const LayerSet *otherwise, const char *where,
                         Error *);
void decoder_write_layers(const Config *, json_t *config);
/* For families in which all layers have the window, if any; reads rotary positions, too. */
bool decoder_read_windows(Config *, const json_t *config, const char *where, Error *);
void decoder_write_windows(const Config *, json_t *config);
/* All layers except every `step`-th. */
LayerSet decoder_all_but_every(int64_t step, int64_t layers);
/* The same for a file: as "sliding_window_pattern" says if there are no "layer_types". */
bool decoder_read_pattern(const Config *, const json_t *config, int64_t full_every, LayerSet *windowed,
                          const char *where, Error *);
/* For new models: a window of a quarter of the context, in all layers but every `full_every`-th or the last.
 */
void decoder_begin_windows(Config *, int64_t full_every);
/* Only layers with a window have rotary positions. */
void decoder_rotate_windowed(Config *);
/* Qwen's rule: the layers from "max_window_layers" on have a window if "use_sliding_window" is true; reads
 * rotary positions, too. */
bool decoder_read_last_layers(Config *, const json_t *config, const char *where, Error *);
void decoder_write_last_layers(const Config *, json_t *config);

#endif
