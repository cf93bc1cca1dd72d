/* seq2seq.c - recurrent encoder-decoder: a bidirectional encoder of GRUs or LSTMs, a recurrent decoder, and
 * attention between them (Bahdanau et al. 2015; Luong et al. 2015).
 *
 * The summary of a source is the encoder's output at its first token, where the backward direction has read
 * all of it. As in Cho et al. (2014), every decoder step receives it, rather than only the initial state as
 * in Bahdanau et al., so that initial states are always zero. Attention follows the recurrence, as in Luong
 * et al., so that a step does not depend on the previous step's attention and training computes the products
 * of all steps at once.
 *
 * B: sequences, S: source tokens, T: target tokens, D: width. */
#include <math.h>

#include "models/recurrent.h"
#include "nn/watch.h"

static const Preset presets[PRESETS] = {
    {"nano", 1, 36, 0, 0, 64},   {"tiny", 1, 128, 0, 0, 128},    {"small", 1, 368, 0, 0, 128},
    {"base", 2, 768, 0, 0, 256}, {"medium", 3, 1344, 0, 0, 256},
};

static const ConfigKey keys[] = {
    {"vocab_size", CONFIG_INT, offsetof(Config, vocabulary), NAN, NAN, NULL},
    {"num_hidden_layers", CONFIG_INT, offsetof(Config, layers), NAN, NAN, NULL},
    {"encoder_layers", CONFIG_INT, offsetof(Config, encoder_layers), NAN, NAN, NULL},
    {"source_vocab_size", CONFIG_INT, offsetof(Config, source_vocabulary), 0, 0, NULL},
    {"hidden_size", CONFIG_INT, offsetof(Config, width), NAN, NAN, NULL},
    {"training_window", CONFIG_INT, offsetof(Config, context), NAN, NAN, NULL},
    {"cell", CONFIG_CELL, offsetof(Config, cell), NAN, NAN, NULL},
    {"attention", CONFIG_ATTENTION, offsetof(Config, attention), NAN, NAN, NULL},
    {"decoder_start_token_id", CONFIG_TOKEN, offsetof(Config, decoder_start), NAN, NAN, NULL},
    {"tie_word_embeddings", CONFIG_BOOL, offsetof(Config, tied), 1, NAN, NULL},
    {"bos_token_id", CONFIG_TOKEN, offsetof(Config, bos), -1, -1, NULL},
    {"eos_token_id", CONFIG_TOKENS, offsetof(Config, ends), -1, -1, NULL},
    {"pad_token_id", CONFIG_TOKEN, offsetof(Config, pad), -1, -1, NULL},
    {NULL, 0, 0, 0, 0, NULL},
};

static const ConfigFact facts[] = {{"is_encoder_decoder", "true"}, {NULL, NULL}};

static const TensorName names[] = {
    {"lm_head.weight", TENSOR_COPY, "model.embed_tokens.weight", NULL, FORM_SAME},
    {NULL, TENSOR_COPY, NULL, NULL, FORM_SAME}};
static const Naming namings[] = {{"huggingface", "model.", names}, {NULL, NULL, NULL}};

/* ---- the shape ---- */

static bool complete(Config *c, const char *where, Error *err) {
  if (!c->encoder_layers) c->encoder_layers = c->layers;
  return (!c->heads && !c->kv_heads && !c->ffn && c->feed_forward == FFN_RELU) ||
         fail_value(err, where, "leave out --heads, --kv-heads, --ffn and --activation",
                    "%s has no attention heads or feed-forward blocks", c->arch->name);
}

static bool read_rest(Config *c, const json_t *config, const char *where, Error *err) {
  (void)config;
  return (c->decoder_start >= 0 && c->decoder_start < c->vocabulary) ||
         fail(err, "%s: decoder_start_token_id is not an id of the vocabulary", where);
}

static void write_rest(const Config *c, json_t *config) {
  (void)c;
  json_put(config, "is_encoder_decoder", json_true());
}

/* ---- layers ---- */

static Tensor *linear(Net *net, const char *name, Tensor *x, int64_t out, bool bias) {
  const float stddev = sqrtf(2 / (float)(tensor_columns(x) + out)); /* Glorot & Bengio 2010 */
  return nn_linear(net, name, x, out, (LinearOptions){.bias = bias, .stddev = stddev});
}

/* W a + V b + c: a linear map of the concatenation of a and b. */
static Tensor *join(Net *net, const char *a_name, Tensor *a, const char *b_name, Tensor *b, int64_t out) {
  return op_add(net->tape, linear(net, a_name, a, out, true), linear(net, b_name, b, out, false));
}

static RecurrentLayer *cell_of(const Config *c) {
  return c->cell == CELL_LSTM ? lstm_layer : gru_layer;
}

/* Scaled as in Vaswani et al. (2017), as the table is also the output matrix and has small initial values. */
static Tensor *embed(Net *net, Tensor *table, const int32_t *tokens, int64_t sequences, int64_t time) {
  Tensor *ids = tape_constant(net->tape, TENSOR_I32, 2, (int64_t[]){sequences, time}, tokens);
  const float scale = sqrtf((float)tensor_columns(table));
  return nn_dropout(net, op_scale(net->tape, op_embedding(net->tape, table, ids), scale));
}

/* ---- the encoder ---- */

typedef struct Reading {
  const Config *config;
  Tensor *lengths; /* of the sources */
} Reading;

