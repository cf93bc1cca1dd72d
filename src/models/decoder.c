/* decoder.c - decoder-only Transformers: layers of causal attention and feed-forward blocks, as a DecoderSpec
 * describes them. B: sequences, T: tokens of each, D: width, H: heads, d: head size. */
#include "models/decoder.h"

#include "base/integers.h"
#include "ops/types.h"

const Preset decoder_presets[PRESETS] = {
    {"nano", 4, 32, 4, 0, 128},  {"tiny", 3, 128, 4, 0, 256},      {"small", 5, 256, 8, 0, 256},
    {"base", 9, 512, 8, 0, 512}, {"medium", 17, 768, 12, 0, 1024},
};

/* Common to all layers; valid until the end of the step. */
typedef struct Decoder {
  const Config *config;
  DecoderSpec spec;
  Tensor *alibi;    /* [keys,H], what is added to scores; NULL: nothing */
  Tensor *turns[2]; /* angles of rotary positions, for layers without and with a window; NULL: not rotary */
} Decoder;

static float initial_stddev(const Config *c) {
  return 0.5f / sqrtf((float)c->width);
}

static LinearOptions linear_options(const Decoder *d, bool bias) {
  return (LinearOptions){.bias = bias, .transposed = d->spec.transposed, .stddev = initial_stddev(d->config)};
}

static Tensor *linear(Net *net, const Decoder *d, const char *name, Tensor *x, int64_t out, bool bias) {
  return nn_linear(net, name, x, out, linear_options(d, bias));
}

/* Initial weights of projections into the residual stream are divided by the square root of their number
 * (GPT-2). */
static float stddev_back(const Config *c) {
  return initial_stddev(c) / sqrtf(2.0f * (float)c->layers);
}

static Tensor *linear_back(Net *net, const Decoder *d, const char *name, Tensor *x, bool bias) {
  return nn_linear(
      net, name, x, d->config->width,
      (LinearOptions){.bias = bias, .transposed = d->spec.transposed, .stddev = stddev_back(d->config)});
}

/* Returns x if the layer has no such norm. */
static Tensor *norm(Net *net, const Decoder *d, const char *name, Tensor *x) {
  return name ? nn_norm(net, name, d->spec.norm, x, (float)d->config->norm_epsilon) : x;
}

static Tensor *scaled(Net *net, Tensor *x, float factor) {
  return factor != 0 && factor != 1 ? op_scale(net->tape, x, factor) : x;
}

/* ---- attention ---- */

typedef struct Projections {
  Tensor *q, *k, *v;
} Projections;

/* Columns first .. first + width - 1 of each group of x [B,T,groups,*]: [B,T,groups * width]. */
static Tensor *columns(Net *net, Tensor *x, int64_t first, int64_t width) {
  Tensor *y = op_slice(net->tape, x, first, width);
  if (y->dims == 3) return y;
  return tape_reshape(net->tape, y, 3, (int64_t[]){y->shape[0], y->shape[1], y->shape[2] * width});
}

static Projections split(Net *net, const Decoder *d, Tensor *x) {
  const Config *c = d->config;
  const int64_t groups = d->spec.qkv_by_head ? c->kv_heads : 1, kv = c->kv_heads / groups * c->head_size,
                q = c->heads / groups * c->head_size;
  if (groups > 1)
    x = tape_reshape(net->tape, x, 4, (int64_t[]){x->shape[0], x->shape[1], groups, q + 2 * kv});
  Projections p;
  p.q = columns(net, x, 0, q);
  p.k = columns(net, x, q, kv);
  p.v = columns(net, x, q + kv, kv);
  return p;
}

static Projections project(Net *net, const Decoder *d, Tensor *x) {
  const Config *c = d->config;
  const DecoderNames *names = &d->spec.names;
  const int64_t q = c->heads * c->head_size, kv = c->kv_heads * c->head_size;
  const bool bias = d->spec.qkv_bias;
  if (names->qkv) return split(net, d, linear(net, d, names->qkv, x, q + 2 * kv, bias));
  Tensor *y[3];
  const LinearLayer layers[] = {{names->q, q}, {names->k, kv}, {names->v, kv}};
  nn_linears(net, layers, 3, x, linear_options(d, bias), y);
  return (Projections){y[0], y[1], y[2]};
}

