/* cohere.c - Command R (Cohere 2024): LayerNorm without bias, parallel branches, rotation of adjacent pairs,
 * scaled logits, optional norms of queries and keys per head. transformers: CohereForCausalLM. Command A and
 * R7B (Cohere 2025): windows in three of four layers, rotary positions in these only. Cohere2ForCausalLM. */
#include "models/decoder.h"

enum { FULL_EVERY = 4 };

#define KEYS(theta_, ...)                                                                    \
  {                                                                                          \
    DECODER_SIZES(256000, 40, 8192, 64, 22528, 8192),                                        \
        DECODER_KEY(INT, "num_key_value_heads", kv_heads, 0, 0),                             \
        DECODER_KEY(REAL, "layer_norm_eps", norm_epsilon, 1e-5, NAN),                        \
        DECODER_KEY(REAL, "rope_theta", rope_theta, theta_, theta_),                         \
        DECODER_KEY(BOOL, "attention_bias", attention_bias, 0, NAN), __VA_ARGS__,            \
        DECODER_KEY(REAL, "logit_scale", logit_scale, 0.0625, NAN),                          \
        DECODER_KEY(BOOL, "tie_word_embeddings", tied, 1, NAN), DECODER_TOKENS(5, 255001, 0) \
  }
static const ConfigKey keys[] = KEYS(500000, DECODER_KEY(BOOL, "use_qk_norm", query_norm, 0, NAN)),
                       keys2[] = KEYS(10000, DECODER_KEY(INT, "head_dim", head_size, 0, 0),
                                      DECODER_KEY(INT, "sliding_window", window, 4096, 0));

static const ConfigFact facts[] = {DECODER_FACTS, {"hidden_act", "\"silu\"|\"swish\""}, {NULL, NULL}},
                        facts2[] = {DECODER_FACTS,
                                    {"hidden_act", "\"silu\"|\"swish\""},
                                    {"sliding_window_pattern", "*"},
                                    {"layer_types", "*"},
                                    {"cache_implementation", "*"},
                                    {NULL, NULL}};

static bool read_rest(Config *c, const json_t *config, const char *where, Error *err) {
  if (!(c->logit_scale > 0))
    return fail(err, "%s: a logit_scale of %g is not supported", where, c->logit_scale);
  return decoder_read_rope(c, config, where, err);
}

static void write_rest(const Config *c, json_t *config) {
  json_put(config, "hidden_act", json_string("silu"));
  decoder_write_rope(c, config);
}

static bool read_rest2(Config *c, const json_t *config, const char *where, Error *err) {
  LayerSet windowed;
  if (!decoder_read_pattern(c, config, FULL_EVERY, &windowed, where, err) ||
      !decoder_read_layers(c, config, &windowed, where, err))
    return false;
  decoder_rotate_windowed(c);
  return read_rest(c, config, where, err);
}

static void write_rest2(const Config *c, json_t *config) {
  write_rest(c, config);
  if (!c->window) json_put(config, "sliding_window", json_null());
  decoder_write_layers(c, config);
}

/* A single layer has a window, as it needs rotary positions. */
static void begin2(Config *c) {
  decoder_begin_windows(c, c->layers < 2 ? 2 : FULL_EVERY);
  if (c->layers < 2) layer_set_add(&c->windowed, 0);
  decoder_rotate_windowed(c);
}

static bool complete(Config *c, const char *where, Error *err) {
  if (c->logit_scale == 0) c->logit_scale = 1; /* new models */
  return decoder_complete(c, where, err);
}

static const DecoderNames layer_names = {DECODER_LLAMA_NAMES, .q_norm = "q_norm", .k_norm = "k_norm",
                                         .attention_norm = "input_layernorm"};

static Output forward(Net *net, const Config *c, const Batch *batch) {
  DecoderNames names = layer_names;
  if (!c->query_norm) names.q_norm = names.k_norm = NULL;
  return decoder_forward(net, c, batch,
                         (DecoderSpec){.names = names,
                                       .norm = NORM_LAYER_WEIGHT,
                                       .head_norm = NORM_EACH_HEAD_OWN,
                                       .activation = ACTIVATION_SILU,
                                       .qkv_bias = c->attention_bias,
                                       .out_bias = c->attention_bias,
                                       .parallel = true,
                                       .interleaved = true,
                                       .logit_scale = (float)c->logit_scale});
}

const Arch arch_cohere = {.name = "cohere",
                          .model_type = "cohere",
                          .hf_class = "CohereForCausalLM",
                          .namings = decoder_namings,
                          .complete = complete,
                          .read_rest = read_rest,
                          DECODER_ARCH};

const Arch arch_cohere2 = {.name = "cohere2",
                           .model_type = "cohere2",
                           .hf_class = "Cohere2ForCausalLM",
                           .presets = decoder_presets,
                           .keys = keys2,
                           .facts = facts2,
                           .namings = decoder_namings,
                           .forward = forward,
                           .begin = begin2,
                           .complete = complete,
                           .read_rest = read_rest2,
                           .write_rest = write_rest2};
