/* model.h - the interface of network architectures to the rest of the program.
 *
 * To add an architecture: a file in src/models/ that defines `const Arch arch_<name>`, and a line in
 * models.def. train/ and run/ do not depend on the architecture. */
#ifndef MODELS_MODEL_H
#define MODELS_MODEL_H

#include "base/json.h"
#include "base/settings.h"
#include "base/token_set.h"
#include "models/naming.h"
#include "nn/adapter.h"
#include "nn/layers.h"
#include "ops/batch.h"

#include "models/settings.def" /* ModelSettings, model_settings_table */

/* The activation of feed-forward blocks, for architectures with a choice. */
typedef enum FeedForward { FFN_RELU, FFN_GELU, FFN_GELU_TANH, FFN_SILU, FFN_SWIGLU } FeedForward;

/* Recurrent cell and attention score, for architectures with a choice. */
typedef enum Cell { CELL_GRU, CELL_LSTM } Cell;
typedef enum AttentionScore { ATTENTION_ADDITIVE, ATTENTION_MULTIPLICATIVE } AttentionScore;

enum { MOST_EXPERTS = 512, MOST_LABELS = 100000 };

/* A set of layers. */
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

/* Scaling of the frequencies of rotary positions, for contexts longer than in pre-training. */
typedef enum RopeType { ROPE_DEFAULT, ROPE_LINEAR, ROPE_LLAMA3, ROPE_DYNAMIC, ROPE_YARN, ROPE_LONG } RopeType;
enum { MOST_ROPE_FACTORS = 128 };
typedef struct RopeScaling {
  RopeType type;
  double factor;     /* multiplies wavelengths; dynamic: contexts */
  double first_size; /* the context in pre-training */
  double low, high;  /* llama3, yarn: waves that turn less often than `low` times in first_size tokens are
                        scaled,  those that turn more often than `high` times are not */
  double attention;  /* yarn, longrope: factor of cosines and sines */
  bool truncate;     /* yarn: from a whole pair to a whole pair */
  int64_t count;     /* longrope: what each pair's wavelength is multiplied by, in short and in long texts */
  float factors[2][MOST_ROPE_FACTORS];
} RopeScaling;
static inline bool rope_depends_on_length(const RopeScaling *s) {
  return s->type == ROPE_DYNAMIC || s->type == ROPE_LONG;
}

/* A model's complete shape: the content of config.json. */
typedef struct Config {
  const struct Arch *arch;
  int64_t vocabulary;        /* of targets, and of sources unless they have their own */
  int64_t source_vocabulary; /* of a separate source embedding; 0: sources share that of targets */
  int64_t labels; /* a classifier: a text's last token has scores of labels; 0: of the next token */
  int64_t layers, width, heads, kv_heads, head_size, ffn, context;
  int64_t encoder_layers, encoder_heads, encoder_ffn; /* 0 without an encoder */
  double dropout, rope_theta, norm_epsilon;
  RopeScaling rope_scaling, window_rope_scaling;
  int64_t first_context; /* Phi-3: the context in pre-training, whatever rope_scaling says; 0: as that says */
  int64_t window;        /* size of the attention window of layers `windowed`, the token itself included */
  LayerSet windowed, unrotated; /* unrotated: without rotary positions */
  double window_rope_theta;     /* of windowed layers; 0: rope_theta */
  double rotary_share;          /* share of a head's values that is rotated; 0: all */
  int64_t rotary_size;          /* the number of these values; 0: as rotary_share says */
  double embedding_scale, score_scale, residual_scale, logit_scale; /* meaning depends on the architecture */
  bool parallel, query_norm, query_bias;                            /* for architectures with a choice */
  bool norm_before, norm_weights, alibi, multi_query, grouped;      /* the same */
  int64_t parallel_norms;                                           /* the same; 0: as the class chooses */
  int64_t embedding_width;                                          /* 0: width */
  int64_t query_scalar;        /* scores are divided by its square root; 0: the head size */
  double score_cap, logit_cap; /* 0: none */
  bool tied, attention_bias, mlp_bias, scale_embedding;
  int64_t experts, experts_each; /* of a layer, and used by a token; 0 without experts, whose width is ffn */
  bool normalize_experts;        /* their weights are divided by their sum */
  int64_t decay_rank, gate_rank, rate_rank, value_rank; /* RWKV-7: of products of two narrow matrices */
  FeedForward feed_forward;
  bool gated, scale_output; /* T5: activation(gate) * up; the decoder's output / sqrt(width) */
  int64_t buckets,
      farthest; /* T5: of relative positions, and the distance from which on they share the last one */
  Cell cell;
  AttentionScore attention;
  int64_t bos, pad;      /* token ids; -1: none */
  TokenSet ends;         /* end tokens */
  int64_t decoder_start; /* first token of a target, with an encoder */
} Config;

