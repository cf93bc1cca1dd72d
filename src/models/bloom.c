/* bloom.c - BLOOM (BigScience 2022): ALiBi instead of positions, a norm on the embedding, queries, keys and
 * values in one matrix ordered by head, GELU, biases. transformers: BloomForCausalLM.
 */
#include "models/decoder.h"

/* Nothing limits the length of a text but the training: "seq_length" of the published files. */
static const ConfigKey keys[] = {
    {"vocab_size", CONFIG_INT, offsetof(Config, vocabulary), 250880, NAN, NULL},
    {"n_layer", CONFIG_INT, offsetof(Config, layers), 2, NAN, "num_hidden_layers"},
    {"hidden_size", CONFIG_INT, offsetof(Config, width), 64, NAN, "n_embed"},
    {"n_head", CONFIG_INT, offsetof(Config, heads), 8, NAN, "num_attention_heads"},
    {"seq_length", CONFIG_INT, offsetof(Config, context), 2048, NAN, NULL},
    {"layer_norm_epsilon", CONFIG_REAL, offsetof(Config, norm_epsilon), 1e-5, NAN, NULL},
    {"tie_word_embeddings", CONFIG_BOOL, offsetof(Config, tied), 1, NAN, NULL},
    DECODER_TOKENS(1, 2, -1)};

static const ConfigFact facts[] = {{"is_encoder_decoder", "false"},
                                   {"apply_residual_connection_post_layernorm", "false"},
                                   {"hidden_dropout", "*"},
                                   {"attention_dropout", "*"},
                                   {"pretraining_tp", "*"},
                                   {"slow_but_exact", "*"}, /* of no effect in f32 */
                                   {"n_inner", ""},
                                   {"offset_alibi", "*"}, /* not read by the class, as the next ones */
                                   {"skip_bias_add", "*"},
                                   {"skip_bias_add_qkv", "*"},
                                   {"attention_softmax_in_fp32", "*"},
                                   {"bias_dropout_fusion", "*"},
                                   {"masked_softmax_fusion", "*"},
                                   {"unk_token_id", "*"},
                                   {NULL, NULL}};

static const TensorName names[] = {
    {"lm_head.weight", TENSOR_OUTPUT, "transformer.word_embeddings.weight", NULL, FORM_SAME},
    {NULL, TENSOR_COPY, NULL, NULL, FORM_SAME}};
static const TensorName gguf_names[] = {
    TENSOR_LAYER("token_embd", "transformer.word_embeddings", FORM_SAME),
    TENSOR_LAYER("output_norm", "transformer.ln_f", FORM_SAME),
    TENSOR_LAYER("output", "lm_head", FORM_SAME),
    {"output.weight", TENSOR_OUTPUT, "transformer.word_embeddings.weight", NULL, FORM_SAME},
    TENSOR_LAYER("token_embd_norm", "transformer.word_embeddings_layernorm", FORM_SAME),
    TENSOR_LAYER("blk.#.attn_norm", "transformer.h.#.input_layernorm", FORM_SAME),
    TENSOR_LAYER("blk.#.ffn_norm", "transformer.h.#.post_attention_layernorm", FORM_SAME),
    TENSOR_LAYER("blk.#.attn_qkv", "transformer.h.#.self_attention.query_key_value", FORM_UNGROUPED),
    TENSOR_LAYER("blk.#.attn_output", "transformer.h.#.self_attention.dense", FORM_SAME),
    TENSOR_LAYER("blk.#.ffn_up", "transformer.h.#.mlp.dense_h_to_4h", FORM_SAME),
    TENSOR_LAYER("blk.#.ffn_down", "transformer.h.#.mlp.dense_4h_to_h", FORM_SAME),
    {NULL, TENSOR_COPY, NULL, NULL, FORM_SAME}};
static const Naming namings[] = {
    {"huggingface", "transformer.", names}, {"gguf", "", gguf_names}, {NULL, NULL, NULL}};

static void write_rest(const Config *c, json_t *config) {
  (void)c, (void)config;
}

static const DecoderNames layer_names = {.body = "transformer",
                                         .embedding = "word_embeddings",
                                         .embedding_norm = "word_embeddings_layernorm",
                                         .layers = "h",
                                         .attention_norm = "input_layernorm",
                                         .attention = "self_attention",
                                         .qkv = "query_key_value",
                                         .out = "dense",
                                         .ffn_norm = "post_attention_layernorm",
                                         .mlp = "mlp",
                                         .up = "dense_h_to_4h",
                                         .down = "dense_4h_to_h",
                                         .last_norm = "ln_f",
                                         .head = "lm_head"};

static Output forward(Net *net, const Config *c, const Batch *batch) {
  return decoder_forward(net, c, batch,
                         (DecoderSpec){.names = layer_names,
                                       .norm = NORM_LAYER,
                                       .activation = ACTIVATION_GELU_TANH,
                                       .qkv_bias = true,
                                       .out_bias = true,
                                       .mlp_bias = true,
                                       .qkv_by_head = true,
                                       .alibi = ALIBI});
}

const Arch arch_bloom = {.name = "bloom",
                         .model_type = "bloom",
                         .hf_class = "BloomForCausalLM",
                         .namings = namings,
                         .complete = decoder_complete_plain,
                         .read_rest = decoder_read_nothing,
                         DECODER_ARCH};
