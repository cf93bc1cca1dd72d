/* falcon.c - Falcon (Almazrouei et al. 2023): LayerNorm, parallel branches with one norm, or, in the "new
 * decoder architecture", a norm each; queries, keys and values in one matrix, ordered by key/value head, of
 * which the first models have one; Falcon-RW: ALiBi, biases, branches one after the other. transformers:
 * FalconForCausalLM. */
#include <string.h>

#include "models/decoder.h"

static const ConfigKey keys[] = {
    {"vocab_size", CONFIG_INT, offsetof(Config, vocabulary), 65024, NAN, NULL},
    {"num_hidden_layers", CONFIG_INT, offsetof(Config, layers), 32, NAN, NULL},
    {"hidden_size", CONFIG_INT, offsetof(Config, width), 4544, NAN, "n_embed"},
    {"num_attention_heads", CONFIG_INT, offsetof(Config, heads), 71, NAN, NULL},
    {"num_kv_heads", CONFIG_INT, offsetof(Config, kv_heads), 0, 0, NULL},
    {"ffn_hidden_size", CONFIG_INT, offsetof(Config, ffn), 0, 0, NULL},
    {"max_position_embeddings", CONFIG_INT, offsetof(Config, context), 2048, NAN, NULL},
    {"layer_norm_epsilon", CONFIG_REAL, offsetof(Config, norm_epsilon), 1e-5, NAN, NULL},
    {"rope_theta", CONFIG_REAL, offsetof(Config, rope_theta), 10000, 10000, NULL},
    {"num_ln_in_parallel_attn", CONFIG_INT, offsetof(Config, parallel_norms), 0, 0, NULL},
    {"new_decoder_architecture", CONFIG_BOOL, offsetof(Config, grouped), 0, 0, NULL},
    {"multi_query", CONFIG_BOOL, offsetof(Config, multi_query), 1, 0, NULL},
    {"parallel_attn", CONFIG_BOOL, offsetof(Config, parallel), 1, 0, NULL},
    {"alibi", CONFIG_BOOL, offsetof(Config, alibi), 0, 0, NULL},
    {"bias", CONFIG_BOOL, offsetof(Config, attention_bias), 0, 0, NULL},
    {"tie_word_embeddings", CONFIG_BOOL, offsetof(Config, tied), 1, NAN, NULL},
    DECODER_TOKENS(11, 11, -1)};

static const ConfigFact facts[] = {
    DECODER_FACTS, {"activation", "\"gelu\""}, {"hidden_dropout", "*"}, {NULL, NULL}};

static const TensorName names[] = {
    {"lm_head.weight", TENSOR_OUTPUT, "transformer.word_embeddings.weight", NULL, FORM_SAME},
    {"transformer.h.#.self_attention.rotary_emb.inv_freq", TENSOR_IGNORED, NULL, NULL, FORM_SAME},
    {NULL, TENSOR_COPY, NULL, NULL, FORM_SAME}};
static const TensorName gguf_names[] = {
    TENSOR_LAYER("token_embd", "transformer.word_embeddings", FORM_SAME),
    TENSOR_LAYER("output_norm", "transformer.ln_f", FORM_SAME),
    TENSOR_LAYER("output", "lm_head", FORM_SAME),
    {"output.weight", TENSOR_OUTPUT, "transformer.word_embeddings.weight", NULL, FORM_SAME},
    TENSOR_LAYER("blk.#.attn_norm", "transformer.h.#.input_layernorm", FORM_SAME),
    TENSOR_LAYER("blk.#.attn_norm", "transformer.h.#.ln_mlp", FORM_SAME),
    TENSOR_LAYER("blk.#.attn_norm_2", "transformer.h.#.ln_attn", FORM_SAME),
    TENSOR_LAYER("blk.#.attn_qkv", "transformer.h.#.self_attention.query_key_value", FORM_UNGROUPED),
    TENSOR_LAYER("blk.#.attn_output", "transformer.h.#.self_attention.dense", FORM_SAME),
    TENSOR_LAYER("blk.#.ffn_up", "transformer.h.#.mlp.dense_h_to_4h", FORM_SAME),
    TENSOR_LAYER("blk.#.ffn_down", "transformer.h.#.mlp.dense_4h_to_h", FORM_SAME),
    {NULL, TENSOR_COPY, NULL, NULL, FORM_SAME}};
static const Naming namings[] = {
    {"huggingface", "transformer.", names}, {"gguf", "", gguf_names}, {NULL, NULL, NULL}};

static bool read_rest(Config *c, const json_t *config, const char *where, Error *err) {
  if (c->grouped && !c->parallel)
    return fail(err, "%s: \"parallel_attn\" false is not supported with \"new_decoder_architecture\"", where);
  if (c->parallel_norms != 0 && c->parallel_norms != 1 && !(c->grouped && c->parallel_norms == 2))
    return fail(err, "%s: \"num_ln_in_parallel_attn\" %lld is not supported here", where,
                (long long)c->parallel_norms);
  if (!c->grouped && !c->multi_query && c->kv_heads && c->kv_heads != c->heads)
    return fail(err, "%s: \"num_kv_heads\" is not the number of heads", where);
  if (c->grouped) c->multi_query = true; /* of no effect then */
  return decoder_read_rope(c, config, where, err);
}

/* transformers counts key/value heads only in the new architecture. */
static void write_rest(const Config *c, json_t *config) {
  if (!c->grouped && c->multi_query) json_put(config, "num_kv_heads", json_null());
  if (!c->parallel_norms) json_put(config, "num_ln_in_parallel_attn", json_null());
  json_put(config, "activation", json_string("gelu"));
  decoder_write_rope(c, config);
}

static void begin(Config *c) {
  c->parallel = true;
  c->grouped = c->kv_heads > 1;
  c->multi_query = !c->grouped;
}

static bool complete(Config *c, const char *where, Error *err) {
  if (!c->grouped && c->multi_query) c->kv_heads = 1;
  if (c->grouped && !c->parallel_norms) c->parallel_norms = 2;
  if (!c->ffn) c->ffn = 4 * c->width;
  return decoder_complete(c, where, err);
}

static const DecoderNames layer_names = {.body = "transformer",
                                         .embedding = "word_embeddings",
                                         .layers = "h",
                                         .attention_norm = "input_layernorm",
                                         .attention = "self_attention",
                                         .qkv = "query_key_value",
                                         .out = "dense",
                                         .mlp = "mlp",
                                         .up = "dense_h_to_4h",
                                         .down = "dense_4h_to_h",
                                         .last_norm = "ln_f",
                                         .head = "lm_head"};

static Output forward(Net *net, const Config *c, const Batch *batch) {
  DecoderNames own = layer_names;
  if (!c->parallel) own.ffn_norm = "post_attention_layernorm";
  if (c->parallel_norms == 2) own.attention_norm = "ln_attn", own.ffn_norm = "ln_mlp";
  return decoder_forward(net, c, batch,
                         (DecoderSpec){.names = own,
                                       .norm = NORM_LAYER,
                                       .activation = ACTIVATION_GELU,
                                       .qkv_bias = c->attention_bias,
                                       .out_bias = c->attention_bias,
                                       .mlp_bias = c->attention_bias,
                                       .qkv_by_head = true,
                                       .alibi = c->alibi ? ALIBI_ROUNDED : ALIBI_NONE,
                                       .parallel = c->parallel});
}

const Arch arch_falcon = {.name = "falcon",
                          .model_type = "falcon",
                          .hf_class = "FalconForCausalLM",
                          .namings = namings,
                          .begin = begin,
                          .complete = complete,
                          .read_rest = read_rest,
                          DECODER_ARCH};
