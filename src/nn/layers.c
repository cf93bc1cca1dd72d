/* layers.c - layers over the operators. B: sequences, T: tokens of each, D: width. */
#include "nn/layers.h"

#include "nn/adapter.h"
#include "nn/watch.h"

static Tensor *weight_here(Net *net, int64_t in, int64_t out, LinearOptions o) {
  return net_param(net, "weight", 2, o.transposed ? (int64_t[]){in, out} : (int64_t[]){out, in},
                   (Init){INIT_NORMAL, o.stddev}, o.transposed ? PARAM_TRANSPOSED : PARAM_MATRIX);
}

Tensor *nn_weight(Net *net, const char *name, int64_t in, int64_t out, LinearOptions o) {
  net_enter(net, "%s", name);
  Tensor *weight = weight_here(net, in, out, o);
  net_leave(net, "%s", name);
  return weight;
}

static LinearWeight linear_weight(Net *net, const LinearLayer *layer, int64_t in, LinearOptions o) {
  const Init bias = {o.bias_spread > 0 ? INIT_UNIFORM : INIT_ZERO, o.bias_spread};
  LinearWeight w = {0};
  net_enter(net, "%s", layer->name);
  w.weight = weight_here(net, in, layer->out, o);
  if (o.bias) w.bias = net_param(net, "bias", 1, &layer->out, bias, PARAM_VECTOR);
  net_leave(net, "%s", layer->name);
  return w;
}

void nn_linears(Net *net, const LinearLayer *layers, int count, Tensor *x, LinearOptions o, Tensor **y) {
  LinearWeight weights[NODE_MAX_OUTPUTS];
  CHECK(count > 0 && count <= NODE_MAX_OUTPUTS);
  for (int i = 0; i < count; i++) weights[i] = linear_weight(net, &layers[i], tensor_columns(x), o);
  op_linears(net->tape, x, weights, count, o.transposed, y);
  for (int i = 0; i < count; i++) y[i] = adapter_add(net, layers[i].name, x, y[i]);
}

Tensor *nn_linear(Net *net, const char *name, Tensor *x, int64_t out, LinearOptions o) {
  Tensor *y;
  nn_linears(net, &(LinearLayer){name, out}, 1, x, o, &y);
  return y;
}

/* weight [width] or, with several sets, [sets, width]. */
static Tensor *norm_weight(Net *net, NormKind kind, int64_t sets, int64_t width) {
  const Init init = {kind == NORM_RMS_ADD_ONE ? INIT_ZERO : INIT_ONE, 0};
  if (kind == NORM_LAYER_PLAIN) return NULL;
  if (sets == 1) return net_param(net, "weight", 1, &width, init, PARAM_VECTOR);
  CHECK(kind == NORM_LAYER_WEIGHT);
  return net_param(net, "weight", 2, (int64_t[]){sets, width}, init, PARAM_VECTOR);
}

static Tensor *norm(Net *net, const char *name, NormKind kind, Tensor *x, int64_t sets, float epsilon) {
  const int64_t width = tensor_columns(x);
  net_enter(net, "%s", name);
  Tensor *weight = norm_weight(net, kind, sets, width);
  Tensor *bias =
      kind == NORM_LAYER ? net_param(net, "bias", 1, &width, (Init){INIT_ZERO, 0}, PARAM_VECTOR) : NULL;
  net_leave(net, "%s", name);
  if (kind == NORM_RMS || kind == NORM_RMS_ADD_ONE)
    return op_rmsnorm(net->tape, x, weight, kind == NORM_RMS_ADD_ONE ? 1 : 0, epsilon);
  return op_layernorm(net->tape, x, weight, bias, epsilon);
}

Tensor *nn_norm(Net *net, const char *name, NormKind kind, Tensor *x, float epsilon) {
  return norm(net, name, kind, x, 1, epsilon);
}

Tensor *nn_head_norm(Net *net, const char *name, NormKind kind, Tensor *x, int64_t heads, bool own,
                     float epsilon) {
  CHECK(x->dims == 3);
  const int64_t each[] = {x->shape[0], x->shape[1], heads, x->shape[2] / heads};
  x = tape_reshape(net->tape, x, 4, each);
  Tensor *y = norm(net, name, kind, x, own ? heads : 1, epsilon);
  return tape_reshape(net->tape, y, 3, (int64_t[]){each[0], each[1], heads * each[3]});
}

Tensor *nn_embedding_table(Net *net, const char *name, int64_t vocabulary, int64_t width, float stddev) {
  net_enter(net, "%s", name);
  Tensor *table =
      net_param(net, "weight", 2, (int64_t[]){vocabulary, width}, (Init){INIT_NORMAL, stddev}, PARAM_TABLE);
  net_leave(net, "%s", name);
  return table;
}

Tensor *nn_dropout(Net *net, Tensor *x) {
  return op_dropout(net->tape, x, net->dropout);
}

Tensor *nn_residual(Net *net, Tensor *x, Tensor *change) {
  return op_residual(net->tape, x, change, net->dropout);
}

/* ---- stacks of layers ---- */

typedef struct LayerCall {
  Net net; /* a copy: backward may call the layer again */
  NetLayer *layer;
  const void *arg;
} LayerCall;

static Tensor *call_layer(void *arg, Tensor *x) {
  const LayerCall *call = arg;
  Net net = call->net;
  return call->layer(&net, call->arg, x);
}

Tensor *nn_layers(Net *net, const char *name, int64_t count, NetLayer *layer, const void *arg, Tensor *x,
                  Tensor *context) {
  Tensor *depths = watch_depths(net, count, x);
  watch_depth(depths, 0, x);
  for (int64_t i = 0; i < count; i++) {
    net_enter(net, "%s.%d", name, (int)i);
    LayerCall *call = arena_alloc(tape_arena(net->tape), sizeof *call);
    net->layer = i;
    *call = (LayerCall){*net, layer, arg};
    x = tape_part(net->tape, call_layer, call, x, context);
    watch_depth(depths, i + 1, x);
    net_leave(net, "%s.%d", name, (int)i);
  }
  return depths ? depths : x;
}

/* ---- attention ---- */

Tensor *nn_self_attention(Net *net, Tensor *q, Tensor *k, Tensor *v, AttentionShape shape) {
  AttentionSight sight = {.start = net->start, .begins = net->begins};
  watch_attention(net, false, q, k, shape);
  if (net->pages) {
    sight.pages = *net->pages;
    sight.pages.keys = net_cache(net, "k", tensor_columns(k));
    sight.pages.values = net_cache(net, "v", tensor_columns(v));
  }
  return op_attention(net->tape, q, k, v, sight, shape);
}

Tensor *nn_cross_attention(Net *net, Tensor *q, Tensor *k, Tensor *v, AttentionShape shape) {
  const AttentionSight sight = {.lengths = net->source_lengths, .memory = net->source_of};
  k = net_remember(net, "k", k);
  v = net_remember(net, "v", v);
  watch_attention(net, true, q, k, shape);
  return op_attention(net->tape, q, k, v, sight, shape);
}