/* logits = hidden weight^T + bias, computed by the caller: the loss never materializes them all, generation
 * computes only the last positions'. hidden [sequences, time, width]. */
typedef struct Output {
  Tensor *hidden, *weight, *bias;
  float cap; /* logits x become cap tanh(x/cap); 0: no cap */
} Output;
/* The output of a classifier, whose weight is CLASSIFIER_HEAD [labels, width] whatever the architecture: as
 * transformers' ...ForSequenceClassification, without scale, cap or bias. It always learns. */
#define CLASSIFIER_HEAD "score.weight"
Output model_label_output(Net *, const Config *, Tensor *hidden);

/* The shape that --size selects; heads and ffn are 0 if the architecture has none. */
typedef struct Preset {
  const char *name;
  int64_t layers, width, heads, ffn, context;
} Preset;
enum { PRESETS = 5 };

/* One member of config.json and its offset in Config: reading, checking and writing use the same line. The
 * last two kinds are words. */
typedef enum ConfigKind {
  CONFIG_INT,
  CONFIG_REAL,
  CONFIG_BOOL,
  CONFIG_TOKEN,  /* an id, or a list whose first element is used; -1: none */
  CONFIG_TOKENS, /* an id, or a list of them; -1: none */
  CONFIG_CELL,
  CONFIG_ATTENTION
} ConfigKind;
typedef struct ConfigKey {
  const char *key;
  ConfigKind kind;
  size_t offset;
  double otherwise;  /* value if the key is absent, as in transformers' class; NAN: the key is required */
  double null;       /* value of null; NAN: null is an error */
  const char *alias; /* another name, which takes precedence (transformers' attribute_map); NULL: none */
} ConfigKey;

/* A key of config.json that is not read: its allowed values, which change nothing, as JSON, separated by "|"
 * ("false", "1|1.0"); "*": any. It may be absent or null. Keys that are neither ConfigKey nor ConfigFact are
 * errors. */
typedef struct ConfigFact {
  const char *key, *values;
} ConfigFact;
bool config_fact_holds(const char *values, const json_t *value);
/* Whether each member of an object within config.json is in `facts`, or of no effect in any model; `what`:
 * the object, for messages. NULL: no object. */
bool config_check_facts(const ConfigFact *facts, const json_t *object, const char *what, const char *where,
                        Error *);

typedef struct Arch {
  const char *name;          /* --arch */
  const char *model_type;    /* config.json */
  const char *hf_class;      /* "LlamaForCausalLM"; Inkstone's own name if transformers has none */
  const char *hf_classifier; /* of labels; NULL: as hf_class, but ...ForSequenceClassification */
  bool unlimited_context;    /* recurrent: a state instead of a context */
  bool encodes;              /* has an encoder: its batches have sources */
  bool separable;            /* sources may have a separate embedding */
  const Preset *presets;     /* [PRESETS], from small to large */
  const ConfigKey *keys;     /* terminated by a NULL key */
  const ConfigFact *facts;   /* in addition to config_facts.def; terminated by a NULL key */
  const Naming *namings;     /* of stored models, terminated by a NULL format; NULL: the parameters' names */
  Output (*forward)(Net *, const Config *, const Batch *);
  /* Optional: sets what presets and settings do not cover, for new models only. */
  void (*begin)(Config *);
  /* Fills in members left at 0 and fails if members contradict each other. `where`: the file they are from;
   * NULL: settings. */
  bool (*complete)(Config *, const char *where, Error *);
  /* Members of config.json other than `keys`: read_rest fails if forward does not support a value, write_rest
   * adds what transformers needs. */
  bool (*read_rest)(Config *, const json_t *config, const char *where, Error *);
  void (*write_rest)(const Config *, json_t *config);
} Arch;
extern const Arch *const arch_table[];
extern const int arch_count;

/* config_from_settings and config_from_json fail if members contradict each other (width not divisible by
 * heads). */
const Arch *arch_find(const char *name); /* NULL if unknown */
/* Of new models that read pairs: the first of models.def with an encoder. */
const Arch *arch_of_pairs(void);
/* Whether several texts may follow each other in a sequence (batch.h). */
static inline bool arch_packs(const Arch *a) {
  return !a->encodes && !a->unlimited_context;
}
const Naming *arch_naming(const Arch *, const char *format); /* NULL: the parameters' own names */
/* Whether the shape of new models of this architecture depends on a setting of model_settings_table. */
bool arch_reads(const Arch *, const char *setting);
bool config_from_settings(Config *, const ModelSettings *, int64_t vocabulary, Error *);
/* From the object of a config.json; `where`: its path, for messages. */
bool config_from_json(Config *, const json_t *, const char *where, Error *);
/* For tests: from a file. */
bool config_read(Config *, const char *path, Error *);
/* Reads token ids from member `key`: an id, a list of ids, or null. */
bool config_read_tokens(const json_t *, const char *key, TokenSet *, const char *where, Error *);
json_t *config_tokens_json(const TokenSet *);
json_t *config_json(const Config *);
/* For tests: to a file. */
bool config_write(const Config *, const char *path, Error *);

