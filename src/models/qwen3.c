/* qwen3.c - Qwen3 (Qwen team 2025): Llama with queries and keys normed in each head before they are rotated,
 * and windows in the layers from some number on, where they are asked for. Qwen3ForCausalLM loads it. */
#include "models/decoder.h"

static const ConfigKey keys[] = {
    {"vocab_size", CONFIG_INT, offsetof(Config, vocabulary), 151936, NAN, NULL},
    {"num_hidden_layers", CONFIG_INT, offsetof(Config, layers), 32, NAN, NULL},
    {"hidden_size", CONFIG_INT, offsetof(Config, width), 4096, NAN, NULL},
    {"num_attention_heads", CONFIG_INT, offsetof(Config, heads), 32, NAN, NULL},
    {"num_key_value_heads", CONFIG_INT, offsetof(Config, kv_heads), 32, 0, NULL},
    {"head_dim", CONFIG_INT, offsetof(Config, head_size), 128, NAN, NULL},
    {"intermediate_size", CONFIG_INT, offsetof(Config, ffn), 22016, NAN, NULL},
    {"max_position_embeddings", CONFIG_INT, offsetof(Config, context), 32768, NAN, NULL},
    {"rms_norm_eps", CONFIG_REAL, offsetof(Config, norm_epsilon), 1e-6, NAN, NULL},
    {"rope_theta", CONFIG_REAL, offsetof(Config, rope_theta), 10000, 10000, NULL},
    {"attention_bias", CONFIG_BOOL, offsetof(Config, attention_bias), 0, NAN, NULL},
    {"sliding_window", CONFIG_INT, offsetof(Config, window), 4096, 0, NULL},
    {"tie_word_embeddings", CONFIG_BOOL, offsetof(Config, tied), 0, NAN, NULL},
    {"bos_token_id", CONFIG_TOKEN, offsetof(Config, bos), -1, -1, NULL},
    {"eos_token_id", CONFIG_TOKENS, offsetof(Config, ends), -1, -1, NULL},
    {"pad_token_id", CONFIG_TOKEN, offsetof(Config, pad), -1, -1, NULL},
    {NULL, 0, 0, 0, 0, NULL},
};

static const ConfigFact facts[] = {{"hidden_act", "\"silu\"|\"swish\""},
                                   {"is_encoder_decoder", "false"},
                                   {"attention_dropout", "*"},
                                   {"rope_scaling", "*"}, /* read below, with what follows */
                                   {"rope_parameters", "*"},
                                   {"use_sliding_window", "*"},
                                   {"max_window_layers", "*"},
                                   {"layer_types", "*"},
                                   {NULL, NULL}};

static bool read_rest(Config *c, const json_t *config, const char *where, Error *err) {
  bool windows;
  int64_t first;
  LayerSet windowed = {{0}};
  if (!json_get_bool(config, "use_sliding_window", false, &windows, where, err) ||
      !json_get_int(config, "max_window_layers", 28, &first, where, err))
    return false;
  if (!windows) c->window = 0;
  for (int64_t i = first < 0 ? 0 : first; c->window && i < c->layers && i < MOST_LAYERS; i++)
    layer_set_add(&windowed, i);
  return decoder_read_layers(c, config, &windowed, where, err) && decoder_read_rope(c, config, where, err);
}

static void write_rest(const Config *c, json_t *config) {
  json_put(config, "hidden_act", json_string("silu"));
  json_put(config, "use_sliding_window", json_boolean(c->window > 0));
  if (!c->window) json_put(config, "sliding_window", json_null());
  decoder_write_layers(c, config);
  decoder_write_rope(c, config);
}

static const DecoderNames layer_names = {DECODER_LLAMA_NAMES, .attention_norm = "input_layernorm",
                                         .q_norm = "q_norm", .k_norm = "k_norm",
                                         .ffn_norm = "post_attention_layernorm"};

static Output forward(Net *net, const Config *c, const Batch *batch) {
  return decoder_forward(net, c, batch,
                         (DecoderSpec){.names = &layer_names,
                                       .norm = NORM_RMS,
                                       .norm_heads = true,
                                       .activation = ACTIVATION_SILU,
                                       .qkv_bias = c->attention_bias,
                                       .out_bias = c->attention_bias});
}

const Arch arch_qwen3 = {.name = "qwen3",
                         .model_type = "qwen3",
                         .hf_class = "Qwen3ForCausalLM",
                         .presets = decoder_presets,
                         .keys = keys,
                         .facts = facts,
                         .namings = decoder_namings,
                         .forward = forward,
                         .complete = decoder_complete,
                         .read_rest = read_rest,
                         .write_rest = write_rest};
