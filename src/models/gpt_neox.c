/* gpt_neox.c - GPT-NeoX and Pythia (Black et al. 2022; Biderman et al. 2023): LayerNorm, parallel branches
 * with a norm each, queries, keys and values in one matrix, ordered by head, rotation of a quarter of each
 * head, biases. transformers: GPTNeoXForCausalLM. */
#include "models/decoder.h"

static const ConfigKey keys[] = {DECODER_SIZES(50432, 44, 6144, 64, 24576, 2048),
                                 DECODER_KEY(REAL, "layer_norm_eps", norm_epsilon, 1e-5, NAN),
                                 DECODER_KEY(REAL, "rotary_emb_base", rope_theta, 10000, 10000),
                                 DECODER_KEY(REAL, "rotary_pct", rotary_share, 0.25, 0.25),
                                 DECODER_KEY(BOOL, "attention_bias", attention_bias, 1, NAN),
                                 DECODER_KEY(BOOL, "use_parallel_residual", parallel, 1, NAN),
                                 DECODER_KEY(BOOL, "tie_word_embeddings", tied, 0, NAN),
                                 DECODER_TOKENS(0, 2, -1)};

static const ConfigFact facts[] = {DECODER_FACTS,
                                   {"hidden_act", "\"gelu\""},
                                   {"hidden_dropout", "*"},
                                   {"classifier_dropout", "*"},
                                   {"rope_theta", "*"},
                                   {"partial_rotary_factor", "*"},
                                   {NULL, NULL}};

static const TensorName names[] = {
    {"embed_out.weight", TENSOR_OUTPUT, "gpt_neox.embed_in.weight", NULL, FORM_SAME},
    {"gpt_neox.layers.#.attention.rotary_emb.inv_freq", TENSOR_IGNORED, NULL, NULL, FORM_SAME},
    {"gpt_neox.layers.#.attention.bias", TENSOR_IGNORED, NULL, NULL, FORM_SAME},
    {"gpt_neox.layers.#.attention.masked_bias", TENSOR_IGNORED, NULL, NULL, FORM_SAME},
    {NULL, TENSOR_COPY, NULL, NULL, FORM_SAME}};
static const TensorName gguf_names[] = {
    TENSOR_LAYER("token_embd", "gpt_neox.embed_in", FORM_SAME),
    TENSOR_LAYER("output_norm", "gpt_neox.final_layer_norm", FORM_SAME),
    TENSOR_LAYER("output", "embed_out", FORM_SAME),
    {"output.weight", TENSOR_OUTPUT, "gpt_neox.embed_in.weight", NULL, FORM_SAME},
    TENSOR_LAYER("blk.#.attn_norm", "gpt_neox.layers.#.input_layernorm", FORM_SAME),
    TENSOR_LAYER("blk.#.ffn_norm", "gpt_neox.layers.#.post_attention_layernorm", FORM_SAME),
    TENSOR_LAYER("blk.#.attn_qkv", "gpt_neox.layers.#.attention.query_key_value", FORM_UNGROUPED),
    TENSOR_LAYER("blk.#.attn_output", "gpt_neox.layers.#.attention.dense", FORM_SAME),
    TENSOR_LAYER("blk.#.ffn_up", "gpt_neox.layers.#.mlp.dense_h_to_4h", FORM_SAME),
    TENSOR_LAYER("blk.#.ffn_down", "gpt_neox.layers.#.mlp.dense_4h_to_h", FORM_SAME),
    {NULL, TENSOR_COPY, NULL, NULL, FORM_SAME}};
static const Naming namings[] = {
    {"huggingface", "gpt_neox.", names}, {"gguf", "", gguf_names}, {NULL, NULL, NULL}};

static void write_rest(const Config *c, json_t *config) {
  json_put(config, "hidden_act", json_string("gelu"));
  decoder_write_rope(c, config);
}

static void begin(Config *c) {
  c->attention_bias = true;
}

static bool complete(Config *c, const char *where, Error *err) {
  if (c->kv_heads && c->kv_heads != c->heads)
    return fail_value(err, where, "leave out --kv-heads", "gpt_neox has no grouped-query attention");
  if (!c->ffn) c->ffn = 4 * c->width;
  return decoder_complete(c, where, err);
}

static const DecoderNames layer_names = {.body = "gpt_neox",
                                         .embedding = "embed_in",
                                         .layers = "layers",
                                         .attention_norm = "input_layernorm",
                                         .attention = "attention",
                                         .qkv = "query_key_value",
                                         .out = "dense",
                                         .ffn_norm = "post_attention_layernorm",
                                         .mlp = "mlp",
                                         .up = "dense_h_to_4h",
                                         .down = "dense_4h_to_h",
                                         .last_norm = "final_layer_norm",
                                         .head = "embed_out"};

static Output forward(Net *net, const Config *c, const Batch *batch) {
  return decoder_forward(net, c, batch,
                         (DecoderSpec){.names = layer_names,
                                       .norm = NORM_LAYER,
                                       .activation = ACTIVATION_GELU,
                                       .qkv_bias = c->attention_bias,
                                       .out_bias = c->attention_bias,
                                       .mlp_bias = true,
                                       .qkv_by_head = true,
                                       .parallel = c->parallel});
}

const Arch arch_gpt_neox = {.name = "gpt_neox",
                            .model_type = "gpt_neox",
                            .hf_class = "GPTNeoXForCausalLM",
                            .namings = namings,
                            .begin = begin,
                            .complete = complete,
                            .read_rest = decoder_read_rope,
                            DECODER_ARCH};
