/* Attention to keys and values in pages gives the bits that it gives where they lie side by side. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/random.h"
#include "kernels/kernels.h"
#include "ops/ops.h"

#include <cmocka.h> /* last: it defines fail() */

enum { MOST = 600, WIDEST = 6 * 72, PAGE = 32, PAGES = MOST / PAGE + 2 };

static float q[MOST * WIDEST], k[MOST * WIDEST], v[MOST * WIDEST];

static void fill(float *x, uint64_t stream) {
  for (int i = 0; i < MOST * WIDEST; i++) x[i] = (float)random_unit(1, stream, (uint64_t)i) - 0.5f;
}

/* All positions at once, keys and values side by side. */
static void attend_at_once(Tape *tape, AttentionShape shape, int64_t time, int64_t size, float *out) {
  tape_reset(tape, false, 0);
  const int64_t wide[] = {1, time, shape.heads * size}, narrow[] = {1, time, shape.kv_heads * size};
  Tensor *y = op_attention(tape, tape_constant(tape, TENSOR_F32, 3, wide, q),
                           tape_constant(tape, TENSOR_F32, 3, narrow, k),
                           tape_constant(tape, TENSOR_F32, 3, narrow, v), (AttentionSight){0}, shape);
  memcpy(out, y->data, (size_t)tensor_count(y) * sizeof *out);
}

/* Positions first .. first+count-1 of that sequence and, beside it, of another that begins later. */
static void attend_in_pages(Tape *tape, AttentionShape shape, float *const *keys, float *const *values,
                            int64_t first, int64_t count, int64_t size, float *out) {
  static int32_t table[2 * PAGES], sequence[MOST + 1], start[MOST + 1];
  static float qq[(MOST + 1) * WIDEST], kk[(MOST + 1) * WIDEST], vv[(MOST + 1) * WIDEST];
  const int64_t rows = count + 1, w = shape.heads * size, n = shape.kv_heads * size;
  for (int32_t i = 0; i < PAGES; i++)
    table[i] = PAGES - i, table[PAGES + i] = 0; /* backwards; the other's one */
  for (int64_t i = 0; i < count; i++) sequence[i + 1] = 0, start[i + 1] = (int32_t)(first + i);
  sequence[0] = 1, start[0] = 0;
  memcpy(qq, q, (size_t)w * sizeof *qq);
  memcpy(kk, k, (size_t)n * sizeof *kk);
  memcpy(vv, v, (size_t)n * sizeof *vv);
  memcpy(qq + w, q + first * w, (size_t)(count * w) * sizeof *qq);
  memcpy(kk + n, k + first * n, (size_t)(count * n) * sizeof *kk);
  memcpy(vv + n, v + first * n, (size_t)(count * n) * sizeof *vv);
  tape_reset(tape, false, 0);
  const int64_t wide[] = {rows, 1, w}, narrow[] = {rows, 1, n};
  const AttentionSight sight = {.start = tape_constant(tape, TENSOR_I32, 1, &rows, start),
                                .pages = {PAGE, keys, values, table, PAGES, sequence}};
  const Tensor *y = op_attention(tape, tape_constant(tape, TENSOR_F32, 3, wide, qq),
                                 tape_constant(tape, TENSOR_F32, 3, narrow, kk),
                                 tape_constant(tape, TENSOR_F32, 3, narrow, vv), sight, shape);
  memcpy(out + first * w, tensor_f32(y) + w, (size_t)(count * w) * sizeof *out);
}

static void compare(AttentionShape shape, int64_t size, int64_t piece) {
  static float expected[MOST * WIDEST], got[MOST * WIDEST];
  float *keys[PAGES + 1], *values[PAGES + 1];
  const size_t page = (size_t)(PAGE * shape.kv_heads * size);
  Tape *tape = tape_new(false);
  for (int i = 0; i <= PAGES; i++) {
    keys[i] = mem_alloc(page * sizeof(float));
    values[i] = mem_alloc(page * sizeof(float));
    memset(keys[i], 0xff, page * sizeof(float)); /* what nobody wrote is no number */
    memset(values[i], 0xff, page * sizeof(float));
  }
  attend_at_once(tape, shape, MOST, size, expected);
  for (int64_t at = 0; at < MOST; at += piece)
    attend_in_pages(tape, shape, keys, values, at, at + piece < MOST ? piece : MOST - at, size, got);
  for (int64_t i = 0; i < MOST * shape.heads * size; i++)
    if (memcmp(&expected[i], &got[i], sizeof *got))
      fail_msg("%d heads of %d, %d at a time: position %d is %g, not %g", (int)shape.heads, (int)size,
               (int)piece, (int)(i / shape.heads / size), (double)got[i], (double)expected[i]);
  for (int i = 0; i <= PAGES; i++) {
    mem_free(keys[i]);
    mem_free(values[i]);
  }
  tape_free(tape);
}

static void pages_change_no_bit(void **state) {
  (void)state;
  static const struct {
    int64_t heads, kv_heads, size, window;
  } shapes[] = {{6, 2, 5, 0}, {3, 3, 64, 0}, {6, 6, 72, 0}, {1, 1, 264, 0}, {2, 1, 20, 50}, {2, 1, 20, 270}};
  fill(q, 0);
  fill(k, 1);
  fill(v, 2);
  for (int isa = 0; kernels_available(isa); isa++)
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
      assert_true(kernels_select(kernels_available(isa)->isa));
      for (int64_t piece = 1; piece < MOST; piece = piece * 5 + 2)
        compare((AttentionShape){.heads = shapes[i].heads,
                                 .kv_heads = shapes[i].kv_heads,
                                 .causal = true,
                                 .window = shapes[i].window},
                shapes[i].size, piece);
    }
  kernels_select(NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(pages_change_no_bit)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
