/* qwen3_moe.c - Qwen3 with a mixture of experts in every layer (Qwen team 2025), whose weights may be
 * normalized, and an optional window in all layers. transformers: Qwen3MoeForCausalLM. */
#include "models/decoder.h"

/* Experts have the width "moe_intermediate_size"; "intermediate_size" is that of layers without experts. */
static const ConfigKey keys[] = {
    DECODER_KEY(INT, "vocab_size", vocabulary, 151936, NAN),
    DECODER_KEY(INT, "num_hidden_layers", layers, 24, NAN),
    DECODER_KEY(INT, "hidden_size", width, 2048, NAN),
    DECODER_KEY(INT, "num_attention_heads", heads, 32, NAN),
    DECODER_KEY(INT, "num_key_value_heads", kv_heads, 4, 0),
    DECODER_KEY(INT, "head_dim", head_size, 0, 0),
    DECODER_KEY(INT, "moe_intermediate_size", ffn, 768, NAN),
    {"num_experts", CONFIG_INT, offsetof(Config, experts), 128, NAN, "num_local_experts"},
    DECODER_KEY(INT, "num_experts_per_tok", experts_each, 8, NAN),
    DECODER_KEY(BOOL, "norm_topk_prob", normalize_experts, 0, NAN),
    DECODER_KEY(INT, "max_position_embeddings", context, 32768, NAN),
    DECODER_KEY(REAL, "rms_norm_eps", norm_epsilon, 1e-6, NAN),
    DECODER_KEY(REAL, "rope_theta", rope_theta, 10000, 10000),
    DECODER_KEY(BOOL, "attention_bias", attention_bias, 0, NAN),
    DECODER_KEY(INT, "sliding_window", window, 4096, 0),
    DECODER_KEY(BOOL, "tie_word_embeddings", tied, 0, NAN),
    DECODER_TOKENS(-1, -1, -1)};

static const ConfigFact facts[] = {DECODER_FACTS,
                                   {"hidden_act", "\"silu\"|\"swish\""},
                                   {"use_sliding_window", "*"},
                                   {"max_window_layers", "*"}, /* ignored: the window is in all layers */
                                   {"intermediate_size", "*"},
                                   {"decoder_sparse_step", "1"},
                                   {"mlp_only_layers", "[]"},
                                   {"output_router_logits", "false"}, /* true: adds a loss */
                                   {"router_aux_loss_coef", "*"},     /* of that loss */
                                   {NULL, NULL}};

static bool read_rest(Config *c, const json_t *config, const char *where, Error *err) {
  bool windows;
  if (!json_get_bool(config, "use_sliding_window", false, &windows, where, err)) return false;
  if (!windows) c->window = 0;
  return decoder_read_windows(c, config, where, err);
}

static void write_rest(const Config *c, json_t *config) {
  json_put(config, "hidden_act", json_string("silu"));
  json_put(config, "use_sliding_window", json_boolean(c->window > 0));
  json_put(config, "decoder_sparse_step", json_integer(1));
  json_put(config, "mlp_only_layers", json_array());
  decoder_write_windows(c, config);
}

static const DecoderNames layer_names = {
    DECODER_LLAMA_NAMES, .attention_norm = "input_layernorm",    .q_norm = "q_norm",
    .k_norm = "k_norm",  .ffn_norm = "post_attention_layernorm", .router = "gate",
    .experts = "experts"};

static Output forward(Net *net, const Config *c, const Batch *batch) {
  return decoder_forward(net, c, batch,
                         (DecoderSpec){.names = layer_names,
                                       .norm = NORM_RMS,
                                       .head_norm = NORM_EACH_HEAD,
                                       .activation = ACTIVATION_SILU,
                                       .qkv_bias = c->attention_bias,
                                       .out_bias = c->attention_bias});
}

const Arch arch_qwen3_moe = {.name = "qwen3_moe",
                             .model_type = "qwen3_moe",
                             .hf_class = "Qwen3MoeForCausalLM",
                             .namings = decoder_namings,
                             .begin = decoder_begin_experts,
                             .complete = decoder_complete_experts,
                             .read_rest = read_rest,
                             DECODER_ARCH};
