/* rwkv7.c - RWKV-7 "Goose" (Peng et al. 2025): no attention, but for each layer a state of fixed size that a
 * delta rule updates (ops/wkv7.c), and mixing of each token with its predecessor. Names and keys are those of
 * flash-linear-attention's RWKV7ForCausalLM, in whose layout the models are published for transformers.
 * B: sequences, T: tokens of each, D: width, H: heads, d: head size. */
#include <math.h>

#include "models/model.h"

static const Preset presets[PRESETS] = {
    {"nano", 4, 32, 4, 0, 128},  {"tiny", 3, 128, 4, 0, 256},      {"small", 5, 256, 4, 0, 256},
    {"base", 9, 512, 8, 0, 512}, {"medium", 17, 768, 12, 0, 1024},
};

static const ConfigKey keys[] = {
    {"vocab_size", CONFIG_INT, offsetof(Config, vocabulary), 32000, NAN, NULL},
    {"num_hidden_layers", CONFIG_INT, offsetof(Config, layers), 24, NAN, NULL},
    {"hidden_size", CONFIG_INT, offsetof(Config, width), 2048, NAN, NULL},
    {"head_dim", CONFIG_INT, offsetof(Config, head_size), 64, 0, NULL},
    {"num_heads", CONFIG_INT, offsetof(Config, heads), 0, 0, NULL},
    {"intermediate_size", CONFIG_INT, offsetof(Config, ffn), 0, 0, NULL},
    {"decay_low_rank_dim", CONFIG_INT, offsetof(Config, decay_rank), 0, 0, NULL},
    {"gate_low_rank_dim", CONFIG_INT, offsetof(Config, gate_rank), 0, 0, NULL},
    {"a_low_rank_dim", CONFIG_INT, offsetof(Config, rate_rank), 0, 0, NULL},
    {"v_low_rank_dim", CONFIG_INT, offsetof(Config, value_rank), 0, 0, NULL},
    {"max_position_embeddings", CONFIG_INT, offsetof(Config, context), 2048, NAN, NULL},
    {"norm_eps", CONFIG_REAL, offsetof(Config, norm_epsilon), 1e-5, NAN, NULL},
    {"norm_first", CONFIG_BOOL, offsetof(Config, norm_before), 1, NAN, NULL},
    {"tie_word_embeddings", CONFIG_BOOL, offsetof(Config, tied), 0, NAN, NULL},
    {"bos_token_id", CONFIG_TOKEN, offsetof(Config, bos), 1, -1, NULL},
    {"eos_token_id", CONFIG_TOKENS, offsetof(Config, ends), 2, -1, NULL},
    {"pad_token_id", CONFIG_TOKEN, offsetof(Config, pad), -1, -1, NULL},
    {NULL, 0, 0, 0, 0, NULL}};

static const ConfigFact facts[] = {{"is_encoder_decoder", "false"},
                                   {"attn", ""}, /* layers with attention: not supported */
                                   {"hidden_act", "\"sqrelu\""},
                                   {"norm_bias", "true"},
                                   {"hidden_ratio", "*"}, /* read below */
                                   {"value_dim", "*"},    /* the same */
                                   {"attn_mode", "*"},    /* ways to compute the same */
                                   {"fuse_norm", "*"},
                                   {"fuse_cross_entropy", "*"},
                                   {"fuse_linear_cross_entropy", "*"},
                                   {"use_l2warp", "*"}, /* of training */
                                   {"auto_map", "*"},
                                   {NULL, NULL}};

static const TensorName names[] = {
    {"lm_head.weight", TENSOR_OUTPUT, "model.embeddings.weight", NULL, FORM_SAME},
    {NULL, TENSOR_COPY, NULL, NULL, FORM_SAME}};
