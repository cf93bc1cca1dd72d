/* tape_tools.h - what the tests of the tape share: random inputs, a recording tape, the sum of all elements.
 */
#ifndef TESTS_OPS_TAPE_TOOLS_H
#define TESTS_OPS_TAPE_TOOLS_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "kernels/kernels.h"
#include "ops/ops.h"

#include <cmocka.h> /* last: it defines a macro `fail` */

static inline Tensor *normal(Tape *tape, uint64_t stream, int dims, const int64_t *shape) {
  Tensor *t = tape_tensor(tape, TENSOR_F32, dims, shape);
  for (int64_t i = 0; i < tensor_count(t); i++)
    tensor_f32(t)[i] = (float)random_normal(3, stream, (uint64_t)i);
  return t;
}

static inline Tape *recording(void) {
  Tape *tape = tape_new(false);
  tape_reset(tape, true, 5);
  return tape;
}

/* The sum of all elements: a linear layer of ones. */
static inline Tensor *sum(Tape *tape, Tensor *x) {
  const int64_t count = tensor_count(x);
  Tensor *ones = tape_tensor(tape, TENSOR_F32, 2, (int64_t[]){1, count});
  for (int64_t i = 0; i < count; i++) tensor_f32(ones)[i] = 1;
  return op_linear(tape, tape_reshape(tape, x, 2, (int64_t[]){1, count}), ones, NULL, false);
}

#endif
