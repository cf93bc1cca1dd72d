/* phi3.c - Phi-3 (Abdin et al. 2024): Llama with queries, keys and values in one matrix, gate and up
 * projections in another, rotation of a part of each head, and an optional window. transformers:
 * Phi3ForCausalLM. */
#include "models/decoder.h"

static const ConfigKey keys[] = {
    DECODER_SIZES(32064, 32, 3072, 32, 8192, 4096),
    DECODER_KEY(INT, "num_key_value_heads", kv_heads, 0, 0),
    DECODER_KEY(REAL, "rms_norm_eps", norm_epsilon, 1e-5, NAN),
    DECODER_KEY(REAL, "rope_theta", rope_theta, 10000, 10000),
    DECODER_KEY(REAL, "partial_rotary_factor", rotary_share, 1, NAN),
    DECODER_KEY(INT, "original_max_position_embeddings", first_context, 4096, NAN),
    DECODER_KEY(INT, "sliding_window", window, 0, 0),
    DECODER_KEY(BOOL, "tie_word_embeddings", tied, 0, NAN),
    DECODER_TOKENS(1, 32000, 32000)};

static const ConfigFact facts[] = {
    DECODER_FACTS,        {"hidden_act", "\"silu\"|\"swish\""}, {"embd_pdrop", "*"},
    {"resid_pdrop", "*"}, {"attention_bias", "false"},          {NULL, NULL}};

static void write_rest(const Config *c, json_t *config) {
  json_put(config, "hidden_act", json_string("silu"));
  decoder_write_windows(c, config);
}

static void begin(Config *c) {
  c->first_context = c->context;
}

static const DecoderNames layer_names = {.body = "model",
                                         .embedding = "embed_tokens",
                                         .layers = "layers",
                                         .attention_norm = "input_layernorm",
                                         .attention = "self_attn",
                                         .qkv = "qkv_proj",
                                         .out = "o_proj",
                                         .ffn_norm = "post_attention_layernorm",
                                         .mlp = "mlp",
                                         .gate_up = "gate_up_proj",
                                         .down = "down_proj",
                                         .last_norm = "norm",
                                         .head = "lm_head"};

static Output forward(Net *net, const Config *c, const Batch *batch) {
  return decoder_forward(
      net, c, batch, (DecoderSpec){.names = layer_names, .norm = NORM_RMS, .activation = ACTIVATION_SILU});
}

const Arch arch_phi3 = {.name = "phi3",
                        .model_type = "phi3",
                        .hf_class = "Phi3ForCausalLM",
                        .namings = decoder_namings,
                        .begin = begin,
                        .complete = decoder_complete,
                        .read_rest = decoder_read_windows,
                        DECODER_ARCH};