#define LERP(number, part) \
  { "blk.#.time_mix_lerp." #number ".weight", TENSOR_COPY, "model.layers.#.attn.x_" #part, NULL, FORM_SAME }
#define LOW_RANK_PART(part, number, parameter)                                \
  {                                                                           \
    "blk.#.time_mix_" #part #number ".weight", TENSOR_COPY,                   \
        "model.layers.#.attn." #part "_lora.lora." parameter, NULL, FORM_SAME \
  }
#define LOW_RANK(part) \
  LOW_RANK_PART(part, 0, "2.bias"), LOW_RANK_PART(part, 1, "0.weight"), LOW_RANK_PART(part, 2, "2.weight")
static const TensorName gguf_names[] = {
    TENSOR_LAYER("token_embd", "model.embeddings", FORM_SAME),
    TENSOR_LAYER("token_embd_norm", "model.layers.0.pre_norm", FORM_SAME),
    TENSOR_LAYER("output_norm", "model.norm", FORM_SAME),
    TENSOR_LAYER("output", "lm_head", FORM_SAME),
    {"output.weight", TENSOR_OUTPUT, "model.embeddings.weight", NULL, FORM_SAME},
    TENSOR_LAYER("blk.#.attn_norm", "model.layers.#.attn_norm", FORM_SAME),
    TENSOR_LAYER("blk.#.attn_norm_2", "model.layers.#.ffn_norm", FORM_SAME),
    TENSOR_LAYER("blk.#.time_mix_ln", "model.layers.#.attn.g_norm", FORM_SAME),
    TENSOR_LAYER("blk.#.time_mix_receptance", "model.layers.#.attn.r_proj", FORM_SAME),
    TENSOR_LAYER("blk.#.time_mix_key", "model.layers.#.attn.k_proj", FORM_SAME),
    TENSOR_LAYER("blk.#.time_mix_value", "model.layers.#.attn.v_proj", FORM_SAME),
    TENSOR_LAYER("blk.#.time_mix_output", "model.layers.#.attn.o_proj", FORM_SAME),
    TENSOR_LAYER("blk.#.channel_mix_key", "model.layers.#.ffn.key", FORM_SAME),
    TENSOR_LAYER("blk.#.channel_mix_value", "model.layers.#.ffn.value", FORM_SAME),
    {"blk.#.channel_mix_lerp_k.weight", TENSOR_COPY, "model.layers.#.ffn.x_k", NULL, FORM_SAME},
    {"blk.#.time_mix_k_k.weight", TENSOR_COPY, "model.layers.#.attn.k_k", NULL, FORM_SAME},
    {"blk.#.time_mix_k_a.weight", TENSOR_COPY, "model.layers.#.attn.k_a", NULL, FORM_SAME},
    {"blk.#.time_mix_r_k.weight", TENSOR_COPY, "model.layers.#.attn.r_k", NULL, FORM_FLAT},
    LERP(0, r),
    LERP(1, w),
    LERP(2, k),
    LERP(3, v),
    LERP(4, a),
    LERP(5, g),
    LOW_RANK(w),
    LOW_RANK(a),
    LOW_RANK(v),
    LOW_RANK(g),
    {"blk.0.time_mix_v0.weight", TENSOR_IGNORED, NULL, NULL, FORM_SAME}, /* of no effect */
    {"blk.0.time_mix_v1.weight", TENSOR_IGNORED, NULL, NULL, FORM_SAME},
    {"blk.0.time_mix_v2.weight", TENSOR_IGNORED, NULL, NULL, FORM_SAME},
    {NULL, TENSOR_COPY, NULL, NULL, FORM_SAME}};
static const Naming namings[] = {
    {"huggingface", "model.", names}, {"gguf", "", gguf_names}, {NULL, NULL, NULL}};

/* ---- config.json ---- */

/* Values of all layers: a list of them, or one number. */
static bool check_value_sizes(const Config *c, const json_t *sizes, const char *where, Error *err) {
  const bool list = json_is_array(sizes);
  bool good = list ? (int64_t)json_array_size(sizes) == c->layers : json_integer_value(sizes) == c->width;
  if (!sizes || json_is_null(sizes)) return true;
  for (size_t i = 0; good && i < json_array_size(sizes); i++)
    good = json_integer_value(json_array_get(sizes, i)) == c->width;
  return good ||
         fail(err, "%s: \"value_dim\" is not hidden_size in each layer, which is not supported", where);
}

static bool read_rest(Config *c, const json_t *config, const char *where, Error *err) {
  double ratio;
  if (!check_value_sizes(c, json_object_get(config, "value_dim"), where, err) ||
      !json_get_real(config, "hidden_ratio", 4, &ratio, where, err))
    return false;
  if (!(ratio > 0 && ratio <= 64))
    return fail(err, "%s: hidden_ratio is %.9g, but must be between 0 and 64", where, ratio);
  if (!c->ffn && c->width <= 65536) c->ffn = ((int64_t)((double)c->width * ratio) + 31) / 32 * 32;
  return true;
}

static void write_rest(const Config *c, json_t *config) {
  json_t *sizes = json_array();
  for (int64_t i = 0; i < c->layers; i++) json_push(sizes, json_integer(c->width));
  json_put(config, "value_dim", sizes);
  json_put(config, "hidden_act", json_string("sqrelu"));
}

/* The class's choice of a rank: a multiple of 32 near factor * sqrt(width) * share. */
static int64_t rank_of(const Config *c, double factor, double share) {
  const double rank = rint(factor * sqrt((double)c->width) * share / 32) * 32;
  return rank > 32 ? (int64_t)rank : 32;
}

static bool complete(Config *c, const char *where, Error *err) {
  if (c->kv_heads && c->kv_heads != c->heads)
    return fail_value(err, where, "leave out --kv-heads", "rwkv7 has no grouped heads");
  const int64_t heads = c->head_size ? c->width / c->head_size : c->heads;
  if (heads < 1 || c->width % heads || (c->head_size && c->head_size * heads != c->width))
    return fail_value(err, where, "give a width that is a multiple of the number of heads",
                      "a width of %lld cannot be divided among %lld heads", (long long)c->width,
                      (long long)heads);
  c->heads = c->kv_heads = heads;
  c->head_size = c->width / heads;
  if (c->head_size > WKV7_LARGEST)
    return fail_value(err, where, "give more heads", "heads of %lld values are more than rwkv7's %d",
                      (long long)c->head_size, WKV7_LARGEST);
  const double share = (double)c->head_size / 64;
  if (!c->ffn) c->ffn = 4 * c->width;
  if (!c->decay_rank) c->decay_rank = rank_of(c, 2.5, share);
  if (!c->rate_rank) c->rate_rank = rank_of(c, 2.5, share);
  if (!c->value_rank) c->value_rank = rank_of(c, 1.7, share);
  if (!c->gate_rank) c->gate_rank = rank_of(c, 5, 1);
  return true;
}

static void begin(Config *c) {
  c->norm_before = true;
}

/* ---- layers ---- */

/* Common to all layers. */
typedef struct Rwkv {
  const Config *config;
  Tensor *first_values; /* [B,T,D]: those of the first layer, which later ones mix with theirs */
} Rwkv;

static float initial_stddev(const Config *c) {
  return 0.5f / sqrtf((float)c->width);
}

static Tensor *linear(Net *net, const Config *c, const char *name, Tensor *x, int64_t out) {
  return nn_linear(net, name, x, out, (LinearOptions){.stddev = initial_stddev(c)});
}

/* Projections into the residual stream. */
static Tensor *linear_back(Net *net, const Config *c, const char *name, Tensor *x) {
  const float stddev = initial_stddev(c) / sqrtf(2.0f * (float)c->layers);
  return nn_linear(net, name, x, c->width, (LinearOptions){.stddev = stddev});
}

/* A parameter for each channel. */
static Tensor *channels(Net *net, const char *name, const Config *c, InitKind init) {
  return net_param(net, name, 1, &c->width, (Init){init, 0}, PARAM_VECTOR);
}

static Tensor *norm(Net *net, const Config *c, const char *name, Tensor *x) {
  return nn_norm(net, name, NORM_LAYER, x, (float)c->norm_epsilon);
}

/* A product of two narrow matrices, with an activation between, and a bias. */
typedef struct LowRank {
  const char *name;
  int64_t rank;
  enum { INNER_NONE, INNER_TANH, INNER_SIGMOID } inner;
  bool bias;
  float bias_spread;
} LowRank;

static Tensor *low_rank(Net *net, const Config *c, LowRank r, Tensor *x) {
  const float stddev = initial_stddev(c);
  net_enter(net, "%s.lora", r.name);
  x = nn_linear(net, "0", x, r.rank, (LinearOptions){.stddev = stddev});
  if (r.inner != INNER_NONE)
    x = op_activation(net->tape, x, r.inner == INNER_TANH ? ACTIVATION_TANH : ACTIVATION_SIGMOID);
  x = nn_linear(net, "2", x, c->width,
                (LinearOptions){.bias = r.bias, .bias_spread = r.bias_spread, .stddev = stddev});
  net_leave(net, "%s.lora", r.name);
  return x;
}

static Tensor *sigmoid(Net *net, Tensor *x) {
  return op_activation(net->tape, x, ACTIVATION_SIGMOID);
}

/* Each token's predecessor, in the current scope. */
static Tensor *shifted(Net *net, const Config *c, Tensor *x) {
  Tensor *last, *y = op_token_shift(net->tape, x, net_state(net, "shift", c->width), &last);
  net_set_state(net, "shift", last);
  return y;
}

static Tensor *mixed(Net *net, const Config *c, const char *name, Tensor *x, Tensor *before) {
  const int64_t shape[] = {1, 1, c->width};
  return op_lerp(net->tape, x, before, net_param(net, name, 3, shape, (Init){INIT_ZERO, 0}, PARAM_VECTOR));
}

static Tensor *recurrence(Net *net, const Config *c, Wkv7Inputs in) {
  const int64_t cells = c->heads * c->head_size * c->head_size;
  Tensor *last, *y = op_wkv7(net->tape, in, c->heads, net_state(net, "wkv", cells), &last);
  net_set_state(net, "wkv", last);
  return y;
}

/* LayerNorm of each head (GroupNorm). */
static Tensor *norm_heads(Net *net, const Config *c, Tensor *x) {
  const int64_t each[] = {x->shape[0], x->shape[1], c->heads, c->head_size};
  net_enter(net, "g_norm");
  Tensor *weight = channels(net, "weight", c, INIT_ONE), *bias = channels(net, "bias", c, INIT_ZERO);
  net_leave(net, "g_norm");
  Tensor *y = op_layernorm(net->tape, tape_reshape(net->tape, x, 4, each), weight, bias,
                           (float)((double)c->head_size * c->norm_epsilon));
  return tape_reshape(net->tape, y, 3, (int64_t[]){each[0], each[1], c->width});
}

static Tensor *values(Net *net, const Rwkv *m, Tensor *x) {
  const Config *c = m->config;
  Tensor *v = linear(net, c, "v_proj", x, c->width);
  if (!m->first_values || net->layer == 0) return v;
  const LowRank share = {"v_lora", c->value_rank, INNER_NONE, true, 0};
  return op_lerp(net->tape, v, m->first_values, sigmoid(net, low_rank(net, c, share, x)));
}

static Tensor *time_mixing(Net *net, const Rwkv *m, Tensor *x) {
  const Config *c = m->config;
  Tape *tape = net->tape;
  enum { SPREAD = 4 }; /* decays from exp(-0.01) to exp(-0.6) a step */
  const LowRank decay = {"w_lora", c->decay_rank, INNER_TANH, true, SPREAD},
                rate = {"a_lora", c->rate_rank, INNER_NONE, true, 0},
                gate = {"g_lora", c->gate_rank, INNER_SIGMOID, false, 0};
  net_enter(net, "attn");
  Tensor *before = shifted(net, c, x);
  Wkv7Inputs in = {.r = linear(net, c, "r_proj", mixed(net, c, "x_r", x, before), c->width),
                   .z = low_rank(net, c, decay, mixed(net, c, "x_w", x, before)),
                   .k = linear(net, c, "k_proj", mixed(net, c, "x_k", x, before), c->width),
                   .v = values(net, m, mixed(net, c, "x_v", x, before)),
                   .a = sigmoid(net, low_rank(net, c, rate, mixed(net, c, "x_a", x, before)))};
  Tensor *g = low_rank(net, c, gate, mixed(net, c, "x_g", x, before));
  in.c = op_unit(tape, in.k, channels(net, "k_k", c, INIT_ONE), c->heads);
  in.k = op_lerp(tape, in.k, op_multiply(tape, in.k, in.a), channels(net, "k_a", c, INIT_ONE));
  Tensor *weight =
      net_param(net, "r_k", 2, (int64_t[]){c->heads, c->head_size}, (Init){INIT_ZERO, 0}, PARAM_VECTOR);
  Tensor *y = norm_heads(net, c, recurrence(net, c, in));
  y = op_bonus(tape, y, in.r, in.k, in.v, weight, c->heads);
  y = linear_back(net, c, "o_proj", op_multiply(tape, y, g));
  net_leave(net, "attn");
  return y;
}

static Tensor *channel_mixing(Net *net, const Config *c, Tensor *x) {
  net_enter(net, "ffn");
  x = op_lerp(net->tape, x, shifted(net, c, x), channels(net, "x_k", c, INIT_ZERO));
  x = op_activation(net->tape, linear(net, c, "key", x, c->ffn), ACTIVATION_RELU_SQUARED);
  x = linear_back(net, c, "value", x);
  net_leave(net, "ffn");
  return x;
}

static Tensor *layer(Net *net, const void *arg, Tensor *x) {
  const Rwkv *m = arg;
  x = nn_residual(net, x, time_mixing(net, m, norm(net, m->config, "attn_norm", x)));
  return nn_residual(net, x, channel_mixing(net, m->config, norm(net, m->config, "ffn_norm", x)));
}

/* ---- the network ---- */

/* The first layer computes its values as well; they are computed here for the others, which as parts of the
 * tape may read only what comes before the layers. */
static Tensor *values_of_first_layer(Net *net, const Rwkv *m, Tensor *x) {
  const Config *c = m->config;
  x = norm(net, c, "attn_norm", x);
  net_enter(net, "attn");
  Tensor *before = op_token_shift(net->tape, x, net_state(net, "shift", c->width), NULL);
  Tensor *v = values(net, m, mixed(net, c, "x_v", x, before));
  net_leave(net, "attn");
  return v;
}

static Output forward(Net *net, const Config *c, const Batch *batch) {
  Tensor *ids =
      tape_constant(net->tape, TENSOR_I32, 2, (int64_t[]){batch->sequences, batch->time}, batch->tokens);
  Rwkv *m = arena_new_of(tape_arena(net->tape), Rwkv);
  *m = (Rwkv){.config = c};
  net_enter(net, "model");
  Tensor *table = nn_embedding_table(net, "embeddings", c->vocabulary, c->width, initial_stddev(c));
  Tensor *x = nn_dropout(net, op_embedding(net->tape, table, ids));
  net_enter(net, "layers.0");
  if (c->norm_before) x = norm(net, c, "pre_norm", x);
  m->first_values = values_of_first_layer(net, m, x);
  net_leave(net, "layers.0");
  x = nn_layers(net, "layers", c->layers, layer, m, x, m->first_values);
  x = norm(net, c, "norm", x);
  net_leave(net, "model");
  if (c->labels) return model_label_output(net, c, x);
  if (!c->tied) table = nn_embedding_table(net, "lm_head", c->vocabulary, c->width, initial_stddev(c));
  return (Output){.hidden = x, .weight = table};
}

const Arch arch_rwkv7 = {.name = "rwkv7",
                         .model_type = "rwkv7",
                         .hf_class = "RWKV7ForCausalLM",
                         .unlimited_context = true,
                         .presets = presets,
                         .keys = keys,
                         .facts = facts,
                         .namings = namings,
                         .forward = forward,
                         .begin = begin,
                         .complete = complete,
                         .read_rest = read_rest,
                         .write_rest = write_rest};
