#include "nn/watch.h"

#include <math.h>

static void add_row(Watch *w, int64_t row, const float *q, const float *k, int64_t step, int64_t size,
                    int64_t seen) {
  float *weights = mem_alloc((size_t)seen * sizeof *weights), top = -INFINITY, sum = 0;
  for (int64_t s = 0; s < seen; s++) {
    float dot = 0;
    for (int64_t i = 0; i < size; i++) dot += q[i] * k[s * step + i];
    weights[s] = dot / sqrtf((float)size);
    if (weights[s] > top) top = weights[s];
  }
  for (int64_t s = 0; s < seen; s++) sum += weights[s] = expf(weights[s] - top);
  for (int64_t s = 0; s < seen; s++) w->sum[row * w->keys + s] += weights[s] / sum;
  mem_free(weights);
}

void watch_attention(Net *net, bool source, const Tensor *q, const Tensor *k, AttentionShape shape) {
  Watch *w = net->watch;
  if (!w || w->source != source || !q->data) return;
  CHECK(q->shape[0] == 1 && !net->state);
  const int64_t rows = q->shape[1], keys = k->shape[1], size = tensor_columns(q) / shape.heads;
  const int64_t shared = shape.heads / shape.kv_heads;
  if (!w->sum) w->sum = mem_alloc_zeroed((size_t)(rows * keys), sizeof *w->sum);
  w->rows = rows;
  w->keys = keys;
  w->looks += shape.heads;
  for (int64_t h = 0; h < shape.heads; h++)
    for (int64_t t = 0; t < rows; t++)
      add_row(w, t, tensor_f32(q) + (t * shape.heads + h) * size, tensor_f32(k) + h / shared * size,
              shape.kv_heads * size, size, shape.causal ? t + 1 : keys);
}
