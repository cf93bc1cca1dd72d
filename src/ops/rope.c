/* rope.c - rotary position embedding (Su et al. 2021), Hugging Face's half-split form: in each head the pair
 * (x_i, x_{i+d/2}) is turned by the angle position * theta^(-2i/d), where it lies. Backward turns the
 * gradient back. */
#include <math.h>

#include "ops/loops.h"
#include "ops/sample.h"

typedef struct Rope {
  Node node; /* in: x [B,T,heads*d], start [B] */
  int64_t heads, half;
  float theta;
  float
      *turns; /* [B or 1, T, 2, d/2]: cosines, then sines; one table for all sequences where all start at 0 */
  float *values;   /* what is turned, where it lies */
  float direction; /* -1: back */
} Rope;

static int64_t time_of(const Rope *n) {
  return n->node.in[0]->shape[1];
}

/* Angles are rounded to f32 as transformers does, so that positions in the thousands give the same logits. */
static void fill_turns(void *arg, int64_t begin, int64_t end) {
  const Rope *n = arg;
  const Tensor *start = n->node.in[1];
  for (int64_t row = begin; row < end; row++) {
    const int64_t time = time_of(n), position = row % time + (start ? tensor_i32(start)[row / time] : 0);
    float *cosine = n->turns + row * 2 * n->half, *sine = cosine + n->half;
    for (int64_t i = 0; i < n->half; i++) {
      const float frequency = 1 / powf(n->theta, (float)(2 * i) / (float)(2 * n->half));
      const float angle = (float)position * frequency;
      cosine[i] = cosf(angle);
      sine[i] = sinf(angle);
    }
  }
}

static void turn(float *restrict x, float *restrict y, const float *restrict cosine,
                 const float *restrict sine, float direction, int64_t half) {
  for (int64_t i = 0; i < half; i++) {
    const float a = x[i], b = y[i], s = direction * sine[i];
    x[i] = a * cosine[i] - b * s;
    y[i] = b * cosine[i] + a * s;
  }
}

static void turn_rows(void *arg, int64_t begin, int64_t end) {
  const Rope *n = arg;
  const int64_t tables = n->node.in[1] ? tensor_rows(n->node.in[0]) : time_of(n);
  for (int64_t row = begin; row < end; row++) {
    const float *cosine = n->turns + row % tables * 2 * n->half;
    for (int64_t h = row * n->heads; h < (row + 1) * n->heads; h++) {
      float *x = n->values + h * 2 * n->half;
      turn(x, x + n->half, cosine, cosine + n->half, n->direction, n->half);
    }
  }
}

static void forward(Node *node) {
  Rope *n = (Rope *)node;
  n->values = tensor_f32(node->out[0]);
  n->direction = 1;
  parallel_for(node->in[1] ? tensor_rows(node->in[0]) : time_of(n), fill_turns, n);
  parallel_for(tensor_rows(node->in[0]), turn_rows, n);
}

static void backward(Node *node) {
  Rope *n = (Rope *)node;
  n->values = node->out[0]->grad;
  n->direction = -1;
  parallel_for(tensor_rows(node->in[0]), turn_rows, n);
  grad_give(node, node->in[0], n->values);
}

Tensor *op_rope(Tape *tape, Tensor *x, Tensor *start, int64_t heads, float theta) {
  CHECK(x->dims == 3 && tensor_columns(x) % (2 * heads) == 0);
  CHECK(!start || tensor_count(start) == x->shape[0]);
  Rope *n = node_new(tape, &op_rope_info, sizeof *n);
  n->heads = heads;
  n->half = tensor_columns(x) / heads / 2;
  n->theta = theta;
  node_input(&n->node, x);
  node_input(&n->node, start);
  n->turns = node_floats(&n->node, (start ? tensor_rows(x) : x->shape[1]) * 2 * n->half);
  return node_run(&n->node, node_output_over(&n->node, x));
}

/* Cases: all sequences at 0; each from its own start. */
static void sample(OpSampler *s) {
  const int which = sample_case(s, 2);
  const bool large = sample_large(s);
  const int64_t sequences = large ? 8 : 2, heads = large ? 8 : 3, size = large ? 64 : 10;
  Tensor *x = sample_normal(s, "x", 3, (int64_t[]){sequences, large ? 512 : 5, heads * size});
  Tensor *start = which ? sample_ids(s, "start", 1, &sequences, 1, 9) : NULL;
  sample_output(s, op_rope(sample_tape(s), x, start, heads, large ? 10000 : 50));
}

const Op op_rope_info = {
    .name = "rope",
    .formula =
        "In each head, for i < d/2, with angle a = (start[b] + t) theta^(-2i/d):\n"
        "y[i] = x[i] cos a - x[i+d/2] sin a,  y[i+d/2] = x[i+d/2] cos a + x[i] sin a\n"
        "x [B,T,heads*d], whose memory y takes, start i32 [B] optional (0)\n"
        "(Su et al. 2021, Hugging Face's half-split form)",
    .forward = forward,
    .backward = backward,
    .sample = sample,
};
