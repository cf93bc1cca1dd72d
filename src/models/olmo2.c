/* olmo2.c - OLMo 2 (OLMo team 2024): Llama with norms only after the branches, and norms of queries and keys
 * over all heads. transformers: Olmo2ForCausalLM. */
#include "models/decoder.h"

static const ConfigKey keys[] = {DECODER_SIZES(50304, 32, 4096, 32, 11008, 2048),
                                 DECODER_KEY(INT, "num_key_value_heads", kv_heads, 0, 0),
                                 DECODER_KEY(REAL, "rms_norm_eps", norm_epsilon, 1e-5, NAN),
                                 DECODER_KEY(REAL, "rope_theta", rope_theta, 10000, 10000),
                                 DECODER_KEY(BOOL, "attention_bias", attention_bias, 0, NAN),
                                 DECODER_KEY(BOOL, "tie_word_embeddings", tied, 0, NAN),
                                 DECODER_TOKENS(-1, 50279, 1)};

static const ConfigFact facts[] = {DECODER_FACTS, {"hidden_act", "\"silu\"|\"swish\""}, {NULL, NULL}};

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
                         .namings = decoder_namings,
                         .complete = decoder_complete,
                         .read_rest = decoder_read_rope,
                         DECODER_ARCH};
