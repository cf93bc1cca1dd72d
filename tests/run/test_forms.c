/* What GGUF files do to matrices: rows that move, and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "run/forms.h"

#include <cmocka.h> /* last: it defines fail() */

enum { MOST = 16 };

/* Rows of two values; `wanted`: which row stands where. */
static void check_rows(TensorForm form, const Config *c, int64_t rows, const int *wanted) {
  float here[MOST][2], stored[MOST][2], back[MOST][2];
  for (int i = 0; i < rows; i++) here[i][0] = (float)i, here[i][1] = (float)i / 4;
  const Tensor t = {.type = TENSOR_F32, .dims = 2, .shape = {rows, 2}, .data = here};
  Tensor out = t, again = t;
  out.data = stored, again.data = back;
  form_change(form, false, &t, c, &out);
  for (int i = 0; i < rows; i++) assert_memory_equal(stored[i], here[wanted[i]], sizeof *here);
  form_change(form, true, &out, c, &again);
  assert_memory_equal(back, here, (size_t)rows * sizeof *here);
}

/* Two heads of four values. */
static void rows_that_rotate_together_are_neighbours(void **state) {
  (void)state;
  const Config c = {.heads = 2, .kv_heads = 2, .head_size = 4};
  check_rows(FORM_PAIRS, &c, 8, (const int[]){0, 2, 1, 3, 4, 6, 5, 7});
}

/* Two groups, each of two queries, a key and a value, of two rows each. */
static void groups_are_taken_apart(void **state) {
  (void)state;
  const Config c = {.heads = 4, .kv_heads = 2, .head_size = 2};
  check_rows(FORM_UNGROUPED, &c, 16, (const int[]){0, 1, 2, 3, 8, 9, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15});
}

/* The vector of biases of a transposed matrix stays as it is. */
static void matrices_are_transposed(void **state) {
  (void)state;
  float here[] = {1, 2, 3, 4, 5, 6}, stored[6];
  const Tensor t = {.type = TENSOR_F32, .dims = 2, .shape = {2, 3}, .data = here},
               vector = {.type = TENSOR_F32, .dims = 1, .shape = {6}, .data = here};
  Tensor out = form_shape(FORM_TRANSPOSED, t), same = form_shape(FORM_TRANSPOSED, vector);
  out.data = same.data = stored;
  assert_int_equal(out.shape[0], 3);
  form_change(FORM_TRANSPOSED, false, &t, NULL, &out);
  assert_memory_equal(stored, ((const float[]){1, 4, 2, 5, 3, 6}), sizeof stored);
  form_change(FORM_TRANSPOSED, false, &vector, NULL, &same);
  assert_memory_equal(stored, here, sizeof stored);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rows_that_rotate_together_are_neighbours),
      cmocka_unit_test(groups_are_taken_apart),
      cmocka_unit_test(matrices_are_transposed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
