/* Attention to keys and values in pages gives the bits that it gives where they lie side by side, rounded to
 * the type of the pages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/random.h"
#include "base/threads.h"
#include "kernels/kernels.h"
#include "ops/ops.h"

#include <cmocka.h> /* last: it defines fail() */

enum { MOST = 600, WIDEST = 2 * 256, PAGE = 32, PAGES = MOST / PAGE + 2 };

static float q[MOST * WIDEST], k[MOST * WIDEST], v[MOST * WIDEST];

static void fill(float *x, uint64_t stream) {
  for (int i = 0; i < MOST * WIDEST; i++) x[i] = (float)random_unit(1, stream, (uint64_t)i) - 0.5f;
}

static const float *rounded(TensorType type, const float *x, int64_t count) {
  static float all[2][MOST * WIDEST];
  static char stored[MOST * WIDEST * sizeof(float)];
  float *out = all[x == v];
  assert_true(type_narrow(type, stored, x, count));
  type_widen(type, out, stored, 0, count);
  return out;
}

/* A bias by distance for shapes that have an origin. */
static AttentionShape biased(Tape *tape, AttentionShape shape) {
  if (shape.bias.by_distance)
    shape.bias.table = tape_constant(tape, TENSOR_F32, 2, (int64_t[]){2 * MOST, shape.heads}, v);
  return shape;
}

/* All positions at once, keys and values side by side. */
static void attend_at_once(Tape *tape, AttentionShape shape, TensorType type, int64_t time, int64_t size,
                           float *out) {
  tape_reset(tape, false, 0);
  const int64_t wide[] = {1, time, shape.heads * size}, narrow[] = {1, time, shape.kv_heads * size};
  Tensor *y = op_attention(tape, tape_constant(tape, TENSOR_F32, 3, wide, q),
                           tape_constant(tape, TENSOR_F32, 3, narrow, rounded(type, k, time * narrow[2])),
                           tape_constant(tape, TENSOR_F32, 3, narrow, rounded(type, v, time * narrow[2])),
                           (AttentionSight){0}, biased(tape, shape));
  memcpy(out, y->data, (size_t)tensor_count(y) * sizeof *out);
}

/* Positions first .. first+count-1 of that sequence and, beside it, of another that begins later. */
static void attend_in_pages(Tape *tape, AttentionShape shape, TensorType type, void *const *keys,
                            void *const *values, int64_t first, int64_t count, int64_t size, float *out) {
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
                                .pages = {.size = PAGE,
                                          .type = type,
                                          .keys = keys,
                                          .values = values,
                                          .table = table,
                                          .each = PAGES,
                                          .sequence = sequence}};
  const Tensor *y = op_attention(tape, tape_constant(tape, TENSOR_F32, 3, wide, qq),
                                 tape_constant(tape, TENSOR_F32, 3, narrow, kk),
                                 tape_constant(tape, TENSOR_F32, 3, narrow, vv), sight, biased(tape, shape));
  memcpy(out + first * w, tensor_f32(y) + w, (size_t)(count * w) * sizeof *out);
}

static void compare(AttentionShape shape, TensorType type, int64_t size, int64_t piece) {
  static float expected[MOST * WIDEST], got[MOST * WIDEST];
  void *keys[PAGES + 1], *values[PAGES + 1];
  const size_t page = type_bytes(type, PAGE * shape.kv_heads * size);
  Tape *tape = tape_new(false);
  for (int i = 0; i <= PAGES; i++) {
    keys[i] = mem_alloc(page);
    values[i] = mem_alloc(page);
    memset(keys[i], 0xff, page); /* values that are not written are no numbers */
    memset(values[i], 0xff, page);
  }
  attend_at_once(tape, shape, type, MOST, size, expected);
  for (int64_t at = 0; at < MOST; at += piece)
    attend_in_pages(tape, shape, type, keys, values, at, at + piece < MOST ? piece : MOST - at, size, got);
  for (int64_t i = 0; i < MOST * shape.heads * size; i++)
    if (memcmp(&expected[i], &got[i], sizeof *got))
      fail_msg("%s, %d heads of %d, %d at a time: position %d is %g, not %g", type_info(type)->name,
               (int)shape.heads, (int)size, (int)piece, (int)(i / shape.heads / size), (double)got[i],
               (double)expected[i]);
  for (int i = 0; i <= PAGES; i++) {
    mem_free(keys[i]);
    mem_free(values[i]);
  }
  tape_free(tape);
}

typedef struct Shape {
  int64_t heads, kv_heads, size, window;
  bool biased;
} Shape;

static void compare_types(const Shape *s) {
  const AttentionShape shape = {.heads = s->heads,
                                .kv_heads = s->kv_heads,
                                .causal = true,
                                .window = s->window,
                                .bias = {.by_distance = s->biased, .origin = MOST - 1}};
  for (int type = 0; type < TENSOR_WEIGHT_TYPES; type++) {
    if (s->size % type_info((TensorType)type)->block) continue;
    for (int64_t piece = type ? 37 : 1; piece < (type ? 38 : MOST); piece = piece * 5 + 2)
      compare(shape, (TensorType)type, s->size, piece);
  }
}

static void pages_change_no_bit(void **state) {
  (void)state;
  static const Shape shapes[] = {{6, 2, 5, 0, false},   {3, 3, 64, 0, false},  {6, 6, 72, 0, false},
                                 {1, 1, 264, 0, false}, {2, 1, 20, 50, false}, {2, 1, 20, 270, false},
                                 {2, 1, 256, 0, false}, {6, 2, 5, 0, true},    {3, 3, 20, 0, true}};
  fill(q, 0);
  fill(k, 1);
  fill(v, 2);
  threads_set(7); /* which divide groups of three heads */
  for (int isa = 0; kernels_available(isa); isa++) {
    assert_true(kernels_select(kernels_available(isa)->isa));
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) compare_types(&shapes[i]);
  }
  kernels_select(NULL);
  threads_set(0);
}

/* What a type cannot hold is told, not rounded to its largest value. */
static void overflow_is_told(void **state) {
  (void)state;
  static float page[2][PAGE * 2];
  static const int32_t table[1] = {0}, sequence[1] = {0}, start[1] = {0};
  static const int64_t one = 1, row[] = {1, 1, 2};
  void *const keys[1] = {page[0]}, *const values[1] = {page[1]};
  for (int large = 0; large < 2; large++) {
    bool overflow = false;
    const float x[2] = {1, large ? 70000 : 60000};
    Tape *tape = tape_new(false);
    Tensor *t = tape_constant(tape, TENSOR_F32, 3, row, x);
    const AttentionSight sight = {.start = tape_constant(tape, TENSOR_I32, 1, &one, start),
                                  .pages = {PAGE, TENSOR_F16, &overflow, keys, values, table, 1, sequence}};
    op_attention(tape, t, t, t, sight, (AttentionShape){.heads = 1, .kv_heads = 1, .causal = true});
    assert_int_equal(overflow, large);
    tape_free(tape);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(pages_change_no_bit),
                                     cmocka_unit_test(overflow_is_told)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