/* What of a network is trained; all zero: everything. */
typedef struct Tuning {
  const char
      *freeze;     /* patterns (base/patterns.h) of the parameters that keep their values; NULL or "": none */
  Adapter adapter; /* if present, all parameters keep their values, and only this is trained */
  const Params *base; /* what these are, of any type, for model_tuned; must outlive the model */
} Tuning;
/* Fails, naming flags, for patterns that match no parameter or all of them, and for frozen parameters of a
 * type that a trained model is not written in. */
bool tuning_check(const Tuning *, const Config *, Error *);
/* Whether part of the network keeps its values. */
bool tuning_freezes(const Tuning *);

/* A network with its parameters. */
typedef struct Model {
  Config config;
  Tuning tuning;
  Params *params;    /* all parameters, or the frozen ones */
  Params *learned;   /* those that are trained: the same set if nothing is frozen */
  bool twin;         /* `params`, if frozen, belongs to another model */
  PackedSet *packed; /* packed weights of a frozen model; else NULL */
  TensorType cache;  /* of keys and values, in sessions: model_cache */
} Model;
/* Declares the parameters by a dry run; allocates them (values undefined). */
Model *model_new(const Config *, bool gradients);
/* As model_new with gradients, for parameters that are trained; the others are those of tuning->base. */
Model *model_tuned(const Config *, const Tuning *);
/* Only declares both sets, for looking at names and shapes. */
Model *model_described(const Config *, const Tuning *);
/* As above, with an adapter of rank 1 for every layer that can have one. */
Model *model_adapted_everywhere(const Config *);
/* Declares the parameters without memory, which the reader of weights provides (params_close). */
Model *model_outline(const Config *);
/* The same network with the same values, which `of` owns, but its own gradients of what is trained. */
Model *model_twin(const Model *of);
/* Declares that the weights will not change, so that they can be packed: in 16 bits if that is exact, else as
 * f32 from their second use on. Results stay the same. */
void model_freeze(Model *);
/* Undoes it: products then read the weights where they are. */
void model_unfreeze(Model *);
/* Has sessions opened from now on keep keys and values in that type of types.def ("q8_0"). Fails if the
 * network has none, or its heads are not whole blocks. */
bool model_cache(Model *, const char *type, Error *);
/* Gives a model that is not trained an adapter: a closed set of the matrices of some layers, freed with it;
 * NULL: none. */
void model_adapt(Model *, Params *adapter);
void model_free(Model *);

Output model_forward(const Model *, Net *, const Batch *);
/* Mean loss over scored targets of the batch, a scalar; divisor as in op_cross_entropy. */
Tensor *model_loss(const Model *, Net *, const Batch *, float smoothing, double divisor);
/* The same, mixed with the divergence from a teacher's distributions of the batch's tokens. */
Tensor *model_soft_loss(const Model *, Net *, const Batch *, SoftTargets *, float smoothing, double divisor);
/* The sum over each sequence's targets of ln p: [sequences]. */
Tensor *model_log_likelihood(const Model *, Net *, const Batch *);
/* Logits of some rows of the output's hidden values: [..., width] -> [..., vocabulary]. */
Tensor *output_logits(Net *, const Output *, Tensor *rows);
/* Logits of some rows: [count, vocabulary]; row b time + t follows token t of sequence b. If count is 0,
 * returns NULL and only updates the state. */
Tensor *model_logits(const Model *, Net *, const Batch *, const int32_t *rows, int64_t count);

/* Determined by a dry run: the number of parameters, of those that are trained, and bytes of activations and
 * floating-point operations of one training step (forward and backward) over [sequences, time] tokens and,
 * with an encoder, sources [sequences, source_time]. */
typedef struct Cost {
  int64_t parameters, learned;               /* the former without an adapter's */
  int64_t activation_bytes, recompute_bytes; /* the latter with --checkpoint-activations */
  double flops, forward_flops;               /* of the step; of its forward */
} Cost;
Cost model_cost(const Config *, const Tuning *, int64_t sequences, int64_t time, int64_t source_time);
/* The same of a forward pass that records nothing: activation_bytes and forward_flops, without the logits. */
Cost model_forward_cost(const Model *, int64_t sequences, int64_t time, int64_t source_time);

#endif
