/* model.h - what a network architecture is to the rest of the program.
 *
 * To add one: a file in src/models/ that defines `const Arch arch_<name>` and a line in models.def. Nothing
 * in train/ or run/ names an architecture. */
#ifndef MODELS_MODEL_H
#define MODELS_MODEL_H

#include "base/json.h"
#include "base/settings.h"
#include "base/token_set.h"
#include "models/naming.h"
#include "nn/layers.h"
#include "ops/batch.h"

#include "models/settings.def" /* ModelSettings, model_settings_table */

/* The middle of a feed-forward block, where an architecture leaves it open. */
typedef enum FeedForward { FFN_RELU, FFN_GELU, FFN_GELU_TANH, FFN_SILU, FFN_SWIGLU } FeedForward;

/* Where an architecture leaves open its recurrence, and how its attention scores. */
typedef enum Cell { CELL_GRU, CELL_LSTM } Cell;
typedef enum AttentionScore { ATTENTION_ADDITIVE, ATTENTION_MULTIPLICATIVE } AttentionScore;

/* Some of a model's layers. */
enum { MOST_LAYERS = 1000 };
typedef struct LayerSet {
  uint64_t bits[MOST_LAYERS / 64 + 1];
} LayerSet;
static inline bool layer_set_has(const LayerSet *s, int64_t layer) {
  return s->bits[layer / 64] >> layer % 64 & 1;
}
static inline void layer_set_add(LayerSet *s, int64_t layer) {
  s->bits[layer / 64] |= UINT64_C(1) << layer % 64;
}

/* How the frequencies of rotary positions are changed for texts longer than those of the first training. */
typedef enum RopeType { ROPE_DEFAULT, ROPE_LINEAR, ROPE_LLAMA3 } RopeType;
typedef struct RopeScaling {
  RopeType type;
  double factor;                /* of wavelengths */
  double low, high, first_size; /* llama3: waves longer than first_size / low tokens are scaled, those shorter
                                   than first_size / high are not */
} RopeScaling;

/* A model's shape, complete: what config.json says. */
typedef struct Config {
  const struct Arch *arch;
  int64_t vocabulary;        /* what is written, and read where there is no other */
  int64_t source_vocabulary; /* of sources with an embedding of their own; 0: they share that of targets */
  int64_t layers, width, heads, kv_heads, head_size, ffn, context;
  int64_t encoder_layers, encoder_heads, encoder_ffn; /* 0 without an encoder */
  double dropout, rope_theta, norm_epsilon;
  RopeScaling rope_scaling, window_rope_scaling;
  int64_t window;               /* tokens that layers `windowed` look back at, itself included */
  LayerSet windowed, unrotated; /* unrotated: no rotary positions */
  double window_rope_theta;     /* of windowed layers; 0: as of the others */
  double rotary_share;          /* of a head's values; 0: all */
  double embedding_scale, score_scale, residual_scale, logit_scale; /* as the architecture means them */
  bool parallel, query_norm, query_bias;                            /* where a file may choose */
  int64_t query_scalar;        /* scores are divided by its root; 0: the head size */
  double score_cap, logit_cap; /* 0: none */
  bool tied, attention_bias, mlp_bias, scale_embedding;
  FeedForward feed_forward;
  Cell cell;
  AttentionScore attention;
  int64_t bos, pad;      /* token ids; -1: none */
  TokenSet ends;         /* each of these ends a text */
  int64_t decoder_start; /* what a target starts with, where there is an encoder */
} Config;

/* logits = hidden weight^T + bias, left to the caller: the loss never makes them all, generation makes the
 * last position's only. hidden [sequences, time, width]. */
typedef struct Output {
  Tensor *hidden, *weight, *bias;
  float cap; /* logits x become cap tanh(x/cap); 0: they stay */
} Output;

/* What --size means for an architecture; heads and ffn 0 where it has none. */
typedef struct Preset {
  const char *name;
  int64_t layers, width, heads, ffn, context;
} Preset;
enum { PRESETS = 5 };

/* One member of config.json and where it lives in Config: read, checked and written from the same line. The
 * last two are words. */
typedef enum ConfigKind {
  CONFIG_INT,
  CONFIG_REAL,
  CONFIG_BOOL,
  CONFIG_TOKEN,  /* an id, or a list of which the first is taken; -1: none */
  CONFIG_TOKENS, /* an id, or a list of them; -1: none */
  CONFIG_CELL,
  CONFIG_ATTENTION
} ConfigKind;
typedef struct ConfigKey {
  const char *key;
  ConfigKind kind;
  size_t offset;
  double otherwise;  /* where the file does not say, as transformers' class; NAN: it must */
  double null;       /* what null means; NAN: it may not be null */
  const char *alias; /* another name for it, which wins (transformers' attribute_map); NULL: none */
} ConfigKey;