/* For queries or keys. */
static Tensor *norm_heads(Net *net, const Decoder *d, const char *name, Tensor *x, int64_t heads) {
  if (!name || d->spec.head_norm == NORM_ALL_HEADS) return norm(net, d, name, x);
  return nn_head_norm(net, name, d->spec.norm, x, heads, d->spec.head_norm == NORM_EACH_HEAD_OWN,
                      (float)d->config->norm_epsilon);
}

static Tensor *rotated(Net *net, const Decoder *d, Tensor *x, int64_t heads) {
  Tensor *turns = d->turns[layer_set_has(&d->config->windowed, net->layer)];
  if (layer_set_has(&d->config->unrotated, net->layer)) return x;
  return turns ? op_rope(net->tape, x, turns, (RopeShape){heads, d->spec.interleaved}) : x;
}

static Tensor *attention(Net *net, const Decoder *d, Tensor *x) {
  const Config *c = d->config;
  const DecoderSpec *spec = &d->spec;
  const AttentionShape shape = {.heads = c->heads,
                                .kv_heads = c->kv_heads,
                                .causal = true,
                                .window = layer_set_has(&c->windowed, net->layer) ? c->window : 0,
                                .scale = spec->score_scale,
                                .bias = {.table = d->alibi},
                                .cap = (float)c->score_cap};
  net_enter(net, "%s", spec->names.attention);
  Projections p = project(net, d, x);
  p.q = norm_heads(net, d, spec->names.q_norm, p.q, c->heads);
  p.k = norm_heads(net, d, spec->names.k_norm, p.k, c->kv_heads);
  p.q = rotated(net, d, p.q, c->heads);
  p.k = rotated(net, d, p.k, c->kv_heads);
  x = nn_self_attention(net, p.q, p.k, p.v, shape);
  x = linear_back(net, d, spec->names.out, x, spec->out_bias);
  net_leave(net, "%s", spec->names.attention);
  return x;
}

/* ---- feed-forward ---- */

static Tensor *gated(Net *net, const Decoder *d, Tensor *gate, Tensor *up) {
  if (d->spec.activation == ACTIVATION_SILU) return op_swiglu(net->tape, gate, up);
  return op_multiply(net->tape, op_activation(net->tape, gate, d->spec.activation), up);
}

static Tensor *inner(Net *net, const Decoder *d, Tensor *x) {
  const DecoderNames *names = &d->spec.names;
  const int64_t width = d->config->ffn;
  const bool bias = d->spec.mlp_bias;
  if (names->gate_up) {
    Tensor *both = linear(net, d, names->gate_up, x, 2 * width, bias);
    Tensor *gate = op_slice(net->tape, both, 0, width);
    return gated(net, d, gate, op_slice(net->tape, both, width, width));
  }
  if (!names->gate)
    return op_activation(net->tape, linear(net, d, names->up, x, width, bias), d->spec.activation);
  Tensor *y[2];
  nn_linears(net, (LinearLayer[]){{names->gate, width}, {names->up, width}}, 2, x, linear_options(d, bias),
             y);
  return gated(net, d, y[0], y[1]);
}

static Expert expert(Net *net, const Decoder *d) {
  const DecoderNames *names = &d->spec.names;
  const Config *c = d->config;
  const LinearOptions in = {.stddev = initial_stddev(c)}, back = {.stddev = stddev_back(c)};
  return (Expert){.gate = nn_weight(net, names->gate, c->width, c->ffn, in),
                  .up = nn_weight(net, names->up, c->width, c->ffn, in),
                  .down = nn_weight(net, names->down, c->ffn, c->width, back)};
}

static Tensor *mixture(Net *net, const Decoder *d, Tensor *x) {
  const DecoderNames *names = &d->spec.names;
  const Config *c = d->config;
  CHECK(d->spec.activation == ACTIVATION_SILU && !d->spec.mlp_bias);
  Expert *experts = arena_alloc(tape_arena(net->tape), (size_t)c->experts * sizeof *experts);
  net_enter(net, "%s", names->mlp);
  const LinearOptions router = linear_options(d, false);
  Tensor *logits =
      op_linear(net->tape, x, nn_weight(net, names->router, c->width, c->experts, router), NULL, false);
  for (int64_t e = 0; e < c->experts; e++) {
    net_enter(net, "%s.%d", names->experts, (int)e);
    experts[e] = expert(net, d);
    net_leave(net, "%s.%d", names->experts, (int)e);
  }
  net_leave(net, "%s", names->mlp);
  const Routes routes = op_route(net->tape, logits, c->experts_each, c->normalize_experts);
  return op_experts(net->tape, x, routes, experts, c->experts);
}

