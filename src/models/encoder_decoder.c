/* encoder_decoder.c - Transformers with a bidirectional encoder and a causal decoder with cross-attention. B:
 * sequences, S: source tokens, T: target tokens, D: width. */
#include "models/encoder_decoder.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const Preset encoder_decoder_presets[PRESETS] = {
    {"nano", 2, 32, 4, 128, 128},   {"tiny", 2, 128, 4, 256, 256},      {"small", 3, 256, 4, 512, 256},
    {"base", 4, 512, 8, 2048, 512}, {"medium", 7, 768, 12, 3072, 1024},
};

const ConfigFact encoder_decoder_facts[] = {
    {"is_encoder_decoder", "true"},
    {"activation_function", "*"}, /* read below, as are the next two */
    {"decoder_vocab_size", "*"},
    {"share_encoder_decoder_embeddings", "*"},
    {"dropout", "*"},
    {"attention_dropout", "*"},
    {"activation_dropout", "*"},
    {"classifier_dropout", "*"},
    {"classif_dropout", "*"},
    {"encoder_layerdrop", "*"},
    {"decoder_layerdrop", "*"},
    /* of transformers before 4, where these selected what are separate classes now */
    {"normalize_before", "*"},
    {"normalize_embedding", "*"},
    {"add_final_layer_norm", "*"},
    {"static_position_embeddings", "*"},
    {"extra_pos_embeddings", "*"},
    {"layernorm_variant", "*"},
    {"do_blenderbot_90_layernorm", "*"},
    {"add_bias_logits", "false"},
    {"force_bos_token_to_be_generated", "*"}, /* read by generation.c */
    {"student_encoder_layers", "*"},
    {"student_decoder_layers", "*"},
    {"replacing_rate", "*"},
    {"save_step", "*"},
    {"num_hidden_layers", "*"}, /* an alias */
    {"kobart_version", "*"},
    {NULL, NULL}};

/* ---- names of tensors ---- */

/* Whether t agrees with sinusoids() to the precision of bf16. */
static bool are_sinusoids(const Tensor *t) {
  const int64_t width = tensor_columns(t), half = width / 2, rows = tensor_rows(t);
  const float *x = tensor_f32(t);
  bool good = t->dims == 2 && width % 2 == 0;
  for (int64_t i = 0; i < half && good; i++) {
    const double frequency = pow(10000, -2.0 * (double)i / (double)width);
    for (int64_t p = 0; p < rows && good; p++)
      good = fabs(x[p * width + i] - sin((double)p * frequency)) < 0.01 &&
             fabs(x[p * width + half + i] - cos((double)p * frequency)) < 0.01;
  }
  return good;
}

/* One shared embedding, or a separate one for targets; older files store Marian's positions. */
static const TensorName stored_names[] = {
    {"lm_head.weight", TENSOR_COPY, "model.shared.weight", NULL, FORM_SAME},
    {"lm_head.weight", TENSOR_COPY, "model.decoder.embed_tokens.weight", NULL, FORM_SAME},
    {"model.encoder.embed_tokens.weight", TENSOR_COPY, "model.shared.weight", NULL, FORM_SAME},
    {"model.decoder.embed_tokens.weight", TENSOR_COPY, "model.shared.weight", NULL, FORM_SAME},
    {"model.encoder.embed_positions.weight", TENSOR_COMPUTED, NULL, are_sinusoids, FORM_SAME},
    {"model.decoder.embed_positions.weight", TENSOR_COMPUTED, NULL, are_sinusoids, FORM_SAME},
    {"model.encoder.embed_positions.weights", TENSOR_IGNORED, NULL, NULL, FORM_SAME}, /* of M2M100 */
    {"model.decoder.embed_positions.weights", TENSOR_IGNORED, NULL, NULL, FORM_SAME},
    {NULL, TENSOR_COPY, NULL, NULL, FORM_SAME}};
const Naming encoder_decoder_namings[] = {{"huggingface", "model.", stored_names}, {NULL, NULL, NULL}};

/* ---- the shape ---- */

