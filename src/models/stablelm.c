/* stablelm.c - StableLM 2 (Bellagente et al. 2024): LayerNorm, rotation of a quarter of each head, optional
 * biases of queries, keys and values, optional parallel branches. transformers: StableLmForCausalLM. */
#include "models/decoder.h"

static const ConfigKey keys[] = {DECODER_SIZES(50304, 32, 2560, 32, 6912, 4096),
                                 DECODER_KEY(INT, "num_key_value_heads", kv_heads, 32, 0),
                                 DECODER_KEY(REAL, "layer_norm_eps", norm_epsilon, 1e-5, NAN),
                                 DECODER_KEY(REAL, "rope_theta", rope_theta, 10000, 10000),
                                 DECODER_KEY(REAL, "partial_rotary_factor", rotary_share, 0.25, 0.25),
                                 DECODER_KEY(BOOL, "use_qkv_bias", query_bias, 0, NAN),
                                 DECODER_KEY(BOOL, "use_parallel_residual", parallel, 0, NAN),
                                 DECODER_KEY(BOOL, "tie_word_embeddings", tied, 0, NAN),
                                 DECODER_TOKENS(0, 0, -1)};

static const ConfigFact facts[] = {DECODER_FACTS,
                                   {"hidden_act", "\"silu\"|\"swish\""},
                                   {"hidden_dropout", "*"},
                                   {"qk_layernorm", "false"},
                                   {NULL, NULL}};

static void write_rest(const Config *c, json_t *config) {
  json_put(config, "hidden_act", json_string("silu"));
  decoder_write_rope(c, config);
}

static const DecoderNames layer_names = {DECODER_LLAMA_NAMES, .attention_norm = "input_layernorm",
                                         .ffn_norm = "post_attention_layernorm"};

static Output forward(Net *net, const Config *c, const Batch *batch) {
  DecoderNames names = layer_names;
  if (c->parallel) names.ffn_norm = NULL; /* both branches share a norm */
  return decoder_forward(net, c, batch,
                         (DecoderSpec){.names = names,
                                       .norm = NORM_LAYER,
                                       .activation = ACTIVATION_SILU,
                                       .qkv_bias = c->query_bias,
                                       .parallel = c->parallel});
}

const Arch arch_stablelm = {.name = "stablelm",
                            .model_type = "stablelm",
                            .hf_class = "StableLmForCausalLM",
                            .namings = decoder_namings,
                            .complete = decoder_complete,
                            .read_rest = decoder_read_rope,
                            DECODER_ARCH};
