#include "ops/sample.h"

#include "base/random.h"
#include "base/threads.h"

enum { SEED = 1 }; /* of inputs, weights of the output, and dropout masks */

Tape *sample_tape(OpSampler *s) {
  return s->tape;
}

bool sample_large(const OpSampler *s) {
  return s->large;
}

int sample_case(OpSampler *s, int cases) {
  s->cases = cases;
  return s->which;
}

typedef struct Draw {
  float *to;
  uint64_t stream;
} Draw;

static void draw_range(void *arg, int64_t begin, int64_t end) {
  const Draw *d = arg;
  for (int64_t i = begin; i < end; i++) d->to[i] = (float)random_normal(SEED, d->stream, (uint64_t)i);
}

static void draw_normal(Tensor *t, const char *name) {
  Draw draw = {tensor_f32(t), random_stream(name)};
  if (t->data) parallel_for(tensor_count(t), draw_range, &draw);
}

static void make_parameter(const OpSampler *s, Tensor *t) {
  t->parameter = true;
  t->forgotten = s->forgotten;
  t->grad = arena_alloc(tape_arena(s->tape), tensor_bytes(t));
  for (int64_t i = 0; i < tensor_count(t); i++) t->grad[i] = s->held;
}

Tensor *sample_normal(OpSampler *s, const char *name, int dims, const int64_t *shape) {
  const int index = s->inputs++;
  CHECK(index < SAMPLE_INPUTS);
  Tensor *t = tape_tensor(s->tape, TENSOR_F32, dims, shape);
  draw_normal(t, name);
  t->wants_grad = index != s->frozen;
  if (s->parameters) make_parameter(s, t);
  if (index == s->moved) tensor_f32(t)[s->element] += s->by;
  s->in[index] = t;
  s->names[index] = name;
  s->ready = clock_seconds();
  return t;
}

Tensor *sample_ids(OpSampler *s, const char *name, int dims, const int64_t *shape, int32_t low,
                   int32_t high) {
  Tensor *t = tape_tensor(s->tape, TENSOR_I32, dims, shape);
  const uint64_t stream = random_stream(name);
  for (int64_t i = 0; t->data && i < tensor_count(t); i++)
    tensor_i32(t)[i] = low + (int32_t)random_below((uint64_t)(high - low), SEED, stream, (uint64_t)i);
  s->ready = clock_seconds();
  return t;
}

/* ---- the loss: a weighted sum, whose gradient is the weights ---- */

static double weighted_sum(const Tensor *y, const Tensor *weights) {
  double sum = 0;
  for (int64_t i = 0; i < tensor_count(y); i++)
    sum += (double)tensor_f32(weights)[i] * (double)tensor_f32(y)[i];
  return sum;
}

static void weigh_forward(Node *n) {
  *tensor_f32(n->out[0]) = (float)weighted_sum(n->in[0], n->in[1]);
}

static void weigh_backward(Node *n) {
  grad_give(n, n->in[0], tensor_f32(n->in[1]));
}

static const Op weigh_info = {.name = "weigh", .forward = weigh_forward, .backward = weigh_backward};

void sample_output(OpSampler *s, Tensor *y) {
  s->forward_seconds = clock_seconds() - s->ready;
  s->out = y;
  Tensor *weights = tape_tensor(s->tape, TENSOR_F32, y->dims, y->shape);
  if (y->dims)
    draw_normal(weights, "output");
  else if (weights->data)
    *tensor_f32(weights) = 1; /* a loss must have gradient 1 */
  Node *n = node_new(s->tape, &weigh_info, sizeof *n);
  node_input(n, y);
  node_input(n, weights);
  s->total = node_run(n, node_output(n, 0, NULL));
  s->loss = y->data ? weighted_sum(y, weights) : 0;
}

void sample_run(OpSampler *s, const Op *op) {
  tape_reset(s->tape, !s->forward_only, SEED);
  s->inputs = 0;
  s->cases = 1;
  s->out = NULL;
  op->sample(s);
  CHECK(s->out);
}

void sample_backward(OpSampler *s) {
  tape_backward(s->tape, s->total);
}
