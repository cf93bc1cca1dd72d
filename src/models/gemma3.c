/* gemma3.c - Gemma 3's text models (Gemma team 2025): norms with factor 1 + w before and after each branch,
 * norms of queries and keys per head, GELU gates, and windows in most layers, with another base of rotary
 * positions. transformers: Gemma3ForCausalLM. */
#include "models/decoder.h"

enum { FULL_EVERY = 6 }; /* every 6th layer has no window */
static const double usual_window_theta = 1e4;

static const ConfigKey keys[] = {DECODER_SIZES(262208, 26, 2304, 8, 9216, 131072),
                                 DECODER_KEY(INT, "num_key_value_heads", kv_heads, 4, NAN),
                                 DECODER_KEY(INT, "head_dim", head_size, 256, NAN),
                                 DECODER_KEY(REAL, "rms_norm_eps", norm_epsilon, 1e-6, NAN),
                                 DECODER_KEY(REAL, "rope_theta", rope_theta, 1e6, 1e6),
                                 DECODER_KEY(REAL, "rope_local_base_freq", window_rope_theta, 1e4, 1e4),
                                 DECODER_KEY(BOOL, "attention_bias", attention_bias, 0, NAN),
                                 DECODER_KEY(INT, "query_pre_attn_scalar", query_scalar, 256, NAN),
                                 DECODER_KEY(INT, "sliding_window", window, 4096, NAN),
                                 DECODER_KEY(REAL, "final_logit_softcapping", logit_cap, 0, 0),
                                 DECODER_KEY(BOOL, "tie_word_embeddings", tied, 1, NAN),
                                 DECODER_TOKENS(2, 1, 0)};

static const ConfigFact facts[] = {DECODER_FACTS,
                                   {"hidden_activation", "\"gelu_pytorch_tanh\""},
                                   {"hidden_act", "\"gelu_pytorch_tanh\""},
                                   {"use_bidirectional_attention", "false"},
                                   {"attn_logit_softcapping", ""}, /* transformers ignores it */
                                   {"cache_implementation", "*"},
                                   {"sliding_window_pattern", "*"},
                                   {"layer_types", "*"},
                                   {NULL, NULL}};

static bool read_rest(Config *c, const json_t *config, const char *where, Error *err) {
  LayerSet windowed;
  return decoder_read_pattern(c, config, FULL_EVERY, &windowed, where, err) &&
         decoder_read_layers(c, config, &windowed, where, err) &&
         decoder_read_rope_by_layers(c, config, where, err);
}

static void write_rest(const Config *c, json_t *config) {
  json_put(config, "hidden_activation", json_string("gelu_pytorch_tanh"));
  if (c->logit_cap == 0) json_put(config, "final_logit_softcapping", json_null());
  decoder_write_layers(c, config);
  decoder_write_rope_by_layers(c, c->window_rope_theta, config);
}

/* For new models: windows of a quarter of the context, and none in the last layer. */
static bool complete(Config *c, const char *where, Error *err) {
  if (!decoder_complete(c, where, err)) return false;
  if (!c->query_scalar) c->query_scalar = c->head_size;
  if (c->window) return true;
  decoder_begin_windows(c, FULL_EVERY);
  c->window_rope_theta = usual_window_theta;
  return true;
}

static const DecoderNames layer_names = {DECODER_LLAMA_NAMES,
                                         .attention_norm = "input_layernorm",
                                         .q_norm = "q_norm",
                                         .k_norm = "k_norm",
                                         .attention_norm_behind = "post_attention_layernorm",
                                         .ffn_norm = "pre_feedforward_layernorm",
                                         .ffn_norm_behind = "post_feedforward_layernorm"};

static Output forward(Net *net, const Config *c, const Batch *batch) {
  return decoder_forward(net, c, batch,
                         (DecoderSpec){.names = layer_names,
                                       .norm = NORM_RMS_ADD_ONE,
                                       .head_norm = NORM_EACH_HEAD,
                                       .activation = ACTIVATION_GELU_TANH,
                                       .qkv_bias = c->attention_bias,
                                       .out_bias = c->attention_bias,
                                       .embedding_scale = sqrtf((float)c->width),
                                       .score_scale = 1 / sqrtf((float)c->query_scalar)});
}

const Arch arch_gemma3 = {.name = "gemma3",
                          .model_type = "gemma3_text",
                          .hf_class = "Gemma3ForCausalLM",
                          .hf_classifier = "Gemma3TextForSequenceClassification",
                          .namings = decoder_namings_plus_one,
                          .complete = complete,
                          .read_rest = read_rest,
                          DECODER_ARCH};
