/* slice.c - a range of columns: the parts of GPT-2's joint q, k, v projection. */
#include <string.h>

#include "kernels/kernels.h"
#include "ops/loops.h"
#include "ops/sample.h"

typedef struct Slice {
  Node node;
  int64_t first, width;
} Slice;

static void copy_rows(void *arg, int64_t begin, int64_t end) {
  const Slice *n = arg;
  const int64_t columns = tensor_columns(n->node.in[0]);
  for (int64_t r = begin; r < end; r++)
    memcpy(tensor_f32(n->node.out[0]) + r * n->width, tensor_f32(n->node.in[0]) + r * columns + n->first,
           (size_t)n->width * sizeof(float));
}

static void forward(Node *n) {
  parallel_for(tensor_rows(n->in[0]), copy_rows, n);
}

static void add_rows(void *arg, int64_t begin, int64_t end) {
  const Slice *n = arg;
  const int64_t columns = tensor_columns(n->node.in[0]);
  for (int64_t r = begin; r < end; r++)
    kernels->add(n->node.in[0]->grad + r * columns + n->first, n->node.out[0]->grad + r * n->width, n->width);
}

static void backward(Node *n) {
  grad_add(n, n->in[0]);
  parallel_for(tensor_rows(n->in[0]), add_rows, n);
}

Tensor *op_slice(Tape *tape, Tensor *x, int64_t first, int64_t width) {
  CHECK(first >= 0 && width > 0 && first + width <= tensor_columns(x));
  Slice *n = node_new(tape, &op_slice_info, sizeof *n);
  n->first = first;
  n->width = width;
  node_input(&n->node, x);
  int64_t shape[TENSOR_MAX_DIMS];
  memcpy(shape, x->shape, sizeof shape);
  shape[x->dims - 1] = width;
  return node_run(&n->node, node_output(&n->node, x->dims, shape));
}

/* Cases: the first, the middle and the last columns; the sum of all three. */
static void sample(OpSampler *s) {
  const int which = sample_case(s, 4);
  const int64_t width = sample_large(s) ? 512 : 9;
  Tape *tape = sample_tape(s);
  Tensor *x =
      sample_normal(s, "x", 3, (int64_t[]){sample_large(s) ? 8 : 2, sample_large(s) ? 256 : 5, 3 * width});
  Tensor *y = op_slice(tape, x, which % 3 * width, width);
  if (which == 3)
    y = op_add(tape, y, op_add(tape, op_slice(tape, x, width, width), op_slice(tape, x, 2 * width, width)));
  sample_output(s, y);
}

const Op op_slice_info = {
    .name = "slice",
    .formula = "y = x[..., first : first+width]: x [...,D] -> y [...,width]",
    .forward = forward,
    .backward = backward,
    .sample = sample,
};