bool encoder_decoder_complete(Config *c, const char *where, Error *err) {
  if (!c->encoder_layers) c->encoder_layers = c->layers;
  if (!c->encoder_heads) c->encoder_heads = c->heads;
  if (!c->ffn) c->ffn = 4 * c->width;
  if (!c->encoder_ffn) c->encoder_ffn = c->ffn;
  const int64_t heads[] = {c->heads, c->encoder_heads};
  for (int i = 0; i < 2; i++)
    if (heads[i] < 1 || c->width % heads[i])
      return fail_value(err, where, "give a width that is a multiple of the number of heads",
                        "a width of %lld cannot be divided among %lld heads", (long long)c->width,
                        (long long)heads[i]);
  if (c->width % 2)
    return fail_value(err, where, "give an even one", "a width of %lld is odd", (long long)c->width);
  if (c->kv_heads && c->kv_heads != c->heads)
    return fail_value(err, where, "leave out --kv-heads", "%s has no grouped-query attention", c->arch->name);
  if (!c->tied)
    return fail_value(err, where, "leave out --no-tied", "%s has a single embedding for input and output",
                      c->arch->name);
  c->kv_heads = c->heads;
  c->head_size = c->width / c->heads;
  return true;
}

/* Names in transformers; the last exists only in Inkstone. */
static const struct {
  const char *name;
  FeedForward kind;
} activations[] = {{"relu", FFN_RELU},          {"gelu", FFN_GELU},
                   {"gelu_new", FFN_GELU_TANH}, {"gelu_pytorch_tanh", FFN_GELU_TANH},
                   {"silu", FFN_SILU},          {"swish", FFN_SILU},
                   {"swiglu", FFN_SWIGLU}};
enum { ACTIVATIONS = sizeof activations / sizeof *activations };

bool encoder_decoder_read_activation(Config *c, const char *key, const char *name, const char *where,
                                     Error *err) {
  for (int i = 0; i < ACTIVATIONS; i++)
    if (!strcmp(activations[i].name, name)) {
      c->feed_forward = activations[i].kind;
      return true;
    }
  return fail(err, "%s: %s \"%s\" is not supported (relu, gelu, gelu_new, silu)", where, key, name);
}

bool encoder_decoder_read(Config *c, const json_t *config, const char *activation, const char *where,
                          Error *err) {
  const json_t *given = json_object_get(config, "activation_function");
  int64_t decoder_vocabulary;
  bool shared;
  if (given && !json_is_string(given))
    return fail(err, "%s: \"activation_function\" is not a name (relu, gelu, gelu_new, silu)", where);
  if (!json_get_int(config, "decoder_vocab_size", c->vocabulary, &decoder_vocabulary, where, err) ||
      !json_get_bool(config, "share_encoder_decoder_embeddings", true, &shared, where, err))
    return false;
  if (!c->tied)
    return fail(
        err,
        "%s: \"tie_word_embeddings\" false is not supported for %s: save the model with shared embeddings",
        where, c->arch->model_type);
  if (!shared && !c->arch->separable)
    return fail(err, "%s: separate embeddings of source and target are not supported", where);
  if (shared && decoder_vocabulary != c->vocabulary)
    return fail(err, "%s: vocab_size and decoder_vocab_size differ, but the embedding is shared", where);
  if (!shared) c->source_vocabulary = c->vocabulary;
  c->vocabulary = decoder_vocabulary;
  /* As in transformers' generate. generation_config.json may say something else, so it is checked later. */
  if (c->decoder_start < 0) c->decoder_start = c->bos;
  return encoder_decoder_read_activation(
      c, "activation_function", json_get_text(config, "activation_function", activation), where, err);
}

bool encoder_decoder_read_rest(Config *c, const json_t *config, const char *where, Error *err) {
  return encoder_decoder_read(c, config, "gelu", where, err);
}

void encoder_decoder_write_rest(const Config *c, json_t *config) {
  static const char *const dropouts[] = {"dropout",           "attention_dropout", "activation_dropout",
                                         "encoder_layerdrop", "decoder_layerdrop", "classifier_dropout"};
  for (size_t i = 0; i < sizeof dropouts / sizeof *dropouts; i++) json_put(config, dropouts[i], json_real(0));
  for (int i = 0; i < ACTIVATIONS; i++)
    if (activations[i].kind == c->feed_forward) {
      json_put(config, "activation_function", json_string(activations[i].name));
      break;
    }
  json_put(config, "is_encoder_decoder", json_true());
  json_put(config, "num_hidden_layers", json_integer(c->encoder_layers));
  if (c->source_vocabulary) json_put(config, "vocab_size", json_integer(c->source_vocabulary));
  json_put(config, "decoder_vocab_size", json_integer(c->vocabulary));
  json_put(config, "share_encoder_decoder_embeddings", json_boolean(!c->source_vocabulary));
  json_put(config, "forced_eos_token_id", json_null());
}

