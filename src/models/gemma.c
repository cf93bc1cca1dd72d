/* gemma.c - Gemma (Gemma team 2024): norms with factor 1 + w, GELU gates, embeddings times sqrt(width).
 * transformers: GemmaForCausalLM. */
#include "models/decoder.h"

static const ConfigKey keys[] = {DECODER_SIZES(256000, 28, 3072, 16, 24576, 8192),
                                 DECODER_KEY(INT, "num_key_value_heads", kv_heads, 16, NAN),
                                 DECODER_KEY(INT, "head_dim", head_size, 256, NAN),
                                 DECODER_KEY(REAL, "rms_norm_eps", norm_epsilon, 1e-6, NAN),
                                 DECODER_KEY(REAL, "rope_theta", rope_theta, 10000, 10000),
                                 DECODER_KEY(BOOL, "attention_bias", attention_bias, 0, NAN),
                                 DECODER_KEY(BOOL, "tie_word_embeddings", tied, 1, NAN),
                                 DECODER_TOKENS(2, 1, 0)};

/* The first files say "gelu" and mean the tanh form, as the class knows. */
static const ConfigFact facts[] = {DECODER_FACTS,
                                   {"hidden_act", "\"gelu\"|\"gelu_pytorch_tanh\""},
                                   {"hidden_activation", "\"gelu\"|\"gelu_pytorch_tanh\""},
                                   {"use_bidirectional_attention", "false"},
                                   {NULL, NULL}};

static void write_rest(const Config *c, json_t *config) {
  json_put(config, "hidden_act", json_string("gelu_pytorch_tanh"));
  decoder_write_rope(c, config);
}

static const DecoderNames layer_names = {DECODER_LLAMA_NAMES, .attention_norm = "input_layernorm",
                                         .ffn_norm = "post_attention_layernorm"};

static Output forward(Net *net, const Config *c, const Batch *batch) {
  return decoder_forward(net, c, batch,
                         (DecoderSpec){.names = layer_names,
                                       .norm = NORM_RMS_ADD_ONE,
                                       .activation = ACTIVATION_GELU_TANH,
                                       .qkv_bias = c->attention_bias,
                                       .out_bias = c->attention_bias,
                                       .embedding_scale = sqrtf((float)c->width)});
}

const Arch arch_gemma = {.name = "gemma",
                         .model_type = "gemma",
                         .hf_class = "GemmaForCausalLM",
                         .namings = decoder_namings_plus_one,
                         .complete = decoder_complete,
                         .read_rest = decoder_read_rope,
                         DECODER_ARCH};
