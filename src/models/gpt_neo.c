/* gpt_neo.c - GPT-Neo (EleutherAI 2021): GPT-2 with separate queries, keys and values, whose scores are not
 * scaled, and windows in every other layer. transformers: GPTNeoForCausalLM. */
#include <string.h>

#include "models/decoder.h"

static const ConfigKey keys[] = {
    {"vocab_size", CONFIG_INT, offsetof(Config, vocabulary), 50257, NAN, NULL},
    {"num_layers", CONFIG_INT, offsetof(Config, layers), 24, NAN, "num_hidden_layers"},
    {"hidden_size", CONFIG_INT, offsetof(Config, width), 2048, NAN, NULL},
    {"num_heads", CONFIG_INT, offsetof(Config, heads), 16, NAN, "num_attention_heads"},
    {"intermediate_size", CONFIG_INT, offsetof(Config, ffn), 0, 0, NULL},
    {"max_position_embeddings", CONFIG_INT, offsetof(Config, context), 2048, NAN, NULL},
    {"window_size", CONFIG_INT, offsetof(Config, window), 256, NAN, NULL},
    {"layer_norm_epsilon", CONFIG_REAL, offsetof(Config, norm_epsilon), 1e-5, NAN, NULL},
    {"tie_word_embeddings", CONFIG_BOOL, offsetof(Config, tied), 1, NAN, NULL},
    DECODER_TOKENS(50256, 50256, -1)};

static const ConfigFact facts[] = {{"activation_function", "\"gelu_new\"|\"gelu_pytorch_tanh\""},
                                   {"is_encoder_decoder", "false"},
                                   {"attention_types", "*"}, /* read below */
                                   {"attention_layers", "*"},
                                   {"attention_dropout", "*"},
                                   {"embed_dropout", "*"},
                                   {"resid_dropout", "*"},
                                   {"classifier_dropout", "*"},
                                   {"summary_type", "*"},
                                   {"summary_use_proj", "*"},
                                   {"summary_activation", "*"},
                                   {"summary_proj_to_labels", "*"},
                                   {"summary_first_dropout", "*"},
                                   {NULL, NULL}};

static const TensorName names[] = {
    {"lm_head.weight", TENSOR_OUTPUT, "transformer.wte.weight", NULL, FORM_SAME},
    {"transformer.h.#.attn.attention.bias", TENSOR_IGNORED, NULL, NULL, FORM_SAME}, /* masks */
    {"transformer.h.#.attn.attention.masked_bias", TENSOR_IGNORED, NULL, NULL, FORM_SAME},
    {NULL, TENSOR_COPY, NULL, NULL, FORM_SAME}};
static const Naming namings[] = {{"huggingface", "transformer.", names}, {NULL, NULL, NULL}};

static bool is_word(const json_t *kind, const char *word) {
  return json_is_string(kind) && !strcmp(json_string_value(kind), word);
}

/* [kinds, how often], repeated from layer *at on. */
static bool read_kinds(Config *c, const json_t *item, int64_t *at) {
  const json_t *kinds = json_array_get(item, 0);
  const int64_t count = (int64_t)json_array_size(kinds), times = json_integer_value(json_array_get(item, 1));
  if (count < 1 || times < 0 || times > c->layers) return false;
  for (int64_t i = 0; i < count * times; i++, ++*at) {
    const json_t *kind = json_array_get(kinds, (size_t)(i % count));
    if (*at >= c->layers || *at >= MOST_LAYERS) return false;
    if (is_word(kind, "local"))
      layer_set_add(&c->windowed, *at);
    else if (!is_word(kind, "global"))
      return false;
  }
  return true;
}

/* [[["global", "local"], 12]]: which layers have a window. */
static bool read_rest(Config *c, const json_t *config, const char *where, Error *err) {
  json_t *types = json_object_get(config, "attention_types"), *usual = NULL;
  int64_t at = 0;
  if (!types || json_is_null(types)) types = usual = json_build("[[[s, s], i]]", "global", "local", 12);
  bool good = json_is_array(types);
  for (size_t i = 0; good && i < json_array_size(types); i++)
    good = read_kinds(c, json_array_get(types, i), &at);
  json_decref(usual);
  return (good && at == c->layers && c->window > 0) ||
         fail(err,
              "%s: \"attention_types\" and \"window_size\" do not give each of %lld layers global or local "
              "attention",
              where, (long long)c->layers);
}

static void write_rest(const Config *c, json_t *config) {
  json_t *kinds = json_array();
  for (int64_t i = 0; i < c->layers; i++)
    json_push(kinds, json_string(layer_set_has(&c->windowed, i) ? "local" : "global"));
  json_put(config, "attention_types", json_build("[[o, i]]", kinds, 1));
  json_put(config, "activation_function", json_string("gelu_new"));
}

static void begin(Config *c) {
  decoder_begin_windows(c, 2);
}

static const DecoderNames layer_names = {.body = "transformer",
                                         .embedding = "wte",
                                         .positions = "wpe",
                                         .layers = "h",
                                         .attention_norm = "ln_1",
                                         .attention = "attn.attention",
                                         .q = "q_proj",
                                         .k = "k_proj",
                                         .v = "v_proj",
                                         .out = "out_proj",
                                         .ffn_norm = "ln_2",
                                         .mlp = "mlp",
                                         .up = "c_fc",
                                         .down = "c_proj",
                                         .last_norm = "ln_f",
                                         .head = "lm_head"};

static Output forward(Net *net, const Config *c, const Batch *batch) {
  return decoder_forward(net, c, batch,
                         (DecoderSpec){.names = layer_names,
                                       .norm = NORM_LAYER,
                                       .activation = ACTIVATION_GELU_TANH,
                                       .out_bias = true,
                                       .mlp_bias = true,
                                       .score_scale = 1});
}

const Arch arch_gpt_neo = {.name = "gpt_neo",
                           .model_type = "gpt_neo",
                           .hf_class = "GPTNeoForCausalLM",
                           .namings = namings,
                           .begin = begin,
                           .complete = decoder_complete_plain,
                           .read_rest = read_rest,
                           DECODER_ARCH};