/* ---- layers ---- */

const EncoderDecoderNames encoder_decoder_names = {
    .body = "model",
    .layers = "layers",
    .last_norm = "layer_norm",
    .self = "self_attn",
    .self_norm = "self_attn_layer_norm",
    .cross = "encoder_attn",
    .cross_norm = "encoder_attn_layer_norm",
    .q = "q_proj",
    .k = "k_proj",
    .v = "v_proj",
    .out = "out_proj",
    .ffn_norm = {"final_layer_norm", "final_layer_norm"},
    .up = {"fc1", "fc1"},
    .gate = {"fc_gate", "fc_gate"},
    .gated_up = {"fc1", "fc1"},
    .down = {"fc2", "fc2"},
};

/* Arguments common to the layers of the encoder or the decoder. */
typedef struct Side {
  Net *net;
  const Config *config;
  const EncoderDecoder *kind;
  int64_t heads, ffn;
  bool decodes;
  Tensor *lengths; /* of the sources; encoder only */
  Tensor *memory;  /* decoder only: the encoder's output [B,S,D]; NULL if the state holds it */
  Tensor *buckets; /* i32 [n]: of each distance, from -n/2 to n/2; relative positions only */
  Tensor *weight;  /* of the bias of all layers, [buckets,H]; NULL: each has its own */
} Side;

static bool is_relative(const Side *s) {
  return s->kind->positions == POSITIONS_RELATIVE;
}

/* Initialized as in Glorot & Bengio 2010, like fairseq and Marian. */
static LinearOptions scaled(const Side *s, const Tensor *x, int64_t out, float gain) {
  const float stddev = gain * sqrtf(2 / (float)(tensor_columns(x) + out));
  return (LinearOptions){.bias = !is_relative(s), .stddev = stddev};
}
static Tensor *linear(const Side *s, const char *name, Tensor *x, int64_t out) {
  return nn_linear(s->net, name, x, out, scaled(s, x, out, 1));
}

/* Of one x, as one product. Queries, keys and values are initialized as one matrix D x 3D, with smaller
 * values (fairseq); queries whose scores are not scaled, as if they were. */
static void projections(const Side *s, const char *const *names, int count, Tensor *x, Tensor **y) {
  const int64_t width = is_relative(s) ? s->heads * s->config->head_size : s->config->width;
  const bool unscaled = is_relative(s) && names[0] == s->kind->names->q;
  const float gain = sqrtf(unscaled ? 0.5f / (float)s->config->head_size : 0.5f);
  LinearLayer layers[3];
  for (int i = 0; i < count; i++) layers[i] = (LinearLayer){names[i], width};
  const int together = unscaled ? 1 : count;
  nn_linears(s->net, layers, together, x, scaled(s, x, width, gain), y);
  if (together < count) projections(s, names + 1, count - 1, x, y + 1);
}

static Tensor *norm(const Side *s, const char *name, Tensor *x) {
  return nn_norm(s->net, name, is_relative(s) ? NORM_RMS : NORM_LAYER, x, (float)s->config->norm_epsilon);
}

/* pre-norm: x + f(norm(x)); post-norm: norm(x + f(x)). */
static Tensor *block_input(const Side *s, const char *name, Tensor *x) {
  return s->kind->pre_norm ? norm(s, name, x) : x;
}
static Tensor *block_output(const Side *s, const char *name, Tensor *x, Tensor *change) {
  x = nn_residual(s->net, x, change);
  return s->kind->pre_norm ? x : norm(s, name, x);
}

static Tensor *bias_weight(const Side *s) {
  return nn_embedding_table(s->net, "relative_attention_bias", s->config->buckets, s->heads, 0.1f);
}

static AttentionShape shape_of(const Side *s) {
  return (AttentionShape){.heads = s->heads, .kv_heads = s->heads, .scale = is_relative(s) ? 1 : 0};
}

