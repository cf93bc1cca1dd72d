#include "nn/watch.h"

#include <math.h>

/* Adds the softmax of the scores to a row. */
static void add_shares(Watch *w, int64_t row, float *scores, int64_t seen) {
  float top = -INFINITY, sum = 0;
  for (int64_t s = 0; s < seen; s++) top = fmaxf(top, scores[s]);
  for (int64_t s = 0; s < seen; s++) sum += scores[s] = expf(scores[s] - top);
  for (int64_t s = 0; s < seen; s++) w->sum[row * w->keys + s] += scores[s] / sum;
}

static void prepare_sum(Watch *w, int64_t sequences, int64_t rows, int64_t keys, int64_t heads) {
  if (!w->sum) w->sum = mem_alloc_zeroed((size_t)(sequences * rows * keys), sizeof *w->sum);
  w->rows = rows;
  w->keys = keys;
  w->looks += heads;
}

static bool is_recorded(const Net *net, bool source, const Tensor *q, const Tensor *k) {
  if (!net->watch || net->watch->source != source || !q->data) return false;
  CHECK(!net->state && (k->shape[0] == q->shape[0] || k->shape[0] == 1));
  return true;
}

/* The keys that query row `row` of [sequences, rows] sees. */
static const float *keys_of(const Tensor *q, const Tensor *k, int64_t row) {
  const int64_t sequence = k->shape[0] > 1 ? row / q->shape[1] : 0;
  return tensor_f32(k) + sequence * k->shape[1] * tensor_columns(k);
}

static int64_t bias_row(AttentionBias bias, int64_t row, int64_t key) {
  return bias.by_distance ? key - row + bias.origin : key;
}

void watch_attention(Net *net, bool source, const Tensor *q, const Tensor *k, AttentionShape shape) {
  if (!is_recorded(net, source, q, k)) return;
  const int64_t rows = q->shape[1], keys = k->shape[1], size = tensor_columns(q) / shape.heads;
  const int64_t shared = shape.heads / shape.kv_heads, step = shape.kv_heads * size;
  const float divisor = shape.scale > 0 ? 1 / shape.scale : sqrtf((float)size);
  float *scores = mem_alloc((size_t)keys * sizeof *scores);
  prepare_sum(net->watch, q->shape[0], rows, keys, shape.heads);
  for (int64_t i = 0; i < tensor_rows(q) * shape.heads; i++) {
    const int64_t t = i / shape.heads, h = i % shape.heads, seen = shape.causal ? t % rows + 1 : keys;
    const float *query = tensor_f32(q) + i * size, *key = keys_of(q, k, t) + h / shared * size;
    for (int64_t s = 0; s < seen; s++) {
      scores[s] = 0;
      for (int64_t d = 0; d < size; d++) scores[s] += query[d] * key[s * step + d] / divisor;
      if (shape.cap > 0) scores[s] = shape.cap * tanhf(scores[s] / shape.cap);
      if (shape.bias.table)
        scores[s] += tensor_f32(shape.bias.table)[bias_row(shape.bias, t % rows, s) * shape.heads + h];
      if (shape.window && s + shape.window <= t) scores[s] = -INFINITY;
    }
    add_shares(net->watch, t, scores, seen);
  }
  mem_free(scores);
}

void watch_additive_attention(Net *net, const Tensor *q, const Tensor *k, const Tensor *weight) {
  if (!is_recorded(net, true, q, k)) return;
  const int64_t rows = q->shape[1], keys = k->shape[1], size = tensor_columns(q);
  float *scores = mem_alloc((size_t)keys * sizeof *scores);
  prepare_sum(net->watch, q->shape[0], rows, keys, 1);
  for (int64_t t = 0; t < tensor_rows(q); t++) {
    const float *query = tensor_f32(q) + t * size;
    for (int64_t s = 0; s < keys; s++) {
      const float *key = keys_of(q, k, t) + s * size;
      scores[s] = 0;
      for (int64_t d = 0; d < size; d++) scores[s] += tensor_f32(weight)[d] * tanhf(query[d] + key[d]);
    }
    add_shares(net->watch, t, scores, keys);
  }
  mem_free(scores);
}
