#include "nn/watch.h"

#include <math.h>

/* Adds the softmax of these scores to a row. */
static void add_shares(Watch *w, int64_t row, float *scores, int64_t seen) {
  float top = -INFINITY, sum = 0;
  for (int64_t s = 0; s < seen; s++) top = fmaxf(top, scores[s]);
  for (int64_t s = 0; s < seen; s++) sum += scores[s] = expf(scores[s] - top);
  for (int64_t s = 0; s < seen; s++) w->sum[row * w->keys + s] += scores[s] / sum;
}

static void begin_look(Watch *w, int64_t rows, int64_t keys, int64_t heads) {
  if (!w->sum) w->sum = mem_alloc_zeroed((size_t)(rows * keys), sizeof *w->sum);
  w->rows = rows;
  w->keys = keys;
  w->looks += heads;
}

static bool is_watched(const Net *net, bool source, const Tensor *q) {
  if (!net->watch || net->watch->source != source || !q->data) return false;
  CHECK(q->shape[0] == 1 && !net->state);
  return true;
}

void watch_attention(Net *net, bool source, const Tensor *q, const Tensor *k, AttentionShape shape) {
  if (!is_watched(net, source, q)) return;
  const int64_t rows = q->shape[1], keys = k->shape[1], size = tensor_columns(q) / shape.heads;
  const int64_t shared = shape.heads / shape.kv_heads, step = shape.kv_heads * size;
  float *scores = mem_alloc((size_t)keys * sizeof *scores);
  begin_look(net->watch, rows, keys, shape.heads);
  for (int64_t i = 0; i < rows * shape.heads; i++) {
    const int64_t t = i / shape.heads, h = i % shape.heads, seen = shape.causal ? t + 1 : keys;
    const float *query = tensor_f32(q) + i * size, *key = tensor_f32(k) + h / shared * size;
    for (int64_t s = 0; s < seen; s++) {
      scores[s] = 0;
      for (int64_t d = 0; d < size; d++) scores[s] += query[d] * key[s * step + d] / sqrtf((float)size);
    }
    add_shares(net->watch, t, scores, seen);
  }
  mem_free(scores);
}

void watch_additive_attention(Net *net, const Tensor *q, const Tensor *k, const Tensor *weight) {
  if (!is_watched(net, true, q)) return;
  const int64_t rows = q->shape[1], keys = k->shape[1], size = tensor_columns(q);
  float *scores = mem_alloc((size_t)keys * sizeof *scores);
  begin_look(net->watch, rows, keys, 1);
  for (int64_t t = 0; t < rows; t++) {
    const float *query = tensor_f32(q) + t * size;
    for (int64_t s = 0; s < keys; s++) {
      const float *key = tensor_f32(k) + s * size;
      scores[s] = 0;
      for (int64_t d = 0; d < size; d++) scores[s] += tensor_f32(weight)[d] * tanhf(query[d] + key[d]);
    }
    add_shares(net->watch, t, scores, keys);
  }
  mem_free(scores);
}
