/* qwen2.c - Qwen2 (Qwen team 2024): Llama with biases of queries, keys and values, and optional windows in
 * the upper layers. transformers: Qwen2ForCausalLM. */
#include "models/decoder.h"

static const ConfigKey keys[] = {DECODER_SIZES(151936, 32, 4096, 32, 22016, 32768),
                                 DECODER_KEY(INT, "num_key_value_heads", kv_heads, 32, 0),
                                 DECODER_KEY(REAL, "rms_norm_eps", norm_epsilon, 1e-6, NAN),
                                 DECODER_KEY(REAL, "rope_theta", rope_theta, 10000, 10000),
                                 DECODER_KEY(INT, "sliding_window", window, 4096, 0),
                                 DECODER_KEY(BOOL, "tie_word_embeddings", tied, 0, NAN),
                                 DECODER_TOKENS(-1, -1, -1)};

static const ConfigFact facts[] = {DECODER_FACTS,
                                   {"hidden_act", "\"silu\"|\"swish\""},
                                   {"use_sliding_window", "*"},
                                   {"max_window_layers", "*"},
                                   {"layer_types", "*"},
                                   {NULL, NULL}};

static void write_rest(const Config *c, json_t *config) {
  json_put(config, "hidden_act", json_string("silu"));
  decoder_write_last_layers(c, config);
}

static const DecoderNames layer_names = {DECODER_LLAMA_NAMES, .attention_norm = "input_layernorm",
                                         .ffn_norm = "post_attention_layernorm"};

static Output forward(Net *net, const Config *c, const Batch *batch) {
  return decoder_forward(
      net, c, batch,
      (DecoderSpec){.names = layer_names, .norm = NORM_RMS, .activation = ACTIVATION_SILU, .qkv_bias = true});
}

const Arch arch_qwen2 = {.name = "qwen2",
                         .model_type = "qwen2",
                         .hf_class = "Qwen2ForCausalLM",
                         .namings = decoder_namings,
                         .complete = decoder_complete,
                         .read_rest = decoder_read_last_layers,
                         DECODER_ARCH};