static Tensor *bidirectional(Net *net, const void *reading, Tensor *x) {
  const Config *c = ((const Reading *)reading)->config;
  Tensor *lengths = ((const Reading *)reading)->lengths;
  RecurrentLayer *cell = cell_of(c);
  net_enter(net, "forward");
  Tensor *ahead = cell(net, c, x);
  net_leave(net, "forward");
  net_enter(net, "backward");
  Tensor *back = op_reverse(net->tape, cell(net, c, op_reverse(net->tape, x, lengths)), lengths);
  net_leave(net, "backward");
  return nn_dropout(net, join(net, "join_forward", ahead, "join_backward", back, c->width));
}

/* Returns [B,S,D]. `net` is a copy without state, as a source is read in one call. */
static Tensor *encode(Net net, const Config *c, const Batch *batch, Tensor *table) {
  const int64_t sources = batch_sources(batch);
  net.state = NULL;
  Reading *reading = arena_alloc(tape_arena(net.tape), sizeof *reading);
  *reading = (Reading){c, tape_constant(net.tape, TENSOR_I32, 1, &sources, batch->source_lengths)};
  net_enter(&net, "encoder");
  Tensor *x = embed(&net, table, batch->source, sources, batch->source_time);
  return nn_layers(&net, "layers", c->encoder_layers, bidirectional, reading, x, NULL);
}

/* ---- the decoder ---- */

/* The encoded sources [sources, S, D] and, for additive attention, keys of the same shape. */
typedef struct Memory {
  Tensor *values, *keys;
} Memory;

/* encoded: NULL if the state holds it. */
static Memory memory_of(Net *net, const Config *c, Tensor *encoded) {
  Memory m = {.values = net_remember(net, "memory", encoded)};
  if (c->attention == ATTENTION_ADDITIVE)
    m.keys = net_remember(net, "keys", encoded ? linear(net, "key", encoded, c->width, false) : NULL);
  return m;
}

/* The rows of x [sources, S, D] at the first token of each sequence's source: [B,D]. */
static Tensor *first_rows(Net *net, Tensor *x) {
  const int64_t step = x->shape[1], rows = tensor_rows(x);
  Tensor *ids = tape_tensor(net->tape, TENSOR_I32, 1, &net->batch);
  for (int64_t b = 0; b < net->batch && ids->data; b++)
    tensor_i32(ids)[b] = (int32_t)(step * (net->source_of ? tensor_i32(net->source_of)[b] : b));
  Tensor *flat = tape_reshape(net->tape, x, 2, (int64_t[]){rows, tensor_columns(x)});
  return op_embedding(net->tape, flat, ids);
}

/* x [B,D] repeated for each of T steps: [B,T,D]. */
static Tensor *at_each_step(Net *net, Tensor *x) {
  Tensor *ids = tape_tensor(net->tape, TENSOR_I32, 2, (int64_t[]){net->batch, net->time});
  for (int64_t i = 0; i < net->batch * net->time && ids->data; i++)
    tensor_i32(ids)[i] = (int32_t)(i / net->time);
  return op_embedding(net->tape, x, ids);
}

/* Luong et al.'s "general" score is h^T W m; W absorbs the operator's constant scale. */
static Tensor *attend(Net *net, const Config *c, Tensor *h, Memory m) {
  const AttentionSight sight = {.lengths = net->source_lengths, .memory = net->source_of};
  Tensor *q = linear(net, "query", h, c->width, c->attention == ATTENTION_ADDITIVE);
  const AttentionShape shape = {.heads = 1, .kv_heads = 1};
  if (c->attention == ATTENTION_MULTIPLICATIVE) {
    watch_attention(net, true, q, m.values, shape);
    return op_attention(net->tape, q, m.values, m.values, sight, shape);
  }
  const Init init = {INIT_NORMAL, 1 / sqrtf((float)c->width)};
  Tensor *weight = net_param(net, "score", 1, &c->width, init, PARAM_TABLE);
  watch_additive_attention(net, q, m.keys, weight);
  return op_additive_attention(net->tape, q, m.keys, m.values, weight, sight);
}

static Tensor *decode(Net *net, const Config *c, const Batch *batch, Tensor *table, Tensor *encoded) {
  net_enter(net, "decoder");
  const Memory memory = memory_of(net, c, encoded);
  Tensor *summary = linear(net, "summary", first_rows(net, memory.values), c->width, false);
  Tensor *h = op_add(net->tape, embed(net, table, batch->tokens, batch->sequences, batch->time),
                     at_each_step(net, summary));
  h = recurrent_layers(net, c, h, cell_of(c));
  Tensor *y = join(net, "join_state", h, "join_context", attend(net, c, h, memory), c->width);
  y = nn_dropout(net, op_activation(net->tape, y, ACTIVATION_TANH));
  net_leave(net, "decoder");
  return y;
}

/* ---- the network ---- */

static Output forward(Net *net, const Config *c, const Batch *batch) {
  net_enter(net, "model");
  Tensor *table = recurrent_table(net, "embed_tokens", c->vocabulary, c->width);
  Tensor *sources = c->source_vocabulary
                        ? recurrent_table(net, "encoder.embed_tokens", c->source_vocabulary, c->width)
                        : table;
  Tensor *encoded = batch->source_time ? encode(*net, c, batch, sources) : NULL;
  Tensor *y = decode(net, c, batch, table, encoded);
  net_leave(net, "model");
  return recurrent_output(net, c, y, table);
}

const Arch arch_seq2seq = {.name = "seq2seq",
                           .model_type = "inkstone_seq2seq",
                           .hf_class = "InkstoneSeq2Seq",
                           .unlimited_context = true,
                           .encodes = true,
                           .separable = true,
                           .presets = presets,
                           .keys = keys,
                           .facts = facts,
                           .namings = namings,
                           .forward = forward,
                           .complete = complete,
                           .read_rest = read_rest,
                           .write_rest = write_rest};
