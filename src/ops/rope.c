/* rope.c - rotary position embedding (Su et al. 2021): pairs of a head's values are rotated by the angle
 * position * frequency, in place. Backward rotates the gradient back. */
#include <math.h>

#include "ops/loops.h"
#include "ops/sample.h"

/* ---- angles ---- */

typedef struct Turns {
  float *at; /* [rows, 2, count] */
  RopeFrequencies of;
  const Tensor *start, *begins;
  int64_t time;
} Turns;

/* Angles are rounded to f32 as in transformers, so that logits agree at positions in the thousands. */
static void fill_turns(void *arg, int64_t begin, int64_t end) {
  const Turns *t = arg;
  for (int64_t row = begin; row < end; row++) {
    const int64_t first = t->start    ? tensor_i32(t->start)[row / t->time]
                          : t->begins ? -tensor_i32(t->begins)[row]
                                      : 0,
                  position = row % t->time + first, count = t->of.count;
    const float *frequencies = t->of.each + (t->of.own ? row / t->time * count : 0);
    float *cosine = t->at + row * 2 * count, *sine = cosine + count;
    for (int64_t i = 0; i < count; i++) {
      const float angle = (float)position * frequencies[i];
      cosine[i] = cosf(angle) * t->of.factor;
      sine[i] = sinf(angle) * t->of.factor;
    }
  }
}

Tensor *rope_turns(Tape *tape, const Tensor *start, const Tensor *begins, int64_t sequences, int64_t time,
                   RopeFrequencies f) {
  CHECK(f.count > 0 && (!start || tensor_count(start) == sequences) && (start || !f.own));
  CHECK(!begins || (!start && tensor_count(begins) == sequences * time));
  const int64_t shape[] = {start || begins ? sequences * time : time, 2, f.count};
  Tensor *turns = tape_tensor(tape, TENSOR_F32, 3, shape);
  Turns filling = {tensor_f32(turns), f, start, begins, time};
  if (turns->data) parallel_for(shape[0], fill_turns, &filling);
  return turns;
}

/* ---- rotation ---- */

typedef struct Rope {
  Node node; /* in: x [B,T,heads*d], turns [B T or T, 2, n] */
  RopeShape shape;
  int64_t size, pairs; /* d; n, the rotated pairs */
  float *values;       /* rotated in place */
  float direction;     /* -1: backward */
} Rope;

static void rotate_halves(float *restrict x, float *restrict y, const float *restrict cosine,
                          const float *restrict sine, float direction, int64_t pairs) {
  for (int64_t i = 0; i < pairs; i++) {
    const float a = x[i], b = y[i], s = direction * sine[i];
    x[i] = a * cosine[i] - b * s;
    y[i] = b * cosine[i] + a * s;
  }
}

static void rotate_neighbours(float *restrict x, const float *restrict cosine, const float *restrict sine,
                              float direction, int64_t pairs) {
  for (int64_t i = 0; i < pairs; i++) {
    const float a = x[2 * i], b = x[2 * i + 1], s = direction * sine[i];
    x[2 * i] = a * cosine[i] - b * s;
    x[2 * i + 1] = b * cosine[i] + a * s;
  }
}

static void rotate_rows(void *arg, int64_t begin, int64_t end) {
  const Rope *n = arg;
  const Tensor *turns = n->node.in[1];
  const int64_t heads = n->shape.heads, pairs = n->pairs;
  for (int64_t row = begin; row < end; row++) {
    const float *cosine = tensor_f32(turns) + row % turns->shape[0] * 2 * pairs, *sine = cosine + pairs;
    for (int64_t h = row * heads; h < (row + 1) * heads; h++) {
      float *x = n->values + h * n->size;
      if (n->shape.interleaved)
        rotate_neighbours(x, cosine, sine, n->direction, pairs);
      else
        rotate_halves(x, x + pairs, cosine, sine, n->direction, pairs);
    }
  }
}

static void forward(Node *node) {
  Rope *n = (Rope *)node;
  n->values = tensor_f32(node->out[0]);
  n->direction = 1;
  parallel_for(tensor_rows(node->in[0]), rotate_rows, n);
}

static void backward(Node *node) {
  Rope *n = (Rope *)node;
  n->values = node->out[0]->grad;
  n->direction = -1;
  parallel_for(tensor_rows(node->in[0]), rotate_rows, n);
  grad_give(node, node->in[0], n->values);
}

Tensor *op_rope(Tape *tape, Tensor *x, Tensor *turns, RopeShape shape) {
  CHECK(x->dims == 3 && tensor_columns(x) % shape.heads == 0 && turns->dims == 3);
  CHECK(turns->shape[0] == x->shape[1] || turns->shape[0] == tensor_rows(x));
  Rope *n = node_new(tape, &op_rope_info, sizeof *n);
  n->shape = shape;
  n->size = tensor_columns(x) / shape.heads;
  n->pairs = tensor_columns(turns);
  CHECK(2 * n->pairs <= n->size);
  node_input(&n->node, x);
  node_input(&n->node, turns);
  return node_run(&n->node, node_output_over(&n->node, x));
}

/* Cases: all sequences start at 0; each at its own position; a part of each head; interleaved, a part of
 * each head, with a factor, the frequencies of the second sequence halved; two texts in each sequence. */
static void sample(OpSampler *s) {
  const int which = sample_case(s, 5);
  const bool large = sample_large(s);
  const int64_t sequences = large ? 8 : 2, heads = large ? 8 : 3, size = large ? 64 : 10,
                time = large ? 512 : 5;
  const int64_t pairs = which < 2 ? size / 2 : size / 2 - 2;
  float frequencies[8 * 32];
  for (int64_t i = 0; i < sequences * pairs; i++)
    frequencies[i] = (i < pairs ? 1 : 0.5f) / powf(large ? 10000 : 50, (float)(i % pairs) / (float)pairs);
  Tensor *x = sample_normal(s, "x", 3, (int64_t[]){sequences, time, heads * size});
  Tensor *start = which & 1 ? sample_ids(s, "start", 1, &sequences, 1, 9) : NULL;
  Tensor *begins = NULL;
  if (which == 4) begins = tape_tensor(sample_tape(s), TENSOR_I32, 2, (int64_t[]){sequences, time});
  for (int64_t i = 0; begins && begins->data && i < sequences * time; i++)
    tensor_i32(begins)[i] = i % time < 3 ? 0 : 3;
  Tensor *turns = rope_turns(sample_tape(s), start, begins, sequences, time,
                             (RopeFrequencies){frequencies, pairs, which == 3 ? 1.25f : 1, which == 3});
  sample_output(s, op_rope(sample_tape(s), x, turns, (RopeShape){heads, which == 3}));
}

const Op op_rope_info = {
    .name = "rope",
    .formula =
        "In each head, for i < n <= d/2, with angle a = (start[b] + t) frequency[i] and a factor f (1):\n"
        "y[i] = f (x[i] cos a - x[i+n] sin a),  y[i+n] = f (x[i+n] cos a + x[i] sin a); values from 2n\n"
        "are unchanged. Interleaved: pairs x[2i], x[2i+1]. x [B,T,heads*d], whose memory y takes, start i32\n"
        "[B] optional (0), with begins i32 [B,T] the position is t - begins[b,t]; usually frequency[i] = "
        "theta^(-i/n) (Su et al. 2021)",
    .forward = forward,
    .backward = backward,
    .sample = sample,
};