/* Bidirectional in the encoder, causal in the decoder. */
static Tensor *self_attention(const Side *s, Tensor *x) {
  const EncoderDecoderNames *names = s->kind->names;
  AttentionShape shape = shape_of(s);
  shape.causal = s->decodes;
  Tensor *in = block_input(s, names->self_norm, x);
  net_enter(s->net, "%s", names->self);
  if (is_relative(s)) {
    Tensor *weight = s->weight ? s->weight : bias_weight(s);
    shape.bias =
        (AttentionBias){op_embedding(s->net->tape, weight, s->buckets), true, s->buckets->shape[0] / 2};
  }
  Tensor *p[3];
  projections(s, (const char *const[]){names->q, names->k, names->v}, 3, in, p);
  Tensor *y = s->decodes ? nn_self_attention(s->net, p[0], p[1], p[2], shape)
                         : op_attention(s->net->tape, p[0], p[1], p[2],
                                        (AttentionSight){.lengths = s->lengths}, shape);
  y = linear(s, names->out, y, s->config->width);
  net_leave(s->net, "%s", names->self);
  return block_output(s, names->self_norm, x, y);
}

static Tensor *cross_attention(const Side *s, Tensor *x) {
  const EncoderDecoderNames *names = s->kind->names;
  Tensor *q, *kv[2] = {NULL, NULL};
  Tensor *in = block_input(s, names->cross_norm, x);
  net_enter(s->net, "%s", names->cross);
  projections(s, &names->q, 1, in, &q);
  if (s->memory) projections(s, (const char *const[]){names->k, names->v}, 2, s->memory, kv);
  Tensor *y =
      linear(s, names->out, nn_cross_attention(s->net, q, kv[0], kv[1], shape_of(s)), s->config->width);
  net_leave(s->net, "%s", names->cross);
  return block_output(s, names->cross_norm, x, y);
}

static Tensor *inner(const Side *s, Tensor *in) {
  static const Activation kinds[] = {[FFN_RELU] = ACTIVATION_RELU,
                                     [FFN_GELU] = ACTIVATION_GELU,
                                     [FFN_GELU_TANH] = ACTIVATION_GELU_TANH,
                                     [FFN_SILU] = ACTIVATION_SILU};
  const EncoderDecoderNames *names = s->kind->names;
  const FeedForward kind = s->config->feed_forward;
  const bool gated = s->config->gated || kind == FFN_SWIGLU;
  Tensor *up = linear(s, (gated ? names->gated_up : names->up)[s->decodes], in, s->ffn);
  if (!gated) return op_activation(s->net->tape, up, kinds[kind]);
  Tensor *gate = linear(s, names->gate[s->decodes], in, s->ffn);
  if (kind == FFN_SWIGLU || kind == FFN_SILU) return op_swiglu(s->net->tape, gate, up);
  return op_multiply(s->net->tape, op_activation(s->net->tape, gate, kinds[kind]), up);
}

static Tensor *feed_forward(const Side *s, Tensor *x) {
  const EncoderDecoderNames *names = s->kind->names;
  Tensor *in = block_input(s, names->ffn_norm[s->decodes], x);
  Tensor *y = linear(s, names->down[s->decodes], inner(s, in), s->config->width);
  return block_output(s, names->ffn_norm[s->decodes], x, y);
}

/* ---- embeddings ---- */

/* Positions first .. first + count-1, or those of `at`: sin(p / 10000^(2i/D)) in the first half of the
 * columns, cos in the second; fairseq: sin(p / 10000^(i/(D/2-1))). */
static Tensor *sinusoids(const Side *s, const int32_t *at, int64_t first, int64_t count) {
  const int64_t width = s->config->width, half = width / 2;
  const bool fairseq = s->kind->positions == POSITIONS_FAIRSEQ;
  /* Padding tokens have no position. (transformers so generates with a cache, and counts from here on without
   * one.) */
  const bool without_first = fairseq && s->decodes && s->config->decoder_start == s->config->pad;
  Tensor *table = tape_tensor(s->net->tape, TENSOR_F32, 2, (int64_t[]){count, width});
  for (int64_t i = 0; i < half && table->data; i++) {
    const double frequency =
        pow(10000, fairseq ? (double)-i / (double)(half - 1) : -2.0 * (double)i / (double)width);
    for (int64_t row = 0; row < count; row++) {
      const double p = (double)(at ? at[row] : first + row);
      const bool none = without_first && (int64_t)p == s->config->pad + 1;
      tensor_f32(table)[row * width + i] = none ? 0 : (float)sin(p * frequency);
      tensor_f32(table)[row * width + half + i] = none ? 0 : (float)cos(p * frequency);
    }
  }
  return table;
}

