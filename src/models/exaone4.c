/* exaone4.c - EXAONE 4 (LG AI Research 2025): norms only after the branches, norms of queries and keys per
 * head, windows in most layers, and rotary positions only in those. transformers: Exaone4ForCausalLM. */
#include "models/decoder.h"

enum { FULL_EVERY = 4 }; /* every 4th layer has no window */

static const ConfigKey keys[] = {DECODER_SIZES(102400, 32, 4096, 32, 16384, 2048),
                                 DECODER_KEY(INT, "num_key_value_heads", kv_heads, 32, 0),
                                 DECODER_KEY(INT, "head_dim", head_size, 0, NAN),
                                 DECODER_KEY(REAL, "rms_norm_eps", norm_epsilon, 1e-5, NAN),
                                 DECODER_KEY(REAL, "rope_theta", rope_theta, 10000, 10000),
                                 DECODER_KEY(INT, "sliding_window", window, 4096, 0),
                                 DECODER_KEY(BOOL, "tie_word_embeddings", tied, 0, NAN),
                                 DECODER_TOKENS(0, 2, -1)};

static const ConfigFact facts[] = {DECODER_FACTS,
                                   {"hidden_act", "\"silu\"|\"swish\""},
                                   {"sliding_window_pattern", "*"},
                                   {"layer_types", "*"},
                                   {NULL, NULL}};

/* In a model with a window, layers without one have no rotary positions, also if it has only such layers. A
 * pattern is a number: transformers cannot read "LLLG". */
static bool read_rest(Config *c, const json_t *config, const char *where, Error *err) {
  LayerSet windowed = {{0}};
  if (!c->window && json_is_integer(json_object_get(config, "sliding_window")))
    return fail(err, "%s: \"sliding_window\" is 0, but must be at least 1, or null for no window", where);
  if ((c->window && !decoder_read_pattern(c, config, FULL_EVERY, &windowed, where, err)) ||
      !decoder_read_layers(c, config, &windowed, where, err))
    return false;
  if (c->window) decoder_rotate_windowed(c);
  return decoder_read_rope(c, config, where, err);
}

static void write_rest(const Config *c, json_t *config) {
  json_put(config, "hidden_act", json_string("silu"));
  if (!c->window) json_put(config, "sliding_window", json_null());
  decoder_write_layers(c, config);
  decoder_write_rope(c, config);
}

/* A single layer needs rotary positions, so it has no window. */
static void begin(Config *c) {
  if (c->layers < 2) return;
  decoder_begin_windows(c, FULL_EVERY);
  decoder_rotate_windowed(c);
}

static const DecoderNames layer_names = {DECODER_LLAMA_NAMES, .q_norm = "q_norm", .k_norm = "k_norm",
                                         .attention_norm_behind = "post_attention_layernorm",
                                         .ffn_norm_behind = "post_feedforward_layernorm"};

static Output forward(Net *net, const Config *c, const Batch *batch) {
  return decoder_forward(net, c, batch,
                         (DecoderSpec){.names = layer_names,
                                       .norm = NORM_RMS,
                                       .head_norm = NORM_EACH_HEAD,
                                       .activation = ACTIVATION_SILU});
}

const Arch arch_exaone4 = {.name = "exaone4",
                           .model_type = "exaone4",
                           .hf_class = "Exaone4ForCausalLM",
                           .namings = decoder_namings_behind,
                           .begin = begin,
                           .complete = decoder_complete,
                           .read_rest = read_rest,
                           DECODER_ARCH};
