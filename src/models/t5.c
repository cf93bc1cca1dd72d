/* t5.c - T5 (Raffel et al. 2020): RMS norms before blocks, a bias of scores by distance instead of positions,
 * no other biases; Flan-T5 and mT5: gated GELU. UMT5 (Chung et al. 2023): each layer has its own bias.
 * transformers: T5ForConditionalGeneration, MT5ForConditionalGeneration, UMT5ForConditionalGeneration. */
#include <string.h>

#include "models/encoder_decoder.h"

extern const Arch arch_t5, arch_mt5, arch_umt5;

/* The class limits no length; the published files say "n_positions". */
#define KEYS(vocabulary_, layers_, heads_, ffn_, start_)                                                 \
  {                                                                                                      \
    {"vocab_size", CONFIG_INT, offsetof(Config, vocabulary), vocabulary_, NAN, NULL},                    \
        {"num_layers", CONFIG_INT, offsetof(Config, encoder_layers), layers_, NAN, "num_hidden_layers"}, \
        {"num_decoder_layers", CONFIG_INT, offsetof(Config, layers), 0, 0, NULL},                        \
        {"d_model", CONFIG_INT, offsetof(Config, width), 512, NAN, "hidden_size"},                       \
        {"num_heads", CONFIG_INT, offsetof(Config, heads), heads_, NAN, "num_attention_heads"},          \
        {"d_kv", CONFIG_INT, offsetof(Config, head_size), 64, NAN, "head_dim"},                          \
        {"d_ff", CONFIG_INT, offsetof(Config, ffn), ffn_, NAN, NULL},                                    \
        {"n_positions", CONFIG_INT, offsetof(Config, context), 512, NAN, NULL},                          \
        {"relative_attention_num_buckets", CONFIG_INT, offsetof(Config, buckets), 32, NAN, NULL},        \
        {"relative_attention_max_distance", CONFIG_INT, offsetof(Config, farthest), 128, NAN, NULL},     \
        {"layer_norm_epsilon", CONFIG_REAL, offsetof(Config, norm_epsilon), 1e-6, NAN, NULL},            \
        {"bos_token_id", CONFIG_TOKEN, offsetof(Config, bos), -1, -1, NULL},                             \
        {"eos_token_id", CONFIG_TOKENS, offsetof(Config, ends), 1, -1, NULL},                            \
        {"pad_token_id", CONFIG_TOKEN, offsetof(Config, pad), 0, -1, NULL},                              \
        {"decoder_start_token_id", CONFIG_TOKEN, offsetof(Config, decoder_start), start_, -1, NULL}, {   \
      NULL, 0, 0, 0, 0, NULL                                                                             \
    }                                                                                                    \
  }
static const ConfigKey t5_keys[] = KEYS(32128, 6, 8, 2048, -1), mt5_keys[] = KEYS(250112, 8, 6, 1024, 0),
                       umt5_keys[] = KEYS(250112, 8, 6, 1024, 0);

static const ConfigFact facts[] = {{"is_encoder_decoder", "true"},
                                   {"feed_forward_proj", "*"}, /* read below, as are the next four */
                                   {"dense_act_fn", "*"},
                                   {"is_gated_act", "*"},
                                   {"tie_word_embeddings", "*"},
                                   {"scale_decoder_outputs", "*"},
                                   {"dropout_rate", "*"},
                                   {"classifier_dropout", "*"},
                                   {NULL, NULL}};

static const TensorName names[] = {
    {"lm_head.weight", TENSOR_OUTPUT, "shared.weight", NULL, FORM_SAME},
    {"encoder.embed_tokens.weight", TENSOR_COPY, "shared.weight", NULL, FORM_SAME},
    {"decoder.embed_tokens.weight", TENSOR_COPY, "shared.weight", NULL, FORM_SAME},
    /* of the first files, of no effect there either */
    {"decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight", TENSOR_IGNORED, NULL, NULL,
     FORM_SAME},
    {NULL, TENSOR_COPY, NULL, NULL, FORM_SAME}};
static const Naming namings[] = {{"huggingface", "", names}, {NULL, NULL, NULL}};

/* "gated-gelu", which means the tanh form, "relu", "gated-silu". */
static bool read_feed_forward(Config *c, const json_t *config, const char *where, Error *err) {
  const char *form = json_get_text(config, "feed_forward_proj", c->arch == &arch_t5 ? "relu" : "gated-gelu");
  const bool gated = !strncmp(form, "gated-", 6);
  const char *name = gated ? form + 6 : form;
  if (!strcmp(form, "gated-gelu")) name = "gelu_new";
  return json_get_bool(config, "is_gated_act", gated, &c->gated, where, err) &&
         encoder_decoder_read_activation(
             c, json_object_get(config, "dense_act_fn") ? "dense_act_fn" : "feed_forward_proj",
             json_get_text(config, "dense_act_fn", name), where, err);
}

/* Files that say that the output matrix is not tied mean that outputs are not scaled. mT5's never are. The
 * matrix itself is tied unless the file has another (TENSOR_OUTPUT). */
static bool read_rest(Config *c, const json_t *config, const char *where, Error *err) {
  bool tied = true;
  c->tied = true;
  if (!c->layers) c->layers = c->encoder_layers;
  if (c->decoder_start < 0) c->decoder_start = c->pad >= 0 ? c->pad : c->bos;
  if (!json_get_bool(config, "tie_word_embeddings", true, &tied, where, err) ||
      !json_get_bool(config, "scale_decoder_outputs", tied, &c->scale_output, where, err))
    return false;
  if (c->arch == &arch_mt5) c->scale_output = false;
  return read_feed_forward(c, config, where, err);
}

