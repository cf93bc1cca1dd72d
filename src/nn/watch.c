#include "nn/watch.h"

#include <math.h>
#include <string.h>

/* The softmax of scores, in place. */
static void normalize(float *scores, int64_t count) {
  float top = -INFINITY, sum = 0;
  for (int64_t s = 0; s < count; s++) top = fmaxf(top, scores[s]);
  for (int64_t s = 0; s < count; s++) sum += scores[s] = expf(scores[s] - top);
  for (int64_t s = 0; s < count; s++) scores[s] /= sum;
}

static bool is_wanted(const Net *net, bool source, const Tensor *q, const Tensor *k) {
  if (!net->watch || !net->watch->attention || net->watch->source != source || !q->data) return false;
  CHECK(!net->state && (k->shape[0] == q->shape[0] || k->shape[0] == 1));
  return true;
}

/* All but the query's own members. */
static WatchedRow row_of(const Net *net, const Tensor *q, const Tensor *k, int64_t heads) {
  return (WatchedRow){.layer = net->layer,
                      .heads = heads,
                      .sequences = q->shape[0],
                      .rows = q->shape[1],
                      .keys = k->shape[1]};
}

/* Of the index-th query and head of [sequences, rows, heads]. */
static void place(WatchedRow *r, int64_t index) {
  r->head = index % r->heads;
  r->row = index / r->heads % r->rows;
  r->sequence = index / r->heads / r->rows;
}

/* The keys of the row's sequence. */
static const float *keys_of(const Tensor *k, const WatchedRow *r) {
  return tensor_f32(k) + (k->shape[0] > 1 ? r->sequence : 0) * k->shape[1] * tensor_columns(k);
}

static void give(const Net *net, WatchedRow *r, float *scores) {
  normalize(scores, r->seen);
  r->weights = scores;
  net->watch->attention(net->watch->user, r);
}

static int64_t bias_row(AttentionBias bias, int64_t row, int64_t key) {
  return bias.by_distance ? key - row + bias.origin : key;
}

static float score_of(const WatchedRow *r, AttentionShape shape, float product, int64_t key) {
  if (shape.window && key + shape.window <= r->row) return -INFINITY;
  if (shape.cap > 0) product = shape.cap * tanhf(product / shape.cap);
  if (!shape.bias.table) return product;
  return product + tensor_f32(shape.bias.table)[bias_row(shape.bias, r->row, key) * shape.heads + r->head];
}

void watch_attention(Net *net, bool source, const Tensor *q, const Tensor *k, AttentionShape shape) {
  if (!is_wanted(net, source, q, k)) return;
  WatchedRow r = row_of(net, q, k, shape.heads);
  const int64_t size = tensor_columns(q) / shape.heads, shared = shape.heads / shape.kv_heads,
                step = shape.kv_heads * size;
  const float scale = shape.scale > 0 ? shape.scale : 1 / sqrtf((float)size);
  float *scores = mem_alloc((size_t)r.keys * sizeof *scores);
  for (int64_t i = 0; i < tensor_rows(q) * shape.heads; i++) {
    place(&r, i);
    r.seen = shape.causal ? r.row + 1 : r.keys;
    const float *query = tensor_f32(q) + i * size, *key = keys_of(k, &r) + r.head / shared * size;
    for (int64_t s = 0; s < r.seen; s++, key += step) {
      float product = 0;
      for (int64_t d = 0; d < size; d++) product += query[d] * key[d];
      scores[s] = score_of(&r, shape, product * scale, s);
    }
    give(net, &r, scores);
  }
  mem_free(scores);
}

void watch_additive_attention(Net *net, const Tensor *q, const Tensor *k, const Tensor *weight) {
  if (!is_wanted(net, true, q, k)) return;
  WatchedRow r = row_of(net, q, k, 1);
  const int64_t size = tensor_columns(q);
  float *scores = mem_alloc((size_t)r.keys * sizeof *scores);
  r.seen = r.keys;
  for (int64_t t = 0; t < tensor_rows(q); t++) {
    place(&r, t);
    const float *query = tensor_f32(q) + t * size, *key = keys_of(k, &r);
    for (int64_t s = 0; s < r.seen; s++, key += size) {
      scores[s] = 0;
      for (int64_t d = 0; d < size; d++) scores[s] += tensor_f32(weight)[d] * tanhf(query[d] + key[d]);
    }
    give(net, &r, scores);
  }
  mem_free(scores);
}

Tensor *watch_depths(Net *net, int64_t layers, const Tensor *x) {
  if (!net->watch || !net->watch->depths) return NULL;
  CHECK(!net->state && x->dims == 3 && x->data);
  return tape_tensor(net->tape, TENSOR_F32, 3,
                     (int64_t[]){(layers + 1) * x->shape[0], x->shape[1], x->shape[2]});
}

void watch_depth(Tensor *depths, int64_t depth, const Tensor *x) {
  const int64_t count = tensor_count(x);
  if (depths) memcpy(tensor_f32(depths) + depth * count, tensor_f32(x), (size_t)count * sizeof(float));
}
