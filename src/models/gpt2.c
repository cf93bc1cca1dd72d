/* gpt2.c - GPT-2 (Radford et al. 2019): learned positions, LayerNorm before each block, GELU, biases
 * everywhere. Names, transposed weights (Conv1D) and config.json are those of transformers' GPT2LMHeadModel.
 */
#include <math.h>
#include <string.h>

#include "models/model.h"

static const Preset presets[PRESETS] = {
    {"nano", 4, 32, 4, 0, 128},  {"tiny", 3, 128, 4, 0, 256},      {"small", 5, 256, 8, 0, 256},
    {"base", 9, 512, 8, 0, 512}, {"medium", 17, 768, 12, 0, 1024},
};

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
                                   {"reorder_and_upcast_attn", "*"}, /* for 16 bits */
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

/* Older files leave out "transformer." in front. */
static const TensorName names[] = {{"lm_head.weight", TENSOR_OUTPUT, "transformer.wte.weight", NULL},
                                   {"transformer.h.#.attn.bias", TENSOR_IGNORED, NULL, NULL}, /* masks */
                                   {"transformer.h.#.attn.masked_bias", TENSOR_IGNORED, NULL, NULL},
                                   {NULL, TENSOR_COPY, NULL, NULL}};
static const Naming namings[] = {{"huggingface", "transformer.", names}, {NULL, NULL, NULL}};

static bool complete(Config *c, Error *err) {
  if (!c->ffn) c->ffn = 4 * c->width;
  if (c->heads < 1 || c->width % c->heads)
    return fail_usage(err, "a width of %lld cannot be divided among %lld heads: give a multiple of it",
                      (long long)c->width, (long long)c->heads);
  if (c->kv_heads && c->kv_heads != c->heads)
    return fail_usage(err,
                      "gpt2 has as many key/value heads as heads: leave out --kv-heads or use --arch llama");
  c->kv_heads = c->heads;
  c->head_size = c->width / c->heads;
  return true;
}

static bool read_rest(Config *c, const json_t *config, const char *where, Error *err) {
  (void)c, (void)config, (void)where, (void)err;
  return true;
}

static void write_rest(const Config *c, json_t *config) {
  json_put(config, "activation_function", json_string("gelu_new"));
  json_put(config, "n_ctx", json_integer(c->context));
  const char *dropouts[] = {"attn_pdrop", "embd_pdrop", "resid_pdrop"};
  for (int i = 0; i < 3; i++) json_put(config, dropouts[i], json_real(0));
}

static LinearOptions conv1d(float stddev) {
  return (LinearOptions){.bias = true, .transposed = true, .stddev = stddev};
}

static Tensor *attention(Net *net, const Config *c, Tensor *x, float stddev, float stddev_back) {
  const int64_t width = c->width;
  const AttentionShape shape = {.heads = c->heads, .kv_heads = c->heads, .causal = true};
  net_enter(net, "attn");
  Tensor *qkv = nn_linear(net, "c_attn", x, 3 * width, conv1d(stddev));
  Tensor *q = op_slice(net->tape, qkv, 0, width), *k = op_slice(net->tape, qkv, width, width);
  Tensor *v = op_slice(net->tape, qkv, 2 * width, width);
  x = nn_linear(net, "c_proj", nn_self_attention(net, q, k, v, shape), width, conv1d(stddev_back));
  net_leave(net, "attn");
  return x;
}

static Tensor *feed_forward(Net *net, const Config *c, Tensor *x, float stddev, float stddev_back) {
  net_enter(net, "mlp");
  x = op_activation(net->tape, nn_linear(net, "c_fc", x, c->ffn, conv1d(stddev)), ACTIVATION_GELU_TANH);
  x = nn_linear(net, "c_proj", x, c->width, conv1d(stddev_back));
  net_leave(net, "mlp");
  return x;
}

static Tensor *block(Net *net, const void *config, Tensor *x) {
  const Config *c = config;
  /* Projections back into the residual stream start smaller, by the root of how many are added. */
  const float epsilon = (float)c->norm_epsilon, stddev = 0.5f / sqrtf((float)c->width);
  const float back = stddev / sqrtf(2.0f * (float)c->layers);
  x = nn_residual(net, x, attention(net, c, nn_layernorm(net, "ln_1", x, epsilon), stddev, back));
  return nn_residual(net, x, feed_forward(net, c, nn_layernorm(net, "ln_2", x, epsilon), stddev, back));
}

/* Token t of sequence b is at position start[b] + t: [B,T]. */
static Tensor *positions(Net *net, const Batch *batch) {
  const int64_t shape[2] = {batch->sequences, batch->time};
  Tensor *ids = tape_tensor(net->tape, TENSOR_I32, 2, shape);
  for (int64_t b = 0; b < batch->sequences && ids->data; b++)
    for (int64_t t = 0; t < batch->time; t++)
      tensor_i32(ids)[b * batch->time + t] = (int32_t)t + (net->start ? tensor_i32(net->start)[b] : 0);
  return ids;
}

static Output forward(Net *net, const Config *c, const Batch *batch) {
  const float stddev = 0.5f / sqrtf((float)c->width);
  Tensor *ids =
      tape_constant(net->tape, TENSOR_I32, 2, (int64_t[]){batch->sequences, batch->time}, batch->tokens);
  net_enter(net, "transformer");
  Tensor *table = nn_embedding_table(net, "wte", c->vocabulary, c->width, stddev);
  Tensor *places = nn_embedding_table(net, "wpe", c->context, c->width, stddev / 2);
  Tensor *x = op_embedding(net->tape, table, ids);
  x = nn_dropout(net, op_add(net->tape, x, op_embedding(net->tape, places, positions(net, batch))));
  x = nn_layers(net, "h", c->layers, block, c, x, NULL);
  x = nn_layernorm(net, "ln_f", x, (float)c->norm_epsilon);
  net_leave(net, "transformer");
  if (!c->tied) table = nn_embedding_table(net, "lm_head", c->vocabulary, c->width, stddev);
  return (Output){.hidden = x, .weight = table};
}

const Arch arch_gpt2 = {.name = "gpt2",
                        .model_type = "gpt2",
                        .hf_class = "GPT2LMHeadModel",
                        .presets = presets,
                        .keys = keys,
                        .facts = facts,
                        .namings = namings,
                        .forward = forward,
                        .complete = complete,
                        .read_rest = read_rest,
                        .write_rest = write_rest};
