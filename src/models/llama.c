/* llama.c - the Llama class of decoder-only Transformers (Touvron et al. 2023): RMSNorm before each block,
 * rotary positions, grouped-query attention, SwiGLU, no biases. Names and config.json are those of
 * transformers' LlamaForCausalLM. */
#include <math.h>
#include <string.h>

#include "models/model.h"

static const Preset presets[PRESETS] = {
    {"nano", 4, 32, 4, 0, 128},  {"tiny", 3, 128, 4, 0, 256},      {"small", 5, 256, 8, 0, 256},
    {"base", 9, 512, 8, 0, 512}, {"medium", 17, 768, 12, 0, 1024},
};

static const ConfigKey keys[] = {
    {"vocab_size", CONFIG_INT, offsetof(Config, vocabulary), 32000, NAN, NULL},
    {"num_hidden_layers", CONFIG_INT, offsetof(Config, layers), 32, NAN, NULL},
    {"hidden_size", CONFIG_INT, offsetof(Config, width), 4096, NAN, NULL},
    {"num_attention_heads", CONFIG_INT, offsetof(Config, heads), 32, NAN, NULL},
    {"num_key_value_heads", CONFIG_INT, offsetof(Config, kv_heads), 0, 0, NULL},
    {"head_dim", CONFIG_INT, offsetof(Config, head_size), 0, 0, NULL},
    {"intermediate_size", CONFIG_INT, offsetof(Config, ffn), 11008, NAN, NULL},
    {"max_position_embeddings", CONFIG_INT, offsetof(Config, context), 2048, NAN, NULL},
    {"rms_norm_eps", CONFIG_REAL, offsetof(Config, norm_epsilon), 1e-6, NAN, NULL},
    {"rope_theta", CONFIG_REAL, offsetof(Config, rope_theta), 10000, 10000, NULL},
    {"attention_bias", CONFIG_BOOL, offsetof(Config, attention_bias), 0, NAN, NULL},
    {"mlp_bias", CONFIG_BOOL, offsetof(Config, mlp_bias), 0, NAN, NULL},
    {"tie_word_embeddings", CONFIG_BOOL, offsetof(Config, tied), 0, NAN, NULL},
    {"bos_token_id", CONFIG_TOKEN, offsetof(Config, bos), 1, -1, NULL},
    {"eos_token_id", CONFIG_TOKENS, offsetof(Config, ends), 2, -1, NULL},
    {"pad_token_id", CONFIG_TOKEN, offsetof(Config, pad), -1, -1, NULL},
    {NULL, 0, 0, 0, 0, NULL},
};

static const ConfigFact facts[] = {{"hidden_act", "\"silu\"|\"swish\""},
                                   {"is_encoder_decoder", "false"},
                                   {"attention_dropout", "*"},
                                   {"pretraining_tp", "*"},
                                   {"partial_rotary_factor", "1|1.0"},
                                   {"original_max_position_embeddings", "*"},
                                   {"rope_scaling", "*"}, /* read below */
                                   {"rope_parameters", "*"},
                                   {"rope_interleaved", "false"},
                                   {"sliding_window", ""},
                                   {"is_llama_config", "true"},
                                   {"transformers.js_config", "*"},
                                   {NULL, NULL}};

static const TensorName names[] = {
    {"lm_head.weight", TENSOR_OUTPUT, "model.embed_tokens.weight", NULL},
    {"model.layers.#.self_attn.rotary_emb.inv_freq", TENSOR_IGNORED, NULL, NULL},
    {"model.rotary_emb.inv_freq", TENSOR_IGNORED, NULL, NULL},
    {NULL, TENSOR_COPY, NULL, NULL}};
static const Naming namings[] = {{"huggingface", "model.", names}, {NULL, NULL, NULL}};

static bool complete(Config *c, Error *err) {
  if (!c->kv_heads) c->kv_heads = c->heads;
  if (!c->ffn) c->ffn = (c->width * 8 / 3 + 31) / 32 * 32; /* 8/3: as many weights as two layers of 4 */
  if (c->heads < 1 || (!c->head_size && c->width % c->heads))
    return fail_usage(err, "a width of %lld cannot be divided among %lld heads: give a multiple of it",
                      (long long)c->width, (long long)c->heads);
  if (!c->head_size) c->head_size = c->width / c->heads;
  if (c->head_size < 2 || c->head_size % 2)
    return fail_usage(err, "%lld values a head (width / heads) cannot be rotated in pairs: it must be even",
                      (long long)c->head_size);
  if (c->kv_heads < 1 || c->heads % c->kv_heads)
    return fail_usage(err, "%lld heads cannot share %lld key/value heads: it must divide them",
                      (long long)c->heads, (long long)c->kv_heads);
  return true;
}

/* Newer files say {"rope_parameters": {"rope_theta": F, "rope_type": "default"}}, older ones "rope_scaling",
 * which wins. */
