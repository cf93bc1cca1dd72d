/* olmo2.c - OLMo 2 (OLMo team 2024): Llama with norms only after the branches, and norms of queries and keys
 * over all heads. transformers: Olmo2ForCausalLM. OLMo 3 (2025): windows in three of four layers.
 * Olmo3ForCausalLM. */
#include "models/decoder.h"

enum { FULL_EVERY = 4 };
static const double usual_window_theta = 5e5; /* also if rope_theta is another */

#define KEYS(...)                                                                            \
  {                                                                                          \
    DECODER_SIZES(50304, 32, 4096, 32, 11008, 2048),                                         \
        DECODER_KEY(INT, "num_key_value_heads", kv_heads, 0, 0),                             \
        DECODER_KEY(REAL, "rms_norm_eps", norm_epsilon, 1e-5, NAN), __VA_ARGS__,             \
        DECODER_KEY(BOOL, "attention_bias", attention_bias, 0, NAN),                         \
        DECODER_KEY(BOOL, "tie_word_embeddings", tied, 0, NAN), DECODER_TOKENS(-1, 50279, 1) \
  }
static const ConfigKey keys[] = KEYS(DECODER_KEY(REAL, "rope_theta", rope_theta, 10000, 10000)),
                       keys3[] = KEYS(DECODER_KEY(REAL, "rope_theta", rope_theta, 5e5, 5e5),
                                      DECODER_KEY(INT, "sliding_window", window, 4096, 0));

static const ConfigFact facts[] = {DECODER_FACTS, {"hidden_act", "\"silu\"|\"swish\""}, {NULL, NULL}},
                        facts3[] = {DECODER_FACTS,
                                    {"hidden_act", "\"silu\"|\"swish\""},
                                    {"layer_types", "*"},
                                    {NULL, NULL}};

static bool read_rest3(Config *c, const json_t *config, const char *where, Error *err) {
  const LayerSet windowed = decoder_all_but_every(FULL_EVERY, c->layers);
  c->window_rope_theta = usual_window_theta;
  return decoder_read_layers(c, config, &windowed, where, err) &&
         decoder_read_rope_by_layers(c, config, where, err);
}

static void write_rest3(const Config *c, json_t *config) {
  json_put(config, "hidden_act", json_string("silu"));
  if (!c->window) json_put(config, "sliding_window", json_null());
  decoder_write_layers(c, config);
  decoder_write_rope_by_layers(c, usual_window_theta, config);
}

static void begin3(Config *c) {
  decoder_begin_windows(c, FULL_EVERY);
  c->window_rope_theta = c->rope_theta;
}

static void write_rest(const Config *c, json_t *config) {
  json_put(config, "hidden_act", json_string("silu"));
  decoder_write_rope(c, config);
}

static const DecoderNames layer_names = {DECODER_LLAMA_NAMES, .q_norm = "q_norm", .k_norm = "k_norm",
                                         .attention_norm_behind = "post_attention_layernorm",
                                         .ffn_norm_behind = "post_feedforward_layernorm"};

static Output forward(Net *net, const Config *c, const Batch *batch) {
  return decoder_forward(net, c, batch,
                         (DecoderSpec){.names = layer_names,
                                       .norm = NORM_RMS,
                                       .activation = ACTIVATION_SILU,
                                       .qkv_bias = c->attention_bias,
                                       .out_bias = c->attention_bias});
}

const Arch arch_olmo2 = {.name = "olmo2",
                         .model_type = "olmo2",
                         .hf_class = "Olmo2ForCausalLM",
                         .namings = decoder_namings_behind,
                         .complete = decoder_complete,
                         .read_rest = decoder_read_rope,
                         DECODER_ARCH};

const Arch arch_olmo3 = {.name = "olmo3",
                         .model_type = "olmo3",
                         .hf_class = "Olmo3ForCausalLM",
                         .presets = decoder_presets,
                         .keys = keys3,
                         .facts = facts3,
                         .namings = decoder_namings_behind,
                         .forward = forward,
                         .begin = begin3,
                         .complete = decoder_complete,
                         .read_rest = read_rest3,
                         .write_rest = write_rest3};
