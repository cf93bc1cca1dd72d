/* arrays.h - for tests of kernels: every instruction set this processor runs, many lengths, unaligned arrays
 * with guarded ends, and values that are compared with a reference in double precision. */
#ifndef TESTS_KERNELS_ARRAYS_H
#define TESTS_KERNELS_ARRAYS_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "kernels/kernels.h"

#include <cmocka.h> /* last: it defines a macro `fail` */

#if defined(__SANITIZE_ADDRESS__)
enum { GUARD = 0 }; /* the sanitizer sees every access past the end, reads too */
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
enum { GUARD = 0 };
#else
enum { GUARD = 32 };
#endif
#else
enum { GUARD = 32 };
#endif

static const float UNTOUCHED = 12345.5f;
static const double EPSILON = 0x1p-24; /* of rounding to f32 */

static struct {
  const Kernels *k;
  int64_t n;
  int offset; /* of every array from an aligned address, in floats */
  struct {
    float *block, *end;
  } arrays[32];
  int count;
  uint64_t draws;
} now;

/* An array of `count` floats with guards behind it; lives until arrays_free. */
static inline float *array_empty(int64_t count) {
  const size_t floats = (size_t)(now.offset + count + GUARD);
  float *block = malloc((floats ? floats : 1) * sizeof *block), *x = block + now.offset;
  for (int i = 0; i < GUARD; i++) x[count + i] = UNTOUCHED;
  now.arrays[now.count].block = block;
  now.arrays[now.count++].end = x + count;
  return x;
}

/* Filled with numbers in [-most, most]. */
static inline float *array_random(int64_t count, float most) {
  float *x = array_empty(count);
  for (int64_t i = 0; i < count; i++) x[i] = most * ((float)(random_mix(now.draws++) >> 40) * 0x1p-23f - 1);
  return x;
}

static inline float *array_copy(const float *from, int64_t count) {
  float *x = array_empty(count);
  memcpy(x, from, (size_t)count * sizeof *x);
  return x;
}

static inline void arrays_free(void) {
  for (int i = 0; i < now.count; i++) {
    for (int g = 0; g < GUARD; g++) assert_true(now.arrays[i].end[g] == UNTOUCHED);
    free(now.arrays[i].block);
  }
  now.count = 0;
}

typedef void Check(const Kernels *k, int64_t n);

static inline void check_at(Check *check, const Kernels *k, int64_t n, int offset) {
  now.k = k;
  now.n = n;
  now.offset = offset;
  check(k, n);
  arrays_free();
}

/* Every instruction set, lengths around every vector width and beyond, aligned or not. */
static inline void each_length(Check *check) {
  const Kernels *k;
  now.draws = 0;
  for (int i = 0; (k = kernels_available(i)); i++)
    for (int offset = 0; offset < 4; offset += 3) {
      for (int64_t n = 0; n <= 70; n++) check_at(check, k, n, offset);
      check_at(check, k, 127, offset);
      check_at(check, k, 1000, offset);
    }
}

static inline void near(float got, double want, double allowed, int64_t at) {
  if (fabs((double)got - want) <= allowed) return;
  fail_msg("%s, n = %lld, offset %d: element %lld is %.9g instead of %.9g, more than %.3g apart", now.k->isa,
           (long long)now.n, now.offset, (long long)at, (double)got, want, allowed);
}

static inline void same_bits(const float *got, const float *want, int64_t count) {
  for (int64_t i = 0; i < count; i++)
    if (memcmp(got + i, want + i, sizeof *got))
      fail_msg("%s, n = %lld, offset %d: element %lld is %.9g instead of exactly %.9g", now.k->isa,
               (long long)now.n, now.offset, (long long)i, (double)got[i], (double)want[i]);
}

#endif
