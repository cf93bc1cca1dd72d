/* cohere.c - Command R (Cohere 2024): LayerNorm without bias, parallel branches, rotation of adjacent pairs,
 * scaled logits, optional norms of queries and keys per head. transformers: CohereForCausalLM. */
#include "models/decoder.h"

static const ConfigKey keys[] = {DECODER_SIZES(256000, 40, 8192, 64, 22528, 8192),
                                 DECODER_KEY(INT, "num_key_value_heads", kv_heads, 0, 0),
                                 DECODER_KEY(REAL, "layer_norm_eps", norm_epsilon, 1e-5, NAN),
                                 DECODER_KEY(REAL, "rope_theta", rope_theta, 500000, 500000),
                                 DECODER_KEY(BOOL, "attention_bias", attention_bias, 0, NAN),
                                 DECODER_KEY(BOOL, "use_qk_norm", query_norm, 0, NAN),
                                 DECODER_KEY(REAL, "logit_scale", logit_scale, 0.0625, NAN),
                                 DECODER_KEY(BOOL, "tie_word_embeddings", tied, 1, NAN),
                                 DECODER_TOKENS(5, 255001, 0)};

static const ConfigFact facts[] = {DECODER_FACTS, {"hidden_act", "\"silu\"|\"swish\""}, {NULL, NULL}};

static bool read_rest(Config *c, const json_t *config, const char *where, Error *err) {
  if (!(c->logit_scale > 0))
    return fail(err, "%s: a logit_scale of %g is not supported", where, c->logit_scale);
  return decoder_read_rope(c, config, where, err);
}

static void write_rest(const Config *c, json_t *config) {
  json_put(config, "hidden_act", json_string("silu"));
  decoder_write_rope(c, config);
}

static bool complete(Config *c, const char *where, Error *err) {
  if (c->logit_scale == 0) c->logit_scale = 1; /* new models */
  return decoder_complete(c, where, err);
}

static const DecoderNames layer_names = {DECODER_LLAMA_NAMES, .q_norm = "q_norm", .k_norm = "k_norm",
                                         .attention_norm = "input_layernorm"};

static Output forward(Net *net, const Config *c, const Batch *batch) {
  DecoderNames names = layer_names;
  if (!c->query_norm) names.q_norm = names.k_norm = NULL;
  return decoder_forward(net, c, batch,
                         (DecoderSpec){.names = names,
                                       .norm = NORM_LAYER_WEIGHT,
                                       .head_norm = NORM_EACH_HEAD_OWN,
                                       .activation = ACTIVATION_SILU,
                                       .qkv_bias = c->attention_bias,
                                       .out_bias = c->attention_bias,
                                       .parallel = true,
                                       .interleaved = true,
                                       .logit_scale = (float)c->logit_scale});
}

const Arch arch_cohere = {.name = "cohere",
                          .model_type = "cohere",
                          .hf_class = "CohereForCausalLM",
                          .namings = decoder_namings,
                          .complete = complete,
                          .read_rest = read_rest,
                          DECODER_ARCH};
