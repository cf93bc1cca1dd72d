/* granite.c - Granite (IBM 2024): Llama with factors on embeddings, scores, branches and logits.
 * transformers: GraniteForCausalLM. */
#include "models/decoder.h"

static const ConfigKey keys[] = {DECODER_SIZES(32000, 32, 4096, 32, 11008, 2048),
                                 DECODER_KEY(INT, "num_key_value_heads", kv_heads, 0, 0),
                                 DECODER_KEY(REAL, "rms_norm_eps", norm_epsilon, 1e-6, NAN),
                                 DECODER_KEY(REAL, "rope_theta", rope_theta, 10000, 10000),
                                 DECODER_KEY(BOOL, "attention_bias", attention_bias, 0, NAN),
                                 DECODER_KEY(BOOL, "mlp_bias", mlp_bias, 0, NAN),
                                 DECODER_KEY(REAL, "embedding_multiplier", embedding_scale, 1, NAN),
                                 DECODER_KEY(REAL, "attention_multiplier", score_scale, 1, NAN),
                                 DECODER_KEY(REAL, "residual_multiplier", residual_scale, 1, NAN),
                                 DECODER_KEY(REAL, "logits_scaling", logit_scale, 1, NAN),
                                 DECODER_KEY(BOOL, "tie_word_embeddings", tied, 0, NAN),
                                 DECODER_TOKENS(1, 2, -1)};

static const ConfigFact facts[] = {DECODER_FACTS, {"hidden_act", "\"silu\"|\"swish\""}, {NULL, NULL}};

static bool read_rest(Config *c, const json_t *config, const char *where, Error *err) {
  const double factors[] = {c->embedding_scale, c->score_scale, c->residual_scale, c->logit_scale};
  for (int i = 0; i < 4; i++)
    if (!(factors[i] > 0)) return fail(err, "%s: a multiplier of %g is not supported", where, factors[i]);
  return decoder_read_rope(c, config, where, err);
}

static void write_rest(const Config *c, json_t *config) {
  json_put(config, "hidden_act", json_string("silu"));
  decoder_write_rope(c, config);
}

static bool complete(Config *c, const char *where, Error *err) {
  if (!decoder_complete(c, where, err)) return false;
  if (c->score_scale > 0) return true;
  c->score_scale = 1 / sqrt((double)c->head_size); /* new models */
  c->embedding_scale = c->residual_scale = c->logit_scale = 1;
  return true;
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
                                       .mlp_bias = c->mlp_bias,
                                       .embedding_scale = (float)c->embedding_scale,
                                       .score_scale = (float)c->score_scale,
                                       .residual_scale = (float)c->residual_scale,
                                       .logit_scale = (float)(1 / c->logit_scale)});
}

const Arch arch_granite = {.name = "granite",
                           .model_type = "granite",
                           .hf_class = "GraniteForCausalLM",
                           .namings = decoder_namings_pairs,
                           .complete = complete,
                           .read_rest = read_rest,
                           DECODER_ARCH};
