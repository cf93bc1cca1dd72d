/* smollm3.c - SmolLM3 (Hugging Face 2025): Llama without rotary positions in every fourth layer.
 * transformers: SmolLM3ForCausalLM. */
#include "models/decoder.h"

enum { PLAIN_EVERY = 4 };

static const ConfigKey keys[] = {DECODER_SIZES(128256, 36, 2048, 16, 11008, 32768),
                                 DECODER_KEY(INT, "num_key_value_heads", kv_heads, 4, 0),
                                 DECODER_KEY(REAL, "rms_norm_eps", norm_epsilon, 1e-6, NAN),
                                 DECODER_KEY(REAL, "rope_theta", rope_theta, 2e6, 2e6),
                                 DECODER_KEY(BOOL, "attention_bias", attention_bias, 0, NAN),
                                 DECODER_KEY(BOOL, "mlp_bias", mlp_bias, 0, NAN),
                                 DECODER_KEY(INT, "sliding_window", window, 0, 0),
                                 DECODER_KEY(BOOL, "tie_word_embeddings", tied, 1, NAN),
                                 DECODER_TOKENS(128000, 128001, 128004)};

static const ConfigFact facts[] = {DECODER_FACTS,
                                   {"hidden_act", "\"silu\"|\"swish\""},
                                   {"use_sliding_window", "*"},
                                   {"max_window_layers", "*"},
                                   {"layer_types", "*"},
                                   {"no_rope_layers", "*"},
                                   {"no_rope_layer_interval", "*"},
                                   {NULL, NULL}};

static LayerSet every(int64_t step, int64_t layers) {
  LayerSet s = {{0}};
  for (int64_t i = step - 1; i < layers && i < MOST_LAYERS; i += step) layer_set_add(&s, i);
  return s;
}

/* "no_rope_layers" has a number for each layer, 0 if it has no rotary positions. */
static bool read_plain_layers(Config *c, const json_t *config, const char *where, Error *err) {
  const json_t *list = json_object_get(config, "no_rope_layers");
  int64_t step;
  if (!json_get_int(config, "no_rope_layer_interval", PLAIN_EVERY, &step, where, err)) return false;
  if (step < 1)
    return fail(err, "%s: \"no_rope_layer_interval\" is %lld, but must be at least 1", where,
                (long long)step);
  c->unrotated = every(step, c->layers);
  if (!list || json_is_null(list)) return true;
  if (!json_is_array(list) || (int64_t)json_array_size(list) != c->layers || c->layers > MOST_LAYERS)
    return fail(err, "%s: \"no_rope_layers\" is not a list of %lld layers", where, (long long)c->layers);
  c->unrotated = (LayerSet){{0}};
  for (int64_t i = 0; i < c->layers; i++) {
    const json_t *rotated = json_array_get(list, (size_t)i);
    if (!json_is_integer(rotated))
      return fail(err, "%s: \"no_rope_layers\" has elements that are not integers", where);
    if (!json_integer_value(rotated)) layer_set_add(&c->unrotated, i);
  }
  return true;
}

static bool read_rest(Config *c, const json_t *config, const char *where, Error *err) {
  const LayerSet none = {{0}};
  bool windows;
  if (!json_get_bool(config, "use_sliding_window", false, &windows, where, err)) return false;
  if (!windows) c->window = 0;
  return read_plain_layers(c, config, where, err) &&
         decoder_read_layers(c, config, c->window ? &c->unrotated : &none, where, err) &&
         decoder_read_rope(c, config, where, err);
}

static void write_rest(const Config *c, json_t *config) {
  json_t *list = json_array();
  for (int64_t i = 0; i < c->layers; i++) json_push(list, json_integer(!layer_set_has(&c->unrotated, i)));
  json_put(config, "no_rope_layers", list);
  json_put(config, "hidden_act", json_string("silu"));
  decoder_write_last_layers(c, config);
}

static void begin(Config *c) {
  c->unrotated = every(PLAIN_EVERY, c->layers);
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
                                       .mlp_bias = c->mlp_bias});
}

const Arch arch_smollm3 = {.name = "smollm3",
                           .model_type = "smollm3",
                           .hf_class = "SmolLM3ForCausalLM",
                           .namings = decoder_namings_pairs,
                           .begin = begin,
                           .complete = decoder_complete,
                           .read_rest = read_rest,
                           DECODER_ARCH};
