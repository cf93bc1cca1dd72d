/* Packed weights of a file: whole, though they are packed in strips, and in memory only once. */
#include <inttypes.h>

#include "tape_tools.h"

#include "base/scratch.h"

enum { N = 8200, K = 2100 }; /* 69 MB */

static void write_weight(void) {
  float *values = mem_alloc((size_t)N * K * sizeof *values);
  for (size_t i = 0; i < (size_t)N * K; i++) values[i] = (float)(i * 40503 % 65521) - 30000;
  assert_true(file_replace(in_scratch("weight"), values, (size_t)N * K * sizeof *values, NULL));
  mem_free(values);
}

static float value_at(const Packed *p, int64_t column, int64_t k) {
  const int64_t nr = kernels->gemm_nr(), at = column % nr, first = k / PACKED_STEPS * PACKED_STEPS;
  const float *panel = packed_panel(p, column - at, first);
  return panel[(k - first) * nr + at];
}

static void large_weights_of_files(void **state) {
  FileView file;
  (void)state;
  write_weight();
  for (int transposed = 0; transposed < 2; transposed++) {
    assert_true(file_view_regular(in_scratch("weight"), &file, NULL));
    const Tensor weight = {
        .dims = 2, .shape = {transposed ? N : K, transposed ? K : N}, .data = (void *)(uintptr_t)file.data};
    const float *values = tensor_f32(&weight);
    float sum = 0;
    for (size_t i = 0; i < (size_t)N * K; i++) sum += values[i];
    assert_true(isfinite(sum));
    PackedSet *set = packed_set_new(false);
    const int64_t before = mem_resident();
    const Packed *packed = packed_set_get(set, transposed, &weight);
#ifdef __SANITIZE_THREAD__ /* whose memory counts, too */
    (void)before;
#else
    assert_true(mem_resident() - before < (int64_t)file.size / 4); /* the file's pages are gone */
#endif
    assert_int_equal(packed->type, TENSOR_F32);
    for (int64_t column = 0; column < N; column++)
      for (int64_t k = 0; k < K; k++)
        if (value_at(packed, column, k) != values[transposed ? column * K + k : k * N + column])
          fail_msg("column %" PRId64 ", step %" PRId64, column, k);
    packed_set_free(set);
    file_view_close(&file);
  }
}

/* Panel by panel before, with the same contents. */
static void blocks_are_packed_on_second_use(void **state) {
  enum { ROWS = 77, STEPS = 2 * PACKED_STEPS + 32 };
  (void)state;
  Tape *tape = recording();
  const Tensor *values = normal(tape, 9, 2, (int64_t[]){ROWS, STEPS});
  Tensor weight = *values;
  weight.type = TENSOR_Q8_0;
  weight.data = mem_alloc(tensor_bytes(&weight));
  kernels->types[TENSOR_Q8_0].narrow(weight.data, tensor_f32(values), tensor_count(values));
  PackedSet *set = packed_set_new(true);
  const Packed *first = packed_set_get(set, true, &weight), *second = packed_set_get(set, true, &weight);
  assert_true(!first->panels && second->panels);
  assert_ptr_equal(packed_set_get(set, true, &weight), second);
  for (int64_t column = 0; column < ROWS; column += kernels->gemm_nr())
    for (int64_t at = 0; at < STEPS; at += PACKED_STEPS) {
      const int64_t steps = at + PACKED_STEPS < STEPS ? PACKED_STEPS : STEPS - at;
      assert_memory_equal(packed_panel(first, column, at), packed_panel(second, column, at),
                          type_bytes(TENSOR_Q8_0, steps * kernels->gemm_nr()));
    }
  packed_set_free(set);
  mem_free(weight.data);
  tape_free(tape);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(large_weights_of_files),
                                     cmocka_unit_test(blocks_are_packed_on_second_use)};
  return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
