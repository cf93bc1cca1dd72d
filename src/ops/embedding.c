/* embedding.c - table lookup. Backward scatters: each thread takes a range of columns, so that rows with
 * the same id are added in order. */
#include "kernels/kernels.h"
#include "ops/loops.h"
#include "ops/sample.h"

static void copy_rows(void *arg, int64_t begin, int64_t end) {
  const Node *n = arg;
  const Tensor *table = n->in[0];
  const int64_t width = tensor_columns(table);
  for (int64_t r = begin; r < end; r++) {
    const int32_t id = tensor_i32(n->in[1])[r];
    CHECK(id >= 0 && id < table->shape[0]);
    type_widen(table->type, tensor_f32(n->out[0]) + r * width, table->data, id * width, width);
  }
}

static void forward(Node *n) {
  parallel_for(tensor_count(n->in[1]), copy_rows, n);
}

enum { STRIP = 64 };

static void scatter_strips(void *arg, int64_t begin, int64_t end) {
  const Node *n = arg;
  const int64_t width = tensor_columns(n->in[0]), rows = tensor_count(n->in[1]), first = begin * STRIP;
  const int64_t count = (end * STRIP < width ? end * STRIP : width) - first;
  for (int64_t r = 0; r < rows; r++)
    kernels->add(n->in[0]->grad + tensor_i32(n->in[1])[r] * width + first,
                 n->out[0]->grad + r * width + first, count);
}

static void backward(Node *n) {
  grad_add(n, n->in[0]);
  parallel_for((tensor_columns(n->in[0]) + STRIP - 1) / STRIP, scatter_strips, n);
}

Tensor *op_embedding(Tape *tape, Tensor *table, Tensor *ids) {
  CHECK(table->dims == 2 && ids->type == TENSOR_I32 && ids->dims < TENSOR_MAX_DIMS);
  int64_t shape[TENSOR_MAX_DIMS];
  for (int i = 0; i < ids->dims; i++) shape[i] = ids->shape[i];
  shape[ids->dims] = tensor_columns(table);
  Node *n = node_new(tape, &op_embedding_info, sizeof *n);
  node_input(n, table);
  node_input(n, ids);
  return node_run(n, node_output(n, ids->dims + 1, shape));
}

static void sample(OpSampler *s) {
  const bool large = sample_large(s);
  const int64_t vocabulary = large ? 32000 : 7, width = large ? 512 : 67, sequences = large ? 8 : 3,
                time = large ? 512 : 5;
  Tensor *table = sample_normal(s, "table", 2, (int64_t[]){vocabulary, width});
  Tensor *ids = sample_ids(s, "ids", 2, (int64_t[]){sequences, time}, 0, (int32_t)vocabulary);
  sample_output(s, op_embedding(sample_tape(s), table, ids));
}

const Op op_embedding_info = {
    .name = "embedding",
    .formula = "y[i] = table[ids[i]]: table [V,D], ids i32 [...] -> y [...,D]",
    .forward = forward,
    .backward = backward,
    .sample = sample,
};
