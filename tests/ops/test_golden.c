/* Operators against PyTorch: tests/golden/ops/<name>.txt, written by scripts/golden_ops.py, which says what
 * is in it. */
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "ops/sample.h"

#include <cmocka.h> /* last: it defines a macro `fail` */

static void compare(const Op *op, int which, const char *what, const float *got, FILE *file, int64_t count,
                    int64_t stride) {
  double expected[4096], scale = 0;
  const int64_t kept = (count + stride - 1) / stride;
  assert_true(kept <= 4096);
  for (int64_t i = 0; i < kept; i++) {
    assert_int_equal(fscanf(file, "%lf", &expected[i]), 1);
    scale = fmax(scale, fabs(expected[i]));
  }
  for (int64_t i = 0; i < kept; i++)
    if (!(fabs((double)got[i * stride] - expected[i]) <= 1e-5 * scale + 1e-9))
      fail_msg("%s, case %d: %s[%lld] is %.9g, PyTorch has %.9g", op->name, which, what,
               (long long)(i * stride), (double)got[i * stride], expected[i]);
}

static const float *find(const OpSampler *s, const char *what, int64_t count) {
  if (!strcmp(what, "output")) {
    assert_int_equal(count, tensor_count(s->out));
    return tensor_f32(s->out);
  }
  for (int i = 0; i < s->inputs; i++)
    if (!strcmp(what, s->names[i])) {
      assert_int_equal(count, tensor_count(s->in[i]));
      return s->in[i]->grad;
    }
  return NULL;
}

static void check_case(const Op *op, int which, FILE *file) {
  OpSampler s = {.tape = tape_new(false), .which = which, .frozen = -1, .moved = -1};
  char what[32];
  int64_t count, stride, seen = 0, at;
  sample_run(&s, op);
  sample_backward(&s);
  while (at = ftell(file),
         fscanf(file, "%31s %" SCNd64 " %" SCNd64, what, &count, &stride) == 3 && strcmp(what, "case")) {
    const float *got = find(&s, what, count);
    assert_non_null(got);
    compare(op, which, what, got, file, count, stride);
    seen++;
  }
  assert_int_equal(seen, 1 + s.inputs);
  fseek(file, at, SEEK_SET);
  tape_free(s.tape);
}

static void check_operator(const Op *op) {
  OpSampler s = {.tape = tape_new(true), .frozen = -1, .moved = -1};
  char path[512];
  int which = -1;
  sample_run(&s, op);
  snprintf(path, sizeof path, TESTS_DIR "/golden/ops/%s.txt", op->name);
  FILE *file = fopen(path, "r");
  if (!file) fail_msg("%s is missing: run scripts/golden_ops.py", path);
  for (int expected = 0; expected < s.cases; expected++) {
    assert_int_equal(fscanf(file, " case %d", &which), 1);
    assert_int_equal(which, expected);
    check_case(op, which, file);
  }
  fclose(file);
  tape_free(s.tape);
}

static void same_as_pytorch(void **state) {
  (void)state;
  for (int i = 0; i < op_count; i++) check_operator(op_table[i]);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(same_as_pytorch)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
