/* What test_emulated.py runs on an emulated processor that has AVX-512 with products of bf16: their kernels
 * against numbers rounded and multiplied one by one. No C library, no operating system: it fills `counts` and
 * halts. (The emulator has no AMX, and vcvtne2ps2bf16 takes one of its operands for both.) */
#include <stddef.h>
#include <stdint.h>

#include "kernels/kernels.h"

extern const Kernels kernels_avx512bf16;

/* In this order test_emulated.py reads them. `order`: values that would be others if the second of a pair
 * came first, without which the order would not have been looked at. `tiny`: bits of a product below 2^-126.
 */
struct {
  uint32_t done, values, wrong, order, outside, tiny;
} counts;

enum { MR = 14, NR = 32, STEPS = 256 };
static float a[STEPS * MR], b[STEPS * NR], c[MR * NR], before[MR * NR]; /* a [MR][STEPS], b [STEPS][NR] */
static uint32_t pairs_a[STEPS * MR], pairs_b[STEPS * NR];

void *memcpy(void *to, const void *from, size_t n);
void *memcpy(void *to, const void *from, size_t n) {
  for (size_t i = 0; i < n; i++) ((volatile char *)to)[i] = ((const char *)from)[i];
  return to;
}

static float draw(void) { /* Marsaglia's xorshift, in [-1,1) */
  static uint64_t x = 88172645463325252u;
  x ^= x << 13;
  x ^= x >> 7;
  x ^= x << 17;
  return (float)(int32_t)(x >> 32) * 0x1p-31f;
}

static uint32_t bits(float x) {
  return (union {
           float x;
           uint32_t bits;
         }){x}
      .bits;
}

static float nearest(float x) {
  return (union {
           uint32_t bits;
           float x;
         }){(bits(x) + 0x7fff + (bits(x) >> 16 & 1)) & 0xffff0000u}
      .x;
}

static float fma_of(int row, int column, int step, float total) {
  return __builtin_fmaf(nearest(a[row * STEPS + step]), nearest(b[step * NR + column]), total);
}

/* With one fused multiply-add a step; `swap`: the second step of each pair first. */
static float sum(int row, int column, int steps, int swap) {
  float total = 0;
  for (int s = 0; s < steps; s++) total = fma_of(row, column, swap && (s ^ 1) < steps ? s ^ 1 : s, total);
  return total;
}

static void compare(int row, int column, int steps, float add) {
  const float want = add + sum(row, column, steps, 0);
  counts.values++;
  counts.wrong += bits(c[row * NR + column]) != bits(want);
  counts.order += bits(add + sum(row, column, steps, 1)) != bits(want);
}

static void draw_all(void) {
  for (int i = 0; i < STEPS * MR; i++) a[i] = draw();
  for (int i = 0; i < STEPS * NR; i++) b[i] = draw();
  for (int i = 0; i < MR * NR; i++) c[i] = before[i] = draw();
}

static void check(int steps, int rows, int columns, bool adds) {
  draw_all();
  kernels_avx512bf16.pairs_a(pairs_a, a, STEPS, true, rows, steps);
  kernels_avx512bf16.pairs_b(pairs_b, b, NR, false, columns, steps);
  kernels_avx512bf16.gemm_pairs(c, NR, adds ? c : NULL, NR, pairs_a, pairs_b,
                                kernels_avx512bf16.pair_steps(steps), rows, columns);
  for (int i = 0; i < MR; i++)
    for (int j = 0; j < NR; j++)
      if (i < rows && j < columns)
        compare(i, j, steps, adds ? before[i * NR + j] : 0);
      else
        counts.outside += bits(c[i * NR + j]) != bits(before[i * NR + j]);
}

static void multiply_tiny(void) {
  a[0] = b[0] = 0x1p-70f;
  kernels_avx512bf16.pairs_a(pairs_a, a, STEPS, true, 1, 1);
  kernels_avx512bf16.pairs_b(pairs_b, b, NR, false, 1, 1);
  kernels_avx512bf16.gemm_pairs(c, NR, NULL, NR, pairs_a, pairs_b, kernels_avx512bf16.pair_steps(1), 1, 1);
  counts.tiny = bits(c[0]);
}

void run(void);
void run(void) {
  static const int steps[] = {1, 2, 3, 5, 64, 255, 256}, rows[] = {1, 6, 14}, columns[] = {1, 16, 31, 32};
  for (int i = 0; i < 84; i++) check(steps[i % 7], rows[i % 3], columns[i % 4], i & 1);
  multiply_tiny();
  counts.done = 1;
}

__attribute__((naked, noreturn)) void _start(void);
__attribute__((naked, noreturn)) void _start(void) {
  __asm__("call run\n\thlt");
}