/* For generation: only the positions that occur, once for adjacent equal ones (as of beams). Changes `ids`
 * from positions to rows of the table. */
static Tensor *sinusoids_needed(const Side *s, Tensor *ids) {
  const int64_t count = tensor_count(ids);
  int32_t *at = arena_alloc(tape_arena(s->net->tape), (size_t)count * sizeof *at);
  int64_t rows = 0;
  for (int64_t i = 0; i < count; i++) {
    if (!rows || tensor_i32(ids)[i] != at[rows - 1]) at[rows++] = tensor_i32(ids)[i];
    tensor_i32(ids)[i] = (int32_t)rows - 1;
  }
  return sinusoids(s, at, 0, rows);
}

/* The position of each token in its sequence, plus `first`: [B,T]. */
static Tensor *positions(Net *net, const Tensor *start, int64_t sequences, int64_t time, int32_t first) {
  Tensor *ids = tape_tensor(net->tape, TENSOR_I32, 2, (int64_t[]){sequences, time});
  for (int64_t b = 0; b < sequences && ids->data; b++) {
    const int32_t from = first + (start ? tensor_i32(start)[b] : 0);
    for (int64_t t = 0; t < time; t++) tensor_i32(ids)[b * time + t] = from + (int32_t)t;
  }
  return ids;
}

static Tensor *position_rows(const Side *s, const Tensor *start, int64_t sequences, int64_t time) {
  const Config *c = s->config;
  const bool learned = s->kind->positions == POSITIONS_TABLE;
  const int64_t unused = s->kind->unused_positions;
  const int64_t first = s->kind->positions == POSITIONS_FAIRSEQ ? c->pad + 1 : unused;
  Tensor *ids = positions(s->net, start, sequences, time, learned || start ? (int32_t)first : 0), *table;
  if (learned)
    table = nn_embedding_table(s->net, "embed_positions", c->context + unused, c->width, 0.02f);
  else
    table = start ? sinusoids_needed(s, ids) : sinusoids(s, NULL, first, time);
  return op_embedding(s->net->tape, table, ids);
}

static Tensor *embed(const Side *s, Tensor *table, const int32_t *tokens, const Tensor *start,
                     int64_t sequences, int64_t time) {
  Tape *tape = s->net->tape;
  const EncoderDecoder *kind = s->kind;
  const bool norm_first = s->decodes && kind->norm_first;
  Tensor *ids = tape_constant(tape, TENSOR_I32, 2, (int64_t[]){sequences, time}, tokens);
  Tensor *x = op_embedding(tape, table, ids);
  if (is_relative(s)) return nn_dropout(s->net, x);
  if (s->config->scale_embedding) x = op_scale(tape, x, sqrtf((float)s->config->width));
  if (norm_first) x = norm(s, "layernorm_embedding", x);
  x = op_add(tape, x, position_rows(s, start, sequences, time));
  if (kind->embedding_norm && !norm_first) x = norm(s, "layernorm_embedding", x);
  return nn_dropout(s->net, x);
}

/* ---- relative positions (Raffel et al. 2020) ---- */

/* Half of the buckets are for a distance each, half for ranges that grow by a factor; in the encoder, half of
 * all are for keys behind the query. */
static int32_t bucket_of(const Config *c, int64_t distance, bool decodes) {
  const int64_t count = decodes ? c->buckets : c->buckets / 2, exact = count / 2;
  const int64_t side = !decodes && distance > 0 ? count : 0;
  const int64_t far = decodes ? (distance < 0 ? -distance : 0) : llabs(distance);
  if (far < exact) return (int32_t)(side + far);
  const float share = logf((float)far / (float)exact) / (float)log((double)c->farthest / (double)exact);
  const int64_t bucket = exact + (int64_t)(share * (float)(count - exact));
  return (int32_t)(side + (bucket < count ? bucket : count - 1));
}