static bool read_rest(Config *c, const json_t *config, const char *where, Error *err) {
  const json_t *rope = json_object_get(config, "rope_scaling");
  if (!json_object_size(rope)) rope = json_object_get(config, "rope_parameters");
  if (!rope || json_is_null(rope)) return true;
  if (!json_is_object(rope))
    return fail(err, "%s: \"rope_scaling\" or \"rope_parameters\" is no object", where);
  const char *type = json_get_text(rope, "rope_type", json_get_text(rope, "type", "default"));
  double part;
  if (strcmp(type, "default"))
    return fail(err, "%s: rotary positions scaled by \"%s\" are not supported", where, type);
  if (!json_get_real(rope, "partial_rotary_factor", 1, &part, where, err)) return false;
  if (part != 1) return fail(err, "%s: partial_rotary_factor %g is not supported, only 1", where, part);
  return json_get_real(rope, "rope_theta", c->rope_theta, &c->rope_theta, where, err);
}

static void write_rest(const Config *c, json_t *config) {
  (void)c;
  json_put(config, "hidden_act", json_string("silu"));
  json_put(config, "rope_scaling", json_null());
  json_put(config, "attention_dropout", json_real(0));
}

/* Projections back into the residual stream start smaller, by the root of how many are added (GPT-2). */
typedef struct Scale {
  LinearOptions into, back;
} Scale;

static Scale scale_of(const Config *c, bool bias) {
  const float stddev = 0.5f / sqrtf((float)c->width);
  return (Scale){{.bias = bias, .stddev = stddev},
                 {.bias = bias, .stddev = stddev / sqrtf(2.0f * (float)c->layers)}};
}

static Tensor *attention(Net *net, const Config *c, Tensor *x) {
  const Scale scale = scale_of(c, c->attention_bias);
  const AttentionShape shape = {.heads = c->heads, .kv_heads = c->kv_heads, .causal = true};
  const float theta = (float)c->rope_theta;
  net_enter(net, "self_attn");
  Tensor *q = nn_linear(net, "q_proj", x, c->heads * c->head_size, scale.into);
  Tensor *k = nn_linear(net, "k_proj", x, c->kv_heads * c->head_size, scale.into);
  Tensor *v = nn_linear(net, "v_proj", x, c->kv_heads * c->head_size, scale.into);
  q = op_rope(net->tape, q, net->start, c->heads, theta);
  k = op_rope(net->tape, k, net->start, c->kv_heads, theta);
  x = nn_linear(net, "o_proj", nn_self_attention(net, q, k, v, shape), c->width, scale.back);
  net_leave(net, "self_attn");
  return x;
}

static Tensor *feed_forward(Net *net, const Config *c, Tensor *x) {
  const Scale scale = scale_of(c, c->mlp_bias);
  net_enter(net, "mlp");
  Tensor *gate = nn_linear(net, "gate_proj", x, c->ffn, scale.into);
  Tensor *up = nn_linear(net, "up_proj", x, c->ffn, scale.into);
  x = nn_linear(net, "down_proj", op_swiglu(net->tape, gate, up), c->width, scale.back);
  net_leave(net, "mlp");
  return x;
}

static Tensor *block(Net *net, const void *config, Tensor *x) {
  const Config *c = config;
  const float epsilon = (float)c->norm_epsilon;
  x = nn_residual(net, x, attention(net, c, nn_rmsnorm(net, "input_layernorm", x, epsilon)));
  return nn_residual(net, x, feed_forward(net, c, nn_rmsnorm(net, "post_attention_layernorm", x, epsilon)));
}

static Output forward(Net *net, const Config *c, const Batch *batch) {
  const float stddev = 0.5f / sqrtf((float)c->width);
  Tensor *ids =
      tape_constant(net->tape, TENSOR_I32, 2, (int64_t[]){batch->sequences, batch->time}, batch->tokens);
  net_enter(net, "model");
  Tensor *table = nn_embedding_table(net, "embed_tokens", c->vocabulary, c->width, stddev);
  Tensor *x = nn_dropout(net, op_embedding(net->tape, table, ids));
  x = nn_layers(net, "layers", c->layers, block, c, x, NULL);
  x = nn_rmsnorm(net, "norm", x, (float)c->norm_epsilon);
  net_leave(net, "model");
  if (!c->tied) table = nn_embedding_table(net, "lm_head", c->vocabulary, c->width, stddev);
  return (Output){.hidden = x, .weight = table};
}

const Arch arch_llama = {.name = "llama",
                         .model_type = "llama",
                         .hf_class = "LlamaForCausalLM",
                         .presets = presets,
                         .keys = keys,
                         .facts = facts,
                         .namings = namings,
                         .forward = forward,
                         .complete = complete,
                         .read_rest = read_rest,
                         .write_rest = write_rest};
