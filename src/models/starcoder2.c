/* starcoder2.c - StarCoder 2 (Lozhkov et al. 2024): LayerNorm, biases, GELU without gates, and an optional
 * window. transformers: Starcoder2ForCausalLM. */
#include "models/decoder.h"

static const ConfigKey keys[] = {DECODER_SIZES(49152, 30, 3072, 24, 12288, 4096),
                                 DECODER_KEY(INT, "num_key_value_heads", kv_heads, 2, NAN),
                                 DECODER_KEY(REAL, "norm_epsilon", norm_epsilon, 1e-5, NAN),
                                 DECODER_KEY(REAL, "rope_theta", rope_theta, 10000, 10000),
                                 DECODER_KEY(BOOL, "use_bias", attention_bias, 1, NAN),
                                 DECODER_KEY(INT, "sliding_window", window, 0, 0),
                                 DECODER_KEY(BOOL, "tie_word_embeddings", tied, 1, NAN),
                                 DECODER_TOKENS(50256, 50256, -1)};

static const ConfigFact facts[] = {DECODER_FACTS,
                                   {"hidden_act", "\"gelu_pytorch_tanh\""},
                                   {"embedding_dropout", "*"},
                                   {"residual_dropout", "*"},
                                   {"norm_type", "\"layer_norm\""},
                                   {"mlp_type", "\"default\""},
                                   {NULL, NULL}};

static void write_rest(const Config *c, json_t *config) {
  json_put(config, "hidden_act", json_string("gelu_pytorch_tanh"));
  decoder_write_windows(c, config);
}

static void begin(Config *c) {
  c->attention_bias = true;
}

static bool complete(Config *c, const char *where, Error *err) {
  if (!c->ffn) c->ffn = 4 * c->width;
  return decoder_complete(c, where, err);
}

static const DecoderNames layer_names = {DECODER_LLAMA_ATTENTION, .attention_norm = "input_layernorm",
                                         .ffn_norm = "post_attention_layernorm", .up = "c_fc",
                                         .down = "c_proj"};

static Output forward(Net *net, const Config *c, const Batch *batch) {
  return decoder_forward(net, c, batch,
                         (DecoderSpec){.names = layer_names,
                                       .norm = NORM_LAYER,
                                       .activation = ACTIVATION_GELU_TANH,
                                       .qkv_bias = c->attention_bias,
                                       .out_bias = c->attention_bias,
                                       .mlp_bias = c->attention_bias});
}

const Arch arch_starcoder2 = {.name = "starcoder2",
                              .model_type = "starcoder2",
                              .hf_class = "Starcoder2ForCausalLM",
                              .namings = decoder_namings,
                              .begin = begin,
                              .complete = complete,
                              .read_rest = decoder_read_windows,
                              DECODER_ARCH};
