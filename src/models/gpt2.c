/* gpt2.c - GPT-2 (Radford et al. 2019): learned positions, LayerNorm before each block, GELU, biases
 * everywhere. Names, transposed weights (Conv1D) and config.json as in transformers' GPT2LMHeadModel. */
#include "models/decoder.h"

static const ConfigKey keys[] = {
    {"vocab_size", CONFIG_INT, offsetof(Config, vocabulary), 50257, NAN, NULL},
    {"n_layer", CONFIG_INT, offsetof(Config, layers), 12, NAN, "num_hidden_layers"},
    {"n_embd", CONFIG_INT, offsetof(Config, width), 768, NAN, "hidden_size"},
    {"n_head", CONFIG_INT, offsetof(Config, heads), 12, NAN, "num_attention_heads"},
    {"n_inner", CONFIG_INT, offsetof(Config, ffn), 0, 0, NULL},
    {"n_positions", CONFIG_INT, offsetof(Config, context), 1024, NAN, "max_position_embeddings"},
    {"layer_norm_epsilon", CONFIG_REAL, offsetof(Config, norm_epsilon), 1e-5, NAN, NULL},
    {"tie_word_embeddings", CONFIG_BOOL, offsetof(Config, tied), 1, NAN, NULL},
    {"bos_token_id", CONFIG_TOKEN, offsetof(Config, bos), 50256, -1, NULL},
    {"eos_token_id", CONFIG_TOKENS, offsetof(Config, ends), 50256, -1, NULL},
    {"pad_token_id", CONFIG_TOKEN, offsetof(Config, pad), -1, -1, NULL},
    {NULL, 0, 0, 0, 0, NULL},
};

static const ConfigFact facts[] = {{"activation_function", "\"gelu_new\"|\"gelu_pytorch_tanh\""},
                                   {"scale_attn_weights", "true"},
                                   {"scale_attn_by_inverse_layer_idx", "false"},
                                   {"reorder_and_upcast_attn", "*"}, /* only for 16-bit computation */
                                   {"is_encoder_decoder", "false"},
                                   {"attn_pdrop", "*"},
                                   {"embd_pdrop", "*"},
                                   {"resid_pdrop", "*"},
                                   {"n_ctx", "*"},
                                   {"n_special", "*"},
                                   {"predict_special_tokens", "*"},
                                   {"summary_type", "*"},
                                   {"summary_use_proj", "*"},
                                   {"summary_activation", "*"},
                                   {"summary_proj_to_labels", "*"},
                                   {"summary_first_dropout", "*"},
                                   {NULL, NULL}};

/* Older files leave out the prefix "transformer.". */
static const TensorName names[] = {
    {"lm_head.weight", TENSOR_OUTPUT, "transformer.wte.weight", NULL, FORM_SAME},
    {"transformer.h.#.attn.bias", TENSOR_IGNORED, NULL, NULL, FORM_SAME}, /* masks */
    {"transformer.h.#.attn.masked_bias", TENSOR_IGNORED, NULL, NULL, FORM_SAME},
    {NULL, TENSOR_COPY, NULL, NULL, FORM_SAME}};
static const TensorName gguf_names[] = {
    TENSOR_LAYER("token_embd", "transformer.wte", FORM_SAME),
    TENSOR_LAYER("position_embd", "transformer.wpe", FORM_SAME),
    TENSOR_LAYER("output_norm", "transformer.ln_f", FORM_SAME),
    TENSOR_LAYER("output", "lm_head", FORM_SAME),
    {"output.weight", TENSOR_OUTPUT, "transformer.wte.weight", NULL, FORM_SAME},
    TENSOR_LAYER("blk.#.attn_norm", "transformer.h.#.ln_1", FORM_SAME),
    TENSOR_LAYER("blk.#.ffn_norm", "transformer.h.#.ln_2", FORM_SAME),
    TENSOR_LAYER("blk.#.attn_qkv", "transformer.h.#.attn.c_attn", FORM_TRANSPOSED),
    TENSOR_LAYER("blk.#.attn_output", "transformer.h.#.attn.c_proj", FORM_TRANSPOSED),
    TENSOR_LAYER("blk.#.ffn_up", "transformer.h.#.mlp.c_fc", FORM_TRANSPOSED),
    TENSOR_LAYER("blk.#.ffn_down", "transformer.h.#.mlp.c_proj", FORM_TRANSPOSED),
    {NULL, TENSOR_COPY, NULL, NULL, FORM_SAME}};
static const Naming namings[] = {
    {"huggingface", "transformer.", names}, {"gguf", "", gguf_names}, {NULL, NULL, NULL}};

static void write_rest(const Config *c, json_t *config) {
  json_put(config, "activation_function", json_string("gelu_new"));
  json_put(config, "n_ctx", json_integer(c->context));
  const char *dropouts[] = {"attn_pdrop", "embd_pdrop", "resid_pdrop"};
  for (int i = 0; i < 3; i++) json_put(config, dropouts[i], json_real(0));
}

static const DecoderNames layer_names = {.body = "transformer",
                                         .embedding = "wte",
                                         .positions = "wpe",
                                         .layers = "h",
                                         .attention_norm = "ln_1",
                                         .attention = "attn",
                                         .qkv = "c_attn",
                                         .out = "c_proj",
                                         .ffn_norm = "ln_2",
                                         .mlp = "mlp",
                                         .up = "c_fc",
                                         .down = "c_proj",
                                         .last_norm = "ln_f",
                                         .head = "lm_head"};

static Output forward(Net *net, const Config *c, const Batch *batch) {
  const DecoderSpec spec = {.names = layer_names,
                            .norm = NORM_LAYER,
                            .activation = ACTIVATION_GELU_TANH,
                            .qkv_bias = true,
                            .out_bias = true,
                            .mlp_bias = true,
                            .transposed = true};
  return decoder_forward(net, c, batch, spec);
}

const Arch arch_gpt2 = {.name = "gpt2",
                        .model_type = "gpt2",
                        .hf_class = "GPT2LMHeadModel",
                        .presets = decoder_presets,
                        .keys = keys,
                        .facts = facts,
                        .namings = namings,
                        .forward = forward,
                        .complete = decoder_complete_plain,
                        .read_rest = decoder_read_nothing,
                        .write_rest = write_rest};
