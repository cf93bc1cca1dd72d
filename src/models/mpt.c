/* mpt.c - MPT (MosaicML 2023): ALiBi, LayerNorms without biases, no biases at all, queries, keys and values
 * in one matrix. transformers: MptForCausalLM. */
#include "models/decoder.h"

static const ConfigKey keys[] = {
    {"vocab_size", CONFIG_INT, offsetof(Config, vocabulary), 50368, NAN, NULL},
    {"n_layers", CONFIG_INT, offsetof(Config, layers), 24, NAN, "num_hidden_layers"},
    {"d_model", CONFIG_INT, offsetof(Config, width), 2048, NAN, "hidden_size"},
    {"n_heads", CONFIG_INT, offsetof(Config, heads), 16, NAN, "num_attention_heads"},
    {"max_seq_len", CONFIG_INT, offsetof(Config, context), 2048, NAN, NULL},
    {"layer_norm_epsilon", CONFIG_REAL, offsetof(Config, norm_epsilon), 1e-5, NAN, NULL},
    {"tie_word_embeddings", CONFIG_BOOL, offsetof(Config, tied), 1, NAN, NULL},
    DECODER_TOKENS(-1, -1, -1)};

/* The class ignores most of these, and has ALiBi, no biases and unscaled logits whatever they say: values
 * that mean something else are refused. */
static const ConfigFact facts[] = {{"is_encoder_decoder", "false"},
                                   {"attn_config", "*"}, /* read below */
                                   {"no_bias", "true"},
                                   {"logit_scale", ""},
                                   {"expansion_ratio", "4"},
                                   {"norm_type", "\"low_precision_layernorm\"|\"layernorm\""},
                                   {"learned_pos_emb", "*"}, /* of no effect with ALiBi */
                                   {"emb_pdrop", "*"},
                                   {"resid_pdrop", "*"},
                                   {"embedding_fraction", "*"},
                                   {"init_config", "*"},
                                   {"init_device", "*"},
                                   {"tokenizer_name", "*"},
                                   {"verbose", "*"},
                                   {NULL, NULL}};

static const ConfigFact attention_facts[] = {{"is_encoder_decoder", "false"},
                                             {"attn_type", "\"multihead_attention\""},
                                             {"alibi", "true"},
                                             {"alibi_bias_max", "8"},
                                             {"qk_ln", "false"},
                                             {"clip_qkv", "0|0.0"},
                                             {"prefix_lm", "false"},
                                             {"attn_uses_sequence_id", "false"},
                                             {"attn_impl", "*"}, /* ways to compute the same */
                                             {"attn_pdrop", "*"},
                                             {"softmax_scale", "*"}, /* read below */
                                             {NULL, NULL}};

static const TensorName names[] = {
    {"lm_head.weight", TENSOR_OUTPUT, "transformer.wte.weight", NULL, FORM_SAME},
    {NULL, TENSOR_COPY, NULL, NULL, FORM_SAME}};
static const TensorName gguf_names[] = {
    TENSOR_LAYER("token_embd", "transformer.wte", FORM_SAME),
    TENSOR_LAYER("output_norm", "transformer.norm_f", FORM_SAME),
    TENSOR_LAYER("output", "lm_head", FORM_SAME),
    {"output.weight", TENSOR_OUTPUT, "transformer.wte.weight", NULL, FORM_SAME},
    TENSOR_LAYER("blk.#.attn_norm", "transformer.blocks.#.norm_1", FORM_SAME),
    TENSOR_LAYER("blk.#.ffn_norm", "transformer.blocks.#.norm_2", FORM_SAME),
    TENSOR_LAYER("blk.#.attn_qkv", "transformer.blocks.#.attn.Wqkv", FORM_SAME),
    TENSOR_LAYER("blk.#.attn_output", "transformer.blocks.#.attn.out_proj", FORM_SAME),
    TENSOR_LAYER("blk.#.ffn_up", "transformer.blocks.#.ffn.up_proj", FORM_SAME),
    TENSOR_LAYER("blk.#.ffn_down", "transformer.blocks.#.ffn.down_proj", FORM_SAME),
    {NULL, TENSOR_COPY, NULL, NULL, FORM_SAME}};
static const Naming namings[] = {
    {"huggingface", "transformer.", names}, {"gguf", "", gguf_names}, {NULL, NULL, NULL}};

static bool read_rest(Config *c, const json_t *config, const char *where, Error *err) {
  const json_t *attention = json_object_get(config, "attn_config");
  if (attention && !json_is_null(attention) && !json_is_object(attention))
    return fail(err, "%s: \"attn_config\" is not an object", where);
  if (!config_check_facts(attention_facts, attention, "attn_config of mpt", where, err) ||
      !json_get_real(attention, "softmax_scale", 0, &c->score_scale, where, err))
    return false;
  const json_t *scale = json_object_get(attention, "softmax_scale");
  return !scale || json_is_null(scale) || (c->score_scale > 0 && c->score_scale < 1e9) ||
         fail(err, "%s: softmax_scale is %.9g, but must be positive", where, c->score_scale);
}

static void write_rest(const Config *c, json_t *config) {
  json_put(
      config, "attn_config",
      json_build("{s:o}", "softmax_scale", c->score_scale > 0 ? json_real(c->score_scale) : json_null()));
}

static const DecoderNames layer_names = {.body = "transformer",
                                         .embedding = "wte",
                                         .layers = "blocks",
                                         .attention_norm = "norm_1",
                                         .attention = "attn",
                                         .qkv = "Wqkv",
                                         .out = "out_proj",
                                         .ffn_norm = "norm_2",
                                         .mlp = "ffn",
                                         .up = "up_proj",
                                         .down = "down_proj",
                                         .last_norm = "norm_f",
                                         .head = "lm_head"};

static Output forward(Net *net, const Config *c, const Batch *batch) {
  return decoder_forward(net, c, batch,
                         (DecoderSpec){.names = layer_names,
                                       .norm = NORM_LAYER_WEIGHT,
                                       .activation = ACTIVATION_GELU,
                                       .alibi = ALIBI,
                                       .score_scale = (float)c->score_scale});
}

const Arch arch_mpt = {.name = "mpt",
                       .model_type = "mpt",
                       .hf_class = "MptForCausalLM",
                       .namings = namings,
                       .complete = decoder_complete_plain,
                       .read_rest = read_rest,
                       DECODER_ARCH};
