/* phi.c - Phi (Gunasekar et al. 2023, Li et al. 2023): LayerNorm, parallel branches with one norm, rotation
 * of half of each head, biases everywhere, GELU without gates. transformers: PhiForCausalLM. */
#include "models/decoder.h"

static const ConfigKey keys[] = {DECODER_SIZES(51200, 24, 2048, 32, 8192, 2048),
                                 DECODER_KEY(INT, "num_key_value_heads", kv_heads, 0, 0),
                                 DECODER_KEY(REAL, "layer_norm_eps", norm_epsilon, 1e-5, NAN),
                                 DECODER_KEY(REAL, "rope_theta", rope_theta, 10000, 10000),
                                 DECODER_KEY(REAL, "partial_rotary_factor", rotary_share, 0.5, 0.5),
                                 DECODER_KEY(BOOL, "qk_layernorm", query_norm, 0, NAN),
                                 DECODER_KEY(BOOL, "tie_word_embeddings", tied, 0, NAN),
                                 DECODER_TOKENS(1, 2, -1)};

static const ConfigFact facts[] = {DECODER_FACTS,
                                   {"hidden_act", "\"gelu_new\"|\"gelu_pytorch_tanh\""},
                                   {"embd_pdrop", "*"},
                                   {"resid_pdrop", "*"},
                                   {NULL, NULL}};

static const TensorName names[] = {
    {"lm_head.weight", TENSOR_OUTPUT, "model.embed_tokens.weight", NULL, FORM_SAME},
    {"model.layers.#.self_attn.rotary_emb.inv_freq", TENSOR_IGNORED, NULL, NULL, FORM_SAME},
    {NULL, TENSOR_COPY, NULL, NULL, FORM_SAME}};
static const TensorName gguf_names[] = {
    TENSOR_LAYER("token_embd", "model.embed_tokens", FORM_SAME),
    TENSOR_LAYER("output", "lm_head", FORM_SAME),
    TENSOR_LAYER("output_norm", "model.final_layernorm", FORM_SAME),
    TENSOR_LAYER("blk.#.attn_norm", "model.layers.#.input_layernorm", FORM_SAME),
    TENSOR_LAYER("blk.#.attn_q", "model.layers.#.self_attn.q_proj", FORM_SAME),
    TENSOR_LAYER("blk.#.attn_k", "model.layers.#.self_attn.k_proj", FORM_SAME),
    TENSOR_LAYER("blk.#.attn_v", "model.layers.#.self_attn.v_proj", FORM_SAME),
    TENSOR_LAYER("blk.#.attn_output", "model.layers.#.self_attn.dense", FORM_SAME),
    TENSOR_LAYER("blk.#.ffn_up", "model.layers.#.mlp.fc1", FORM_SAME),
    TENSOR_LAYER("blk.#.ffn_down", "model.layers.#.mlp.fc2", FORM_SAME),
    {NULL, TENSOR_COPY, NULL, NULL, FORM_SAME}};
static const Naming namings[] = {
    {"huggingface", "model.", names}, {"gguf", "", gguf_names}, {NULL, NULL, NULL}};

static bool complete(Config *c, const char *where, Error *err) {
  if (!c->ffn) c->ffn = 4 * c->width;
  return decoder_complete(c, where, err);
}

static void write_rest(const Config *c, json_t *config) {
  json_put(config, "hidden_act", json_string("gelu_new"));
  decoder_write_rope(c, config);
}

static const DecoderNames layer_names = {.body = "model",
                                         .embedding = "embed_tokens",
                                         .layers = "layers",
                                         .attention_norm = "input_layernorm",
                                         .attention = "self_attn",
                                         .q = "q_proj",
                                         .k = "k_proj",
                                         .v = "v_proj",
                                         .out = "dense",
                                         .q_norm = "q_layernorm",
                                         .k_norm = "k_layernorm",
                                         .mlp = "mlp",
                                         .up = "fc1",
                                         .down = "fc2",
                                         .last_norm = "final_layernorm",
                                         .head = "lm_head"};

static Output forward(Net *net, const Config *c, const Batch *batch) {
  DecoderNames own = layer_names;
  if (!c->query_norm) own.q_norm = own.k_norm = NULL;
  return decoder_forward(net, c, batch,
                         (DecoderSpec){.names = own,
                                       .norm = NORM_LAYER,
                                       .head_norm = NORM_EACH_HEAD,
                                       .activation = ACTIVATION_GELU_TANH,
                                       .qkv_bias = true,
                                       .out_bias = true,
                                       .mlp_bias = true,
                                       .head_bias = true,
                                       .parallel = true});
}

const Arch arch_phi = {.name = "phi",
                       .model_type = "phi",
                       .hf_class = "PhiForCausalLM",
                       .namings = namings,
                       .complete = complete,
                       .read_rest = decoder_read_rope,
                       DECODER_ARCH};
