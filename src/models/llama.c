/* llama.c - Llama (Touvron et al. 2023): RMSNorm before each block, rotary positions, grouped-query
 * attention, SwiGLU, no biases. Names and config.json as in transformers' LlamaForCausalLM. */
#include "models/decoder.h"

static const ConfigKey keys[] = {
    {"vocab_size", CONFIG_INT, offsetof(Config, vocabulary), 32000, NAN, NULL},
    {"num_hidden_layers", CONFIG_INT, offsetof(Config, layers), 32, NAN, NULL},
    {"hidden_size", CONFIG_INT, offsetof(Config, width), 4096, NAN, NULL},
    {"num_attention_heads", CONFIG_INT, offsetof(Config, heads), 32, NAN, NULL},
    {"num_key_value_heads", CONFIG_INT, offsetof(Config, kv_heads), 0, 0, NULL},
    {"head_dim", CONFIG_INT, offsetof(Config, head_size), 0, 0, NULL},
    {"intermediate_size", CONFIG_INT, offsetof(Config, ffn), 11008, NAN, NULL},
    {"max_position_embeddings", CONFIG_INT, offsetof(Config, context), 2048, NAN, NULL},
    {"rms_norm_eps", CONFIG_REAL, offsetof(Config, norm_epsilon), 1e-6, NAN, NULL},
    {"rope_theta", CONFIG_REAL, offsetof(Config, rope_theta), 10000, 10000, NULL},
    {"attention_bias", CONFIG_BOOL, offsetof(Config, attention_bias), 0, NAN, NULL},
    {"mlp_bias", CONFIG_BOOL, offsetof(Config, mlp_bias), 0, NAN, NULL},
    {"tie_word_embeddings", CONFIG_BOOL, offsetof(Config, tied), 0, NAN, NULL},
    {"bos_token_id", CONFIG_TOKEN, offsetof(Config, bos), 1, -1, NULL},
    {"eos_token_id", CONFIG_TOKENS, offsetof(Config, ends), 2, -1, NULL},
    {"pad_token_id", CONFIG_TOKEN, offsetof(Config, pad), -1, -1, NULL},
    {NULL, 0, 0, 0, 0, NULL},
};

static const ConfigFact facts[] = {{"hidden_act", "\"silu\"|\"swish\""},
                                   {"is_encoder_decoder", "false"},
                                   {"attention_dropout", "*"},
                                   {"pretraining_tp", "*"},
                                   {"partial_rotary_factor", "1|1.0"},
                                   {"original_max_position_embeddings", "*"},
                                   {"rope_scaling", "*"}, /* read below */
                                   {"rope_parameters", "*"},
                                   {"rope_interleaved", "false"},
                                   {"sliding_window", ""},
                                   {"is_llama_config", "true"},
                                   {"transformers.js_config", "*"},
                                   {NULL, NULL}};

static void write_rest(const Config *c, json_t *config) {
  json_put(config, "hidden_act", json_string("silu"));
  decoder_write_rope(c, config);
  json_put(config, "attention_dropout", json_real(0));
}

static const DecoderNames layer_names = {DECODER_LLAMA_NAMES, .attention_norm = "input_layernorm",
                                         .ffn_norm = "post_attention_layernorm"};

static Output forward(Net *net, const Config *c, const Batch *batch) {
  return decoder_forward(net, c, batch,
                         (DecoderSpec){.names = layer_names,
                                       .norm = NORM_RMS,
                                       .activation = ACTIVATION_SILU,
                                       .qkv_bias = c->attention_bias,
                                       .out_bias = c->attention_bias,
                                       .mlp_bias = c->mlp_bias});
}

const Arch arch_llama = {.name = "llama",
                         .model_type = "llama",
                         .hf_class = "LlamaForCausalLM",
                         .presets = decoder_presets,
                         .keys = keys,
                         .facts = facts,
                         .namings = decoder_namings_pairs,
                         .forward = forward,
                         .complete = decoder_complete,
                         .read_rest = decoder_read_rope,
                         .write_rest = write_rest};