/* A key of config.json that is not read: the values that change nothing here, as JSON, between bars ("false",
 * "1|1.0"); "*": any. Absent or null is fine. What is no key and no fact is refused by name. */
typedef struct ConfigFact {
  const char *key, *values;
} ConfigFact;
bool config_fact_holds(const char *values, const json_t *value);

typedef struct Arch {
  const char *name;        /* --arch */
  const char *model_type;  /* config.json */
  const char *hf_class;    /* "LlamaForCausalLM"; our own name where transformers has none */
  bool unlimited_context;  /* recurrent: a state instead of a window */
  bool encodes;            /* has an encoder: its batches bring a source */
  bool separable;          /* whose embedding may be another than that of targets */
  const Preset *presets;   /* PRESETS of them, from small to large */
  const ConfigKey *keys;   /* ended by a NULL key */
  const ConfigFact *facts; /* of this architecture, beside config_facts.def; ended by a NULL key */
  const Naming *namings;   /* what stored models call its tensors, ended by a NULL format; NULL: as here */
  Output (*forward)(Net *, const Config *, const Batch *);
  /* What a new model has beyond presets and settings; NULL: nothing. A file says it itself. */
  void (*begin)(Config *);
  /* Fills in what presets and settings leave at 0 and refuses what contradicts. */
  bool (*complete)(Config *, Error *);
  /* What config.json says beside the keys: read refuses what forward does not do, write adds what
   * transformers needs. */
  bool (*read_rest)(Config *, const json_t *config, const char *where, Error *);
  void (*write_rest)(const Config *, json_t *config);
} Arch;
extern const Arch *const arch_table[];
extern const int arch_count;

/* The shape that settings describe, for that vocabulary. Refuses contradictions (width not divisible by
 * heads). */
const Arch *arch_find(const char *name);                     /* NULL if unknown */
const Naming *arch_naming(const Arch *, const char *format); /* NULL: by the parameters' own names */
bool config_from_settings(Config *, const ModelSettings *, int64_t vocabulary, Error *);
/* From the object of a config.json; `where` names it in errors. */
bool config_from_json(Config *, const json_t *, const char *where, Error *);
/* For tests: from a file. */
bool config_read(Config *, const char *path, Error *);
/* Member `key` of a file of a model: an id, a list of them, or null. */
bool config_read_tokens(const json_t *, const char *key, TokenSet *, const char *where, Error *);
json_t *config_tokens_json(const TokenSet *);
json_t *config_json(const Config *);
/* For tests: to a file. */
bool config_write(const Config *, const char *path, Error *);

/* A network with its parameters. */
typedef struct Model {
  Config config;
  Params *params;
  PackedSet *packed; /* weights, once they are known to stay as they are; else NULL */
} Model;
/* Declares the parameters by a dry run; allocates them (values undefined). */
Model *model_new(const Config *, bool gradients);
/* Likewise without memory: each is given its place by who reads them (params_close). */
Model *model_outline(const Config *);
/* The same network over the same values, which live with `of`, but with gradients of its own. */
Model *model_twin(const Model *of);
/* From now on the weights stay as they are and are packed: those whose values 16 bits hold as such, others as
 * floats when they are met again. The same results. */
void model_freeze(Model *);
void model_free(Model *);

Output model_forward(const Model *, Net *, const Batch *);
/* Mean loss over scored targets of the batch, a scalar; divisor as in op_cross_entropy. */
Tensor *model_loss(const Model *, Net *, const Batch *, float smoothing, double divisor);
/* Logits of some rows of the output's hidden values: [..., width] -> [..., vocabulary]. */
Tensor *output_logits(Net *, const Output *, Tensor *rows);
/* Logits after some of the tokens, token t of sequence b being row b time + t: [count, vocabulary]; NULL
 * where count is 0: only the state then changes. */
Tensor *model_logits(const Model *, Net *, const Batch *, const int32_t *rows, int64_t count);

/* By dry runs: parameters of a shape; and bytes of activations and floating-point operations of one training
 * step (forward and backward) over [sequences, time] tokens and, where there is an encoder, sources
 * [sequences, source_time]. */
typedef struct Cost {
  int64_t parameters, activation_bytes, recompute_bytes; /* anew: with --checkpoint-activations */
  double flops;
} Cost;
Cost model_cost(const Config *, int64_t sequences, int64_t time, int64_t source_time);

#endif