static Tensor *feed_forward(Net *net, const Decoder *d, Tensor *x) {
  const DecoderNames *names = &d->spec.names;
  if (names->experts) return mixture(net, d, x);
  if (names->mlp) net_enter(net, "%s", names->mlp);
  x = linear_back(net, d, names->down, inner(net, d, x), d->spec.mlp_bias);
  if (names->mlp) net_leave(net, "%s", names->mlp);
  return x;
}

/* ---- layers ---- */

/* x + a branch's output. */
static Tensor *added(Net *net, const Decoder *d, Tensor *x, Tensor *change, const char *norm_behind) {
  change = norm(net, d, norm_behind, change);
  return nn_residual(net, x, scaled(net, change, d->spec.residual_scale));
}

static Tensor *layer(Net *net, const void *decoder, Tensor *x) {
  const Decoder *d = decoder;
  const DecoderNames *names = &d->spec.names;
  if (d->spec.norm_after) {
    x = norm(net, d, names->attention_norm, nn_residual(net, x, attention(net, d, x)));
    return norm(net, d, names->ffn_norm, nn_residual(net, x, feed_forward(net, d, x)));
  }
  Tensor *read = norm(net, d, names->attention_norm, x);
  Tensor *y = added(net, d, x, attention(net, d, read), names->attention_norm_behind);
  if (!d->spec.parallel)
    read = norm(net, d, names->ffn_norm, y);
  else if (names->ffn_norm)
    read = norm(net, d, names->ffn_norm, x);
  return added(net, d, y, feed_forward(net, d, read), names->ffn_norm_behind);
}

/* ---- positions ---- */

/* The position of token t of sequence b in its text. */
static int64_t position_of(const Net *net, int64_t b, int64_t t) {
  if (net->begins) return t - tensor_i32(net->begins)[b * net->time + t];
  return t + (net->start ? tensor_i32(net->start)[b] : 0);
}

/* Row of the position table of each token [B,T]. */
static Tensor *position_rows(Net *net, const Batch *batch, int64_t first) {
  const int64_t shape[2] = {batch->sequences, batch->time};
  Tensor *ids = tape_tensor(net->tape, TENSOR_I32, 2, shape);
  for (int64_t b = 0; b < batch->sequences && ids->data; b++)
    for (int64_t t = 0; t < batch->time; t++)
      tensor_i32(ids)[b * batch->time + t] = (int32_t)(first + position_of(net, b, t));
  return ids;
}

/* The number of tokens that the text of row b is known to have; of several texts, the longest of the batch.
 */
static int64_t length_of(const Net *net, const Batch *batch, int64_t b) {
  int64_t longest = 0;
  for (int64_t i = 0; batch->begins && i < batch->sequences * batch->time; i++)
    longest = int64_max(longest, i % batch->time - batch->begins[i] + 1);
  if (longest) return longest;
  if (net->lengths) return net->lengths[b];
  return batch->time + (net->start ? tensor_i32(net->start)[b] : 0);
}

static Tensor *turns_of(Net *net, const Config *c, const Batch *batch, double theta,
                        const RopeScaling *scaling) {
  const int64_t count = decoder_rotated(c) / 2;
  const bool own = net->start && rope_depends_on_length(scaling);
  const int64_t sets = own ? batch->sequences : 1;
  float *each = arena_alloc(tape_arena(net->tape), (size_t)(sets * count) * sizeof *each);
  for (int64_t b = 0; b < sets; b++)
    decoder_frequencies(each + b * count, count, theta, scaling, length_of(net, batch, b));
  return rope_turns(
      net->tape, net->start, net->begins, batch->sequences, batch->time,
      (RopeFrequencies){each, count, scaling->attention > 0 ? (float)scaling->attention : 1, own});
}

static void find_turns(Net *net, Decoder *d, const Batch *batch) {
  const Config *c = d->config;
  d->turns[0] = d->turns[1] = turns_of(net, c, batch, c->rope_theta, &c->rope_scaling);
  if (c->window_rope_theta > 0)
    d->turns[1] = turns_of(net, c, batch, c->window_rope_theta, &c->window_rope_scaling);
}

/* Slopes of P heads, the largest power of two, are 2^(-8/P), 2^(-16/P), ...; those of further heads lie
 * between. */