static void write_rest(const Config *c, json_t *config) {
  static const char *const kinds[] = {
      [FFN_RELU] = "relu", [FFN_GELU] = "gelu", [FFN_GELU_TANH] = "gelu_new", [FFN_SILU] = "silu"};
  char form[32];
  const FeedForward kind = c->gated && c->feed_forward == FFN_GELU_TANH ? FFN_GELU : c->feed_forward;
  snprintf(form, sizeof form, "%s%s", c->gated ? "gated-" : "", kinds[kind]);
  json_put(config, "feed_forward_proj", json_string(form));
  json_put(config, "is_gated_act", json_boolean(c->gated));
  json_put(config, "dense_act_fn", json_string(kinds[c->feed_forward]));
  json_put(config, "tie_word_embeddings", json_boolean(c->scale_output || c->arch == &arch_mt5));
  if (c->arch != &arch_mt5) json_put(config, "scale_decoder_outputs", json_boolean(c->scale_output));
  json_put(config, "is_encoder_decoder", json_true());
  json_put(config, "dropout_rate", json_real(0));
}

static void begin(Config *c) {
  c->buckets = 32;
  c->farthest = 128;
  c->scale_embedding = false;
  c->scale_output = c->arch != &arch_mt5;
  c->gated = c->feed_forward == FFN_SWIGLU || c->arch != &arch_t5;
  if (c->feed_forward == FFN_SWIGLU) c->feed_forward = FFN_SILU;
  if (c->feed_forward == FFN_RELU && c->arch != &arch_t5) c->feed_forward = FFN_GELU_TANH;
}

static bool complete(Config *c, const char *where, Error *err) {
  if (!c->encoder_layers) c->encoder_layers = c->layers;
  if (!c->ffn) c->ffn = 4 * c->width;
  c->encoder_ffn = c->ffn;
  c->encoder_heads = c->heads;
  if (c->heads < 1 || (!c->head_size && c->width % c->heads))
    return fail_value(err, where, "give a width that is a multiple of the number of heads",
                      "a width of %lld cannot be divided among %lld heads", (long long)c->width,
                      (long long)c->heads);
  if (!c->head_size) c->head_size = c->width / c->heads;
  if (c->kv_heads && c->kv_heads != c->heads)
    return fail_value(err, where, "leave out --kv-heads", "%s has no grouped-query attention", c->arch->name);
  c->kv_heads = c->heads;
  return (c->buckets >= 4 && c->buckets % 4 == 0 && c->farthest > c->buckets / 2) ||
         fail(err,
              "%s: relative_attention_num_buckets %lld and relative_attention_max_distance %lld are not "
              "supported",
              where, (long long)c->buckets, (long long)c->farthest);
}

static const EncoderDecoderNames layer_names = {
    .layers = "block",
    .last_norm = "final_layer_norm",
    .self = "layer.0.SelfAttention",
    .self_norm = "layer.0.layer_norm",
    .cross = "layer.1.EncDecAttention",
    .cross_norm = "layer.1.layer_norm",
    .q = "q",
    .k = "k",
    .v = "v",
    .out = "o",
    .ffn_norm = {"layer.1.layer_norm", "layer.2.layer_norm"},
    .up = {"layer.1.DenseReluDense.wi", "layer.2.DenseReluDense.wi"},
    .gate = {"layer.1.DenseReluDense.wi_0", "layer.2.DenseReluDense.wi_0"},
    .gated_up = {"layer.1.DenseReluDense.wi_1", "layer.2.DenseReluDense.wi_1"},
    .down = {"layer.1.DenseReluDense.wo", "layer.2.DenseReluDense.wo"},
};

static Output forward(Net *net, const Config *c, const Batch *batch) {
  static const EncoderDecoder kinds[] = {
      {.names = &layer_names, .pre_norm = true, .positions = POSITIONS_RELATIVE},
      {.names = &layer_names, .pre_norm = true, .positions = POSITIONS_RELATIVE, .bias_each = true}};
  return encoder_decoder_forward(net, c, batch, &kinds[c->arch == &arch_umt5]);
}

/* With gates, two thirds of the width between. */
static const Preset gated_presets[PRESETS] = {
    {"nano", 2, 32, 4, 96, 128},    {"tiny", 2, 128, 4, 160, 256},      {"small", 3, 256, 4, 352, 256},
    {"base", 4, 512, 8, 1376, 512}, {"medium", 7, 768, 12, 2048, 1024},
};

#define KIN(name_, class_, presets_)                                        \
  const Arch arch_##name_ = {.name = #name_,                                \
                             .model_type = #name_,                          \
                             .hf_class = class_ "ForConditionalGeneration", \
                             .encodes = true,                               \
                             .presets = presets_,                           \
                             .keys = name_##_keys,                          \
                             .facts = facts,                                \
                             .namings = namings,                            \
                             .forward = forward,                            \
                             .begin = begin,                                \
                             .complete = complete,                          \
                             .read_rest = read_rest,                        \
                             .write_rest = write_rest}
KIN(t5, "T5", encoder_decoder_presets);
KIN(mt5, "MT5", gated_presets);
KIN(umt5, "UMT5", gated_presets);
