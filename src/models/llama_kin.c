/* llama_kin.c - families that are Llama but for an attribute or two. Helium (Kyutai 2025) and ERNIE 4.5
 * (Baidu 2025) rotate adjacent pairs; Arcee (2025) has relu^2 without gates; Seed-OSS (ByteDance 2025) biases
 * of queries, keys and values. transformers: HeliumForCausalLM, Ernie4_5ForCausalLM, ArceeForCausalLM,
 * SeedOssForCausalLM. */
#include "models/decoder.h"

extern const Arch arch_helium, arch_ernie4_5, arch_arcee, arch_seed_oss;

/* head_ and null_: head_dim if it is absent, and if it is null. */
#define SHARED(kv_, head_, null_, epsilon_, theta_, tied_)            \
  DECODER_KEY(INT, "num_key_value_heads", kv_heads, kv_, 0),          \
      DECODER_KEY(INT, "head_dim", head_size, head_, null_),          \
      DECODER_KEY(REAL, "rms_norm_eps", norm_epsilon, epsilon_, NAN), \
      DECODER_KEY(REAL, "rope_theta", rope_theta, theta_, theta_),    \
      DECODER_KEY(BOOL, "tie_word_embeddings", tied, tied_, NAN)
#define BIAS(key, member, otherwise) DECODER_KEY(BOOL, key, member, otherwise, NAN)

static const ConfigKey helium_keys[] = {DECODER_SIZES(48000, 24, 2560, 20, 7040, 4096),
                                        SHARED(20, 128, NAN, 1e-8, 1e5, 0),
                                        BIAS("attention_bias", query_bias, 0), BIAS("mlp_bias", mlp_bias, 0),
                                        DECODER_TOKENS(1, 2, 3)},
                       ernie4_5_keys[] = {DECODER_SIZES(103424, 18, 1024, 16, 3072, 131072),
                                          SHARED(2, 128, 0, 1e-5, 5e5, 1), BIAS("use_bias", query_bias, 0),
                                          DECODER_TOKENS(1, 2, 0)},
                       arcee_keys[] = {DECODER_SIZES(32000, 32, 2560, 32, 18432, 4096),
                                       SHARED(0, 0, 0, 1e-5, 1e4, 0), BIAS("attention_bias", query_bias, 0),
                                       BIAS("mlp_bias", mlp_bias, 0), DECODER_TOKENS(128000, 128001, -1)},
                       seed_oss_keys[] = {DECODER_SIZES(155136, 64, 4096, 80, 27648, 524288),
                                          SHARED(8, 128, 0, 1e-6, 1e4, 0),
                                          BIAS("attention_bias", query_bias, 1),
                                          BIAS("attention_out_bias", attention_bias, 0),
                                          BIAS("mlp_bias", mlp_bias, 0),
                                          DECODER_TOKENS(0, 2, 1)};

#define FACTS                               \
  DECODER_FACTS, {"pretraining_tp", "*"}, { \
    "residual_dropout", "*"                 \
  }
static const ConfigFact facts[] = {FACTS, {"hidden_act", "\"silu\"|\"swish\""}, {NULL, NULL}},
                        arcee_facts[] = {FACTS, {"hidden_act", "\"relu2\""}, {NULL, NULL}};

static void write_rest(const Config *c, json_t *config) {
  json_put(config, "hidden_act", json_string(c->arch == &arch_arcee ? "relu2" : "silu"));
  decoder_write_rope(c, config);
}

static void begin_with_bias(Config *c) {
  c->query_bias = true;
}

static bool complete(Config *c, const char *where, Error *err) {
  if (c->arch == &arch_arcee || c->arch == &arch_ernie4_5) c->attention_bias = c->query_bias;
  if (c->arch == &arch_ernie4_5) c->mlp_bias = c->query_bias;
  if (c->arch == &arch_arcee && !c->ffn) c->ffn = 4 * c->width;
  return decoder_complete(c, where, err) &&
         (c->arch != &arch_helium || c->heads * c->head_size == c->width ||
          fail_value(err, where, "give heads and head_dim whose product is the width",
                     "helium has heads as wide as the model together, not %lld of %lld values",
                     (long long)c->heads, (long long)c->head_size));
}

static const DecoderNames layer_names = {DECODER_LLAMA_NAMES, .attention_norm = "input_layernorm",
                                         .ffn_norm = "post_attention_layernorm"};

static Output forward(Net *net, const Config *c, const Batch *batch) {
  const bool gated = c->arch != &arch_arcee;
  DecoderNames names = layer_names;
  if (!gated) names.gate = NULL;
  return decoder_forward(net, c, batch,
                         (DecoderSpec){.names = names,
                                       .norm = NORM_RMS,
                                       .activation = gated ? ACTIVATION_SILU : ACTIVATION_RELU_SQUARED,
                                       .qkv_bias = c->query_bias,
                                       .out_bias = c->attention_bias,
                                       .mlp_bias = c->mlp_bias,
                                       .interleaved = c->arch == &arch_helium || c->arch == &arch_ernie4_5});
}

#define KIN(name_, class_, facts_, namings_, begin_)         \
  const Arch arch_##name_ = {.name = #name_,                 \
                             .model_type = #name_,           \
                             .hf_class = class_,             \
                             .presets = decoder_presets,     \
                             .keys = name_##_keys,           \
                             .facts = facts_,                \
                             .namings = namings_,            \
                             .forward = forward,             \
                             .begin = begin_,                \
                             .complete = complete,           \
                             .read_rest = decoder_read_rope, \
                             .write_rest = write_rest}
KIN(helium, "HeliumForCausalLM", facts, decoder_namings, NULL);
KIN(ernie4_5, "Ernie4_5ForCausalLM", facts, decoder_namings, NULL);
KIN(arcee, "ArceeForCausalLM", arcee_facts, decoder_namings_pairs, NULL);
KIN(seed_oss, "SeedOssForCausalLM", facts, decoder_namings_behind, begin_with_bias);
