/* gptj.c - GPT-J (Wang and Komatsuzaki 2021): LayerNorm, parallel branches with one norm, rotation of
 * adjacent pairs in a part of each head, biases in the feed-forward block and the output. transformers:
 * GPTJForCausalLM. */
#include "models/decoder.h"

static const ConfigKey keys[] = {
    {"vocab_size", CONFIG_INT, offsetof(Config, vocabulary), 50400, NAN, NULL},
    {"n_layer", CONFIG_INT, offsetof(Config, layers), 28, NAN, "num_hidden_layers"},
    {"n_embd", CONFIG_INT, offsetof(Config, width), 4096, NAN, "hidden_size"},
    {"n_head", CONFIG_INT, offsetof(Config, heads), 16, NAN, "num_attention_heads"},
    {"n_inner", CONFIG_INT, offsetof(Config, ffn), 0, 0, NULL},
    {"n_positions", CONFIG_INT, offsetof(Config, context), 2048, NAN, "max_position_embeddings"},
    {"rotary_dim", CONFIG_INT, offsetof(Config, rotary_size), 64, NAN, NULL},
    {"layer_norm_epsilon", CONFIG_REAL, offsetof(Config, norm_epsilon), 1e-5, NAN, NULL},
    {"tie_word_embeddings", CONFIG_BOOL, offsetof(Config, tied), 0, NAN, NULL},
    DECODER_TOKENS(50256, 50256, -1)};

/* Unlike other families, this one has a fixed base of rotary positions, which are never scaled. */
static const ConfigFact facts[] = {{"activation_function", "\"gelu_new\"|\"gelu_pytorch_tanh\""},
                                   {"is_encoder_decoder", "false"},
                                   {"rotary", "true"},
                                   {"scale_attn_weights", "true"},
                                   {"attn_pdrop", "*"},
                                   {"embd_pdrop", "*"},
                                   {"resid_pdrop", "*"},
                                   {"summary_type", "*"},
                                   {"summary_use_proj", "*"},
                                   {"summary_activation", "*"},
                                   {"summary_proj_to_labels", "*"},
                                   {"summary_first_dropout", "*"},
                                   {NULL, NULL}};

static const TensorName names[] = {
    {"lm_head.weight", TENSOR_OUTPUT, "transformer.wte.weight", NULL, FORM_SAME},
    {"transformer.h.#.attn.bias", TENSOR_IGNORED, NULL, NULL, FORM_SAME}, /* masks */
    {"transformer.h.#.attn.masked_bias", TENSOR_IGNORED, NULL, NULL, FORM_SAME},
    {NULL, TENSOR_COPY, NULL, NULL, FORM_SAME}};
static const Naming namings[] = {{"huggingface", "transformer.", names}, {NULL, NULL, NULL}};

static bool complete(Config *c, const char *where, Error *err) {
  if (c->kv_heads && c->kv_heads != c->heads)
    return fail_value(err, where, "leave out --kv-heads", "gptj has no grouped-query attention");
  if (!c->ffn) c->ffn = 4 * c->width;
  return decoder_complete(c, where, err);
}

static bool read_rest(Config *c, const json_t *config, const char *where, Error *err) {
  (void)config;
  return c->rotary_size > 0 ||
         fail(err, "%s: \"rotary_dim\" is %lld, but must be at least 2", where, (long long)c->rotary_size);
}

static void write_rest(const Config *c, json_t *config) {
  json_put(config, "rotary_dim", json_integer(decoder_rotated(c))); /* new models: whole heads */
  json_put(config, "activation_function", json_string("gelu_new"));
}

static const DecoderNames layer_names = {.body = "transformer",
                                         .embedding = "wte",
                                         .layers = "h",
                                         .attention_norm = "ln_1",
                                         .attention = "attn",
                                         .q = "q_proj",
                                         .k = "k_proj",
                                         .v = "v_proj",
                                         .out = "out_proj",
                                         .mlp = "mlp",
                                         .up = "fc_in",
                                         .down = "fc_out",
                                         .last_norm = "ln_f",
                                         .head = "lm_head"};

static Output forward(Net *net, const Config *c, const Batch *batch) {
  return decoder_forward(net, c, batch,
                         (DecoderSpec){.names = layer_names,
                                       .norm = NORM_LAYER,
                                       .activation = ACTIVATION_GELU_TANH,
                                       .mlp_bias = true,
                                       .head_bias = true,
                                       .parallel = true,
                                       .interleaved = true});
}

const Arch arch_gptj = {.name = "gptj",
                        .model_type = "gptj",
                        .hf_class = "GPTJForCausalLM",
                        .namings = namings,
                        .complete = complete,
                        .read_rest = read_rest,
                        DECODER_ARCH};
