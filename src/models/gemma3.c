/* gemma3.c - Gemma 3's text models (Gemma team 2025): norms of 1 + w before and behind each branch, queries
 * and keys normed in each head, GELU gates, and windows in most layers, which rotate by another base.
 * Gemma3ForCausalLM loads it. */
#include "models/decoder.h"

enum { FULL_EVERY = 6 }; /* layers, the last of which has no window */
static const double usual_window_theta = 1e4;

static const ConfigKey keys[] = {
    {"vocab_size", CONFIG_INT, offsetof(Config, vocabulary), 262208, NAN, NULL},
    {"num_hidden_layers", CONFIG_INT, offsetof(Config, layers), 26, NAN, NULL},
    {"hidden_size", CONFIG_INT, offsetof(Config, width), 2304, NAN, NULL},
    {"num_attention_heads", CONFIG_INT, offsetof(Config, heads), 8, NAN, NULL},
    {"num_key_value_heads", CONFIG_INT, offsetof(Config, kv_heads), 4, NAN, NULL},
    {"head_dim", CONFIG_INT, offsetof(Config, head_size), 256, NAN, NULL},
    {"intermediate_size", CONFIG_INT, offsetof(Config, ffn), 9216, NAN, NULL},
    {"max_position_embeddings", CONFIG_INT, offsetof(Config, context), 131072, NAN, NULL},
    {"rms_norm_eps", CONFIG_REAL, offsetof(Config, norm_epsilon), 1e-6, NAN, NULL},
    {"rope_theta", CONFIG_REAL, offsetof(Config, rope_theta), 1e6, 1e6, NULL},
    {"rope_local_base_freq", CONFIG_REAL, offsetof(Config, window_rope_theta), 1e4, 1e4, NULL},
    {"attention_bias", CONFIG_BOOL, offsetof(Config, attention_bias), 0, NAN, NULL},
    {"query_pre_attn_scalar", CONFIG_INT, offsetof(Config, query_scalar), 256, NAN, NULL},
    {"sliding_window", CONFIG_INT, offsetof(Config, window), 4096, NAN, NULL},
    {"final_logit_softcapping", CONFIG_REAL, offsetof(Config, logit_cap), 0, 0, NULL},
    {"tie_word_embeddings", CONFIG_BOOL, offsetof(Config, tied), 1, NAN, NULL},
    {"bos_token_id", CONFIG_TOKEN, offsetof(Config, bos), 2, -1, NULL},
    {"eos_token_id", CONFIG_TOKENS, offsetof(Config, ends), 1, -1, NULL},
    {"pad_token_id", CONFIG_TOKEN, offsetof(Config, pad), 0, -1, NULL},
    {NULL, 0, 0, 0, 0, NULL},
};

static const ConfigFact facts[] = {{"hidden_activation", "\"gelu_pytorch_tanh\""},
                                   {"hidden_act", "\"gelu_pytorch_tanh\""},
                                   {"use_bidirectional_attention", "false"},
                                   {"attn_logit_softcapping", ""}, /* transformers does nothing with it */
                                   {"is_encoder_decoder", "false"},
                                   {"attention_dropout", "*"},
                                   {"cache_implementation", "*"},
                                   {"rope_scaling", "*"}, /* read below, with what follows */
                                   {"rope_parameters", "*"},
                                   {"sliding_window_pattern", "*"},
                                   {"layer_types", "*"},
                                   {NULL, NULL}};

static LayerSet all_but_every(int64_t full, int64_t layers) {
  LayerSet s = {{0}};
  for (int64_t i = 0; i < layers && i < MOST_LAYERS; i++)
    if ((i + 1) % full) layer_set_add(&s, i);
  return s;
}

/* Newer files have "rope_parameters" for each kind of layer; in older ones "rope_scaling" is of those without
 * a window. */
static bool read_rope(Config *c, const json_t *config, const char *where, Error *err) {
  const json_t *both = json_object_get(config, "rope_parameters");
  return decoder_read_rope_of(&c->rope_theta, &c->rope_scaling, json_object_get(both, "full_attention"),
                              where, err) &&
         decoder_read_rope_of(&c->window_rope_theta, &c->window_rope_scaling,
                              json_object_get(both, "sliding_attention"), where, err) &&
         decoder_read_rope_of(&c->rope_theta, &c->rope_scaling, json_object_get(config, "rope_scaling"),
                              where, err);
}

static bool read_rest(Config *c, const json_t *config, const char *where, Error *err) {
  int64_t full;
  if (!json_get_int(config, "sliding_window_pattern", FULL_EVERY, &full, where, err)) return false;
  if (full < 1) return fail(err, "%s: \"sliding_window_pattern\" is %lld", where, (long long)full);
  const LayerSet windowed = all_but_every(full, c->layers);
  return decoder_read_layers(c, config, &windowed, where, err) && read_rope(c, config, where, err);
}

static void write_rest(const Config *c, json_t *config) {
  json_put(config, "hidden_activation", json_string("gelu_pytorch_tanh"));
  if (c->logit_cap == 0) json_put(config, "final_logit_softcapping", json_null());
  decoder_write_layers(c, config);
  decoder_write_rope(c, config);
}

/* Of a new model: a quarter of the context for windows, and the last layer without one. */
static bool complete(Config *c, Error *err) {
  if (!decoder_complete(c, err)) return false;
  if (!c->query_scalar) c->query_scalar = c->head_size;
  if (c->window) return true;
  c->window = c->context < 4 ? 1 : c->context / 4;
  c->windowed = all_but_every(c->layers < FULL_EVERY ? c->layers : FULL_EVERY, c->layers);
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
                         (DecoderSpec){.names = &layer_names,
                                       .norm = NORM_RMS_ADD_ONE,
                                       .norm_heads = true,
                                       .activation = ACTIVATION_GELU_TANH,
                                       .qkv_bias = c->attention_bias,
                                       .out_bias = c->attention_bias,
                                       .embedding_scale = sqrtf((float)c->width)});
}

const Arch arch_gemma3 = {.name = "gemma3",
                          .model_type = "gemma3_text",
                          .hf_class = "Gemma3ForCausalLM",
                          .presets = decoder_presets,
                          .keys = keys,
                          .facts = facts,
                          .namings = decoder_namings,
                          .forward = forward,
                          .complete = complete,
                          .read_rest = read_rest,
                          .write_rest = write_rest};
