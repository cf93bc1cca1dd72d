/* mixtral.c - Mixtral (Jiang et al. 2024): Mistral with a mixture of experts in every layer, whose weights
 * are normalized. transformers: MixtralForCausalLM. */
#include "models/decoder.h"

static const ConfigKey keys[] = {DECODER_SIZES(32000, 32, 4096, 32, 14336, 131072),
                                 DECODER_KEY(INT, "num_key_value_heads", kv_heads, 8, 0),
                                 DECODER_KEY(INT, "head_dim", head_size, 0, 0),
                                 DECODER_KEY(INT, "num_local_experts", experts, 8, NAN),
                                 DECODER_KEY(INT, "num_experts_per_tok", experts_each, 2, NAN),
                                 DECODER_KEY(REAL, "rms_norm_eps", norm_epsilon, 1e-5, NAN),
                                 DECODER_KEY(REAL, "rope_theta", rope_theta, 1000000, 1000000),
                                 DECODER_KEY(INT, "sliding_window", window, 0, 0),
                                 DECODER_KEY(BOOL, "tie_word_embeddings", tied, 0, NAN),
                                 DECODER_TOKENS(1, 2, -1)};

static const ConfigFact facts[] = {DECODER_FACTS,
                                   {"hidden_act", "\"silu\"|\"swish\""},
                                   {"output_router_logits", "false"}, /* true: adds a loss */
                                   {"router_aux_loss_coef", "*"},     /* of that loss */
                                   {"router_jitter_noise", "0.0|0"},
                                   {NULL, NULL}};

static bool read_rest(Config *c, const json_t *config, const char *where, Error *err) {
  c->normalize_experts = true;
  return decoder_read_windows(c, config, where, err);
}

static void write_rest(const Config *c, json_t *config) {
  json_put(config, "hidden_act", json_string("silu"));
  decoder_write_windows(c, config);
}

static const DecoderNames layer_names = {.body = "model",
                                         .embedding = "embed_tokens",
                                         .layers = "layers",
                                         .last_norm = "norm",
                                         .head = "lm_head",
                                         .attention = "self_attn",
                                         .q = "q_proj",
                                         .k = "k_proj",
                                         .v = "v_proj",
                                         .out = "o_proj",
                                         .mlp = "block_sparse_moe",
                                         .router = "gate",
                                         .experts = "experts",
                                         .gate = "w1",
                                         .up = "w3",
                                         .down = "w2",
                                         .attention_norm = "input_layernorm",
                                         .ffn_norm = "post_attention_layernorm"};

static Output forward(Net *net, const Config *c, const Batch *batch) {
  return decoder_forward(
      net, c, batch, (DecoderSpec){.names = layer_names, .norm = NORM_RMS, .activation = ACTIVATION_SILU});
}

const Arch arch_mixtral = {.name = "mixtral",
                           .model_type = "mixtral",
                           .hf_class = "MixtralForCausalLM",
                           .namings = decoder_namings_pairs,
                           .begin = decoder_begin_experts,
                           .complete = decoder_complete_experts,
                           .read_rest = read_rest,
                           DECODER_ARCH};
