/* mistral.c - Mistral (Jiang et al. 2023): Llama with an optional window in every layer, and Ministral, which
 * lists the layers that have it. transformers: MistralForCausalLM, MinistralForCausalLM. */
#include "models/decoder.h"

static const ConfigKey keys[] = {DECODER_SIZES(32000, 32, 4096, 32, 14336, 131072),
                                 DECODER_KEY(INT, "num_key_value_heads", kv_heads, 8, 0),
                                 DECODER_KEY(INT, "head_dim", head_size, 0, 0),
                                 DECODER_KEY(REAL, "rms_norm_eps", norm_epsilon, 1e-6, NAN),
                                 DECODER_KEY(REAL, "rope_theta", rope_theta, 10000, 10000),
                                 DECODER_KEY(INT, "sliding_window", window, 4096, 0),
                                 DECODER_KEY(BOOL, "tie_word_embeddings", tied, 0, NAN),
                                 DECODER_TOKENS(1, 2, -1)};

static const ConfigFact facts[] = {DECODER_FACTS, {"hidden_act", "\"silu\"|\"swish\""}, {NULL, NULL}},
                        ministral_facts[] = {DECODER_FACTS,
                                             {"hidden_act", "\"silu\"|\"swish\""},
                                             {"layer_types", "*"},
                                             {NULL, NULL}};

static void write_rest(const Config *c, json_t *config) {
  json_put(config, "hidden_act", json_string("silu"));
  decoder_write_windows(c, config);
}

/* As the 8B model: three of four layers have a window. */
static void begin_ministral(Config *c) {
  decoder_begin_windows(c, 4);
}

static bool read_ministral(Config *c, const json_t *config, const char *where, Error *err) {
  if (!decoder_read_windows(c, config, where, err)) return false;
  const LayerSet all = c->windowed;
  return decoder_read_layers(c, config, &all, where, err);
}

static void write_ministral(const Config *c, json_t *config) {
  write_rest(c, config);
  decoder_write_layers(c, config);
}

static const DecoderNames layer_names = {DECODER_LLAMA_NAMES, .attention_norm = "input_layernorm",
                                         .ffn_norm = "post_attention_layernorm"};

static Output forward(Net *net, const Config *c, const Batch *batch) {
  return decoder_forward(
      net, c, batch, (DecoderSpec){.names = layer_names, .norm = NORM_RMS, .activation = ACTIVATION_SILU});
}

const Arch arch_mistral = {.name = "mistral",
                           .model_type = "mistral",
                           .hf_class = "MistralForCausalLM",
                           .namings = decoder_namings_pairs,
                           .complete = decoder_complete,
                           .read_rest = decoder_read_windows,
                           DECODER_ARCH};

const Arch arch_ministral = {.name = "ministral",
                             .model_type = "ministral",
                             .hf_class = "MinistralForCausalLM",
                             .presets = decoder_presets,
                             .keys = keys,
                             .facts = ministral_facts,
                             .namings = decoder_namings_pairs,
                             .forward = forward,
                             .begin = begin_ministral,
                             .complete = decoder_complete,
                             .read_rest = read_ministral,
                             .write_rest = write_ministral};