/* Of distances from -(keys-1) to keys-1. */
static void find_buckets(Side *s, int64_t keys) {
  if (!is_relative(s)) return;
  const int64_t count = 2 * keys - 1;
  s->buckets = tape_tensor(s->net->tape, TENSOR_I32, 1, &count);
  for (int64_t i = 0; i < count && s->buckets->data; i++)
    tensor_i32(s->buckets)[i] = bucket_of(s->config, i - keys + 1, s->decodes);
  if (s->kind->bias_each) return;
  net_enter(s->net, "%s.0.%s", s->kind->names->layers, s->kind->names->self);
  s->weight = bias_weight(s);
  net_leave(s->net, "%s.0.%s", s->kind->names->layers, s->kind->names->self);
}

static int64_t keys_of(const Net *net, const Batch *batch) {
  int64_t keys = batch->time;
  for (int64_t b = 0; net->start && b < batch->sequences; b++)
    if (tensor_i32(net->start)[b] + batch->time > keys) keys = tensor_i32(net->start)[b] + batch->time;
  return keys;
}

/* ---- the network ---- */

static Tensor *encoder_layer(Net *net, const void *side, Tensor *x) {
  Side s = *(const Side *)side;
  s.net = net;
  return feed_forward(&s, self_attention(&s, x));
}

static Tensor *decoder_layer(Net *net, const void *side, Tensor *x) {
  Side s = *(const Side *)side;
  s.net = net;
  return feed_forward(&s, cross_attention(&s, self_attention(&s, x)));
}

static Tensor *layers(const Side *s, int64_t count, NetLayer *layer, Tensor *x) {
  Side *kept = arena_alloc(tape_arena(s->net->tape), sizeof *kept);
  *kept = *s;
  return nn_layers(s->net, s->kind->names->layers, count, layer, kept, x, s->memory);
}

static Tensor *encode(Side s, const Batch *batch, Tensor *table) {
  const int64_t sources = batch_sources(batch);
  s.lengths = tape_constant(s.net->tape, TENSOR_I32, 1, &sources, batch->source_lengths);
  net_enter(s.net, "encoder");
  find_buckets(&s, batch->source_time);
  Tensor *x = embed(&s, table, batch->source, NULL, sources, batch->source_time);
  x = layers(&s, s.config->encoder_layers, encoder_layer, x);
  if (s.kind->pre_norm) x = norm(&s, s.kind->names->last_norm, x);
  net_leave(s.net, "encoder");
  return x;
}

static Tensor *decode(Side s, const Batch *batch, Tensor *table) {
  net_enter(s.net, "decoder");
  find_buckets(&s, keys_of(s.net, batch));
  Tensor *x = embed(&s, table, batch->tokens, s.net->start, batch->sequences, batch->time);
  x = layers(&s, s.config->layers, decoder_layer, x);
  if (s.kind->pre_norm) x = norm(&s, s.kind->names->last_norm, x);
  net_leave(s.net, "decoder");
  return x;
}

Output encoder_decoder_forward(Net *net, const Config *c, const Batch *batch, const EncoderDecoder *kind) {
  const Side encoder = {
      .net = net, .config = c, .kind = kind, .heads = c->encoder_heads, .ffn = c->encoder_ffn};
  Side decoder = {.net = net, .config = c, .kind = kind, .heads = c->heads, .ffn = c->ffn, .decodes = true};
  const float stddev = c->scale_embedding || c->scale_output ? 1 / sqrtf((float)c->width) : 0.02f;
  const char *body = kind->names->body;
  if (body) net_enter(net, "%s", body);
  const bool shared = !c->source_vocabulary;
  Tensor *table =
      nn_embedding_table(net, shared ? "shared" : "decoder.embed_tokens", c->vocabulary, c->width, stddev);
  Tensor *sources =
      shared ? table
             : nn_embedding_table(net, "encoder.embed_tokens", c->source_vocabulary, c->width, stddev);
  if (batch->source_time) decoder.memory = encode(encoder, batch, sources);
  Tensor *x = decode(decoder, batch, table);
  if (body) net_leave(net, "%s", body);
  if (c->scale_output) x = op_scale(net->tape, x, 1 / sqrtf((float)c->width));
  if (!c->tied) table = nn_embedding_table(net, "lm_head", c->vocabulary, c->width, stddev);
  Output out = {.hidden = x, .weight = table};
  if (!kind->logits_bias) return out;
  Tensor *bias = net_param(net, "final_logits_bias", 2, (int64_t[]){1, c->vocabulary}, (Init){INIT_ZERO, 0},
                           PARAM_VECTOR);
  out.bias = tape_reshape(net->tape, bias, 1, &c->vocabulary);
  return out;
}
