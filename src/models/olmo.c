/* olmo.c - OLMo 1 (Groeneveld et al. 2024): Llama with LayerNorms that have neither weights nor biases.
 * transformers: OlmoForCausalLM. The norms' epsilon is fixed: 1e-5, the default of Config.norm_epsilon. */
#include "models/decoder.h"

static const ConfigKey keys[] = {DECODER_SIZES(50304, 32, 4096, 32, 11008, 2048),
                                 DECODER_KEY(INT, "num_key_value_heads", kv_heads, 0, 0),
                                 DECODER_KEY(REAL, "rope_theta", rope_theta, 10000, 10000),
                                 DECODER_KEY(BOOL, "attention_bias", attention_bias, 0, NAN),
                                 DECODER_KEY(BOOL, "tie_word_embeddings", tied, 0, NAN),
                                 DECODER_TOKENS(-1, 50279, 1)};

static const ConfigFact facts[] = {DECODER_FACTS,
                                   {"hidden_act", "\"silu\"|\"swish\""},
                                   {"clip_qkv", ""}, /* limits queries, keys and values: not supported */
                                   {NULL, NULL}};

static void write_rest(const Config *c, json_t *config) {
  json_put(config, "hidden_act", json_string("silu"));
  decoder_write_rope(c, config);
}

static const DecoderNames layer_names = {DECODER_LLAMA_NAMES, .attention_norm = "input_layernorm",
                                         .ffn_norm = "post_attention_layernorm"};

static Output forward(Net *net, const Config *c, const Batch *batch) {
  return decoder_forward(net, c, batch,
                         (DecoderSpec){.names = layer_names,
                                       .norm = NORM_LAYER_PLAIN,
                                       .activation = ACTIVATION_SILU,
                                       .qkv_bias = c->attention_bias,
                                       .out_bias = c->attention_bias});
}

const Arch arch_olmo = {.name = "olmo",
                        .model_type = "olmo",
                        .hf_class = "OlmoForCausalLM",
                        .namings = decoder_namings_pairs,
                        .complete = decoder_complete,
                        .read_rest = decoder_read_rope,
                        DECODER_ARCH};
