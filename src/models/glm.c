/* glm.c - GLM-4 (GLM team 2024; files of type "glm"): Llama with biases of queries, keys and values, rotation
 * of adjacent pairs in half of each head, gate and up projections in one matrix; and GLM-4-0414 ("glm4"),
 * with norms behind the branches, too. transformers: GlmForCausalLM, Glm4ForCausalLM. */
#include "models/decoder.h"

static const ConfigKey keys[] = {DECODER_SIZES(151552, 40, 4096, 32, 13696, 131072),
                                 DECODER_KEY(INT, "num_key_value_heads", kv_heads, 2, 0),
                                 DECODER_KEY(INT, "head_dim", head_size, 128, NAN),
                                 DECODER_KEY(REAL, "rms_norm_eps", norm_epsilon, 1.5625e-7, NAN),
                                 DECODER_KEY(REAL, "rope_theta", rope_theta, 10000, 10000),
                                 DECODER_KEY(REAL, "partial_rotary_factor", rotary_share, 0.5, NAN),
                                 DECODER_KEY(BOOL, "attention_bias", query_bias, 1, NAN),
                                 DECODER_KEY(BOOL, "tie_word_embeddings", tied, 0, NAN),
                                 DECODER_TOKENS(-1, -1, 151329)};

static const ConfigFact facts[] = {DECODER_FACTS, {"hidden_act", "\"silu\"|\"swish\""}, {NULL, NULL}};

/* The class has three end tokens, also where a file says null. */
static const TokenSet usual_ends = {{151329, 151336, 151338}, 3};

static bool read_rest(Config *c, const json_t *config, const char *where, Error *err) {
  if (!c->ends.count && c->vocabulary > usual_ends.ids[2]) c->ends = usual_ends;
  return decoder_read_rope(c, config, where, err);
}

static void write_rest(const Config *c, json_t *config) {
  json_put(config, "hidden_act", json_string("silu"));
  decoder_write_rope(c, config);
}

static void begin(Config *c) {
  c->query_bias = true;
}

extern const Arch arch_glm4;
static const DecoderNames layer_names = {DECODER_LLAMA_ATTENTION, .attention_norm = "input_layernorm",
                                         .ffn_norm = "post_attention_layernorm", .gate_up = "gate_up_proj",
                                         .down = "down_proj"};

static Output forward(Net *net, const Config *c, const Batch *batch) {
  DecoderNames names = layer_names;
  if (c->arch == &arch_glm4) names.attention_norm_behind = "post_self_attn_layernorm";
  if (c->arch == &arch_glm4) names.ffn_norm_behind = "post_mlp_layernorm";
  return decoder_forward(net, c, batch,
                         (DecoderSpec){.names = names,
                                       .norm = NORM_RMS,
                                       .activation = ACTIVATION_SILU,
                                       .qkv_bias = c->query_bias,
                                       .interleaved = true});
}

const Arch arch_glm = {.name = "glm",
                       .model_type = "glm",
                       .hf_class = "GlmForCausalLM",
                       .namings = decoder_namings,
                       .begin = begin,
                       .complete = decoder_complete,
                       .read_rest = read_rest,
                       DECODER_ARCH};

const Arch arch_glm4 = {.name = "glm4",
                        .model_type = "glm4",
                        .hf_class = "Glm4ForCausalLM",
                        .namings = decoder_namings,
                        .begin = begin,
                        .complete = decoder_complete,
                        .read_rest = read_rest,
                        DECODER_ARCH};