static double alibi_slope(int64_t head, int64_t heads) {
  int64_t power = 1;
  while (2 * power <= heads) power *= 2;
  return exp2(head < power ? -8.0 * (double)(head + 1) / (double)power
                           : -4.0 * (double)(2 * (head - power) + 1) / (double)power);
}

static float to_bf16(float x) {
  uint16_t rounded;
  CHECK(type_narrow(TENSOR_BF16, &rounded, &x, 1));
  type_widen(TENSOR_BF16, &x, &rounded, 0, 1);
  return x;
}

/* slope * position of the key: in a softmax the same as -slope * distance. */
static float alibi_at(const Decoder *d, int64_t key, int64_t head) {
  const float slope = (float)alibi_slope(head, d->config->heads);
  if (d->spec.alibi != ALIBI_ROUNDED) return slope * (float)key;
  return to_bf16(to_bf16(slope) * to_bf16((float)key)) / sqrtf((float)d->config->head_size);
}

static void find_alibi(Net *net, Decoder *d, const Batch *batch) {
  const int64_t heads = d->config->heads;
  int64_t keys = batch->time;
  for (int64_t b = 0; net->pages && b < batch->sequences; b++)
    if (tensor_i32(net->start)[b] >= keys) keys = tensor_i32(net->start)[b] + 1;
  d->alibi = tape_tensor(net->tape, TENSOR_F32, 2, (int64_t[]){keys, heads});
  for (int64_t i = 0; i < keys * heads && d->alibi->data; i++)
    tensor_f32(d->alibi)[i] = alibi_at(d, i / heads, i % heads);
}

/* ---- the network ---- */

/* Between the embedding's width and that of the layers. */
static Tensor *projected(Net *net, const Decoder *d, const char *name, Tensor *x, int64_t width) {
  return name && x->shape[x->dims - 1] != width ? linear(net, d, name, x, width, false) : x;
}

static int64_t embedding_width(const Config *c) {
  return c->embedding_width ? c->embedding_width : c->width;
}

static Tensor *embed(Net *net, const Decoder *d, const Batch *batch, Tensor *table) {
  const Config *c = d->config;
  const DecoderSpec *spec = &d->spec;
  Tensor *ids =
      tape_constant(net->tape, TENSOR_I32, 2, (int64_t[]){batch->sequences, batch->time}, batch->tokens);
  Tensor *x = scaled(net, op_embedding(net->tape, table, ids), spec->embedding_scale);
  x = projected(net, d, spec->names.project_in, x, c->width);
  if (spec->names.positions) {
    const int64_t first = spec->unused_positions;
    Tensor *places =
        nn_embedding_table(net, spec->names.positions, first + c->context, c->width, initial_stddev(c) / 2);
    x = op_add(net->tape, x, op_embedding(net->tape, places, position_rows(net, batch, first)));
  }
  return nn_dropout(net, norm(net, d, spec->names.embedding_norm, x));
}

static Output output(Net *net, const Decoder *d, Tensor *x, Tensor *table) {
  const Config *c = d->config;
  const char *head = d->spec.names.head;
  if (c->labels) return model_label_output(net, c, x);
  if (!c->tied) table = nn_embedding_table(net, head, c->vocabulary, embedding_width(c), initial_stddev(c));
  Output out = {.hidden = scaled(net, x, d->spec.logit_scale), .weight = table, .cap = (float)c->logit_cap};
  if (d->spec.head_bias) {
    net_enter(net, "%s", head);
    out.bias = net_param(net, "bias", 1, &c->vocabulary, (Init){INIT_ZERO, 0}, PARAM_VECTOR);
    net_leave(net, "%s", head);
  }
  return out;
}

Output decoder_forward(Net *net, const Config *c, const Batch *batch, DecoderSpec spec) {
  Decoder *d = arena_new_of(tape_arena(net->tape), Decoder);
  *d = (Decoder){.config = c, .spec = spec};
  if (spec.alibi)
    find_alibi(net, d, batch);
  else if (!spec.names.positions)
    find_turns(net, d, batch);
  net_enter(net, "%s", spec.names.body);
  Tensor *table =
      nn_embedding_table(net, spec.names.embedding, c->vocabulary, embedding_width(c), initial_stddev(c));
  Tensor *x = embed(net, d, batch, table);
  x = nn_layers(net, spec.names.layers, c->layers, layer, d, x, NULL);
  x = norm(net, d, spec.names.last_norm, x);
  x = projected(net, d, spec.names.project_out, x, embedding_width(c));
  net_leave(net, "%s", spec.names.body);
  return output(net, d, x, table);
}
