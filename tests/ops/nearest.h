/* nearest.h - rounding to bf16, written so that it can be believed: by distance, not by bits. */
#ifndef TESTS_OPS_NEAREST_H
#define TESTS_OPS_NEAREST_H

#include <math.h>
#include <stdint.h>
#include <string.h>

/* The nearer of the two numbers of bf16 around x, the even one where both are as near. */
static inline float nearest_bf16(float x) {
  uint32_t bits;
  float low, high;
  memcpy(&bits, &x, sizeof bits);
  const uint32_t below = bits & 0xffff0000u, above = below + 0x10000u;
  memcpy(&low, &below, sizeof low);
  memcpy(&high, &above, sizeof high);
  const double down = fabs((double)x - (double)low), up = fabs((double)high - (double)x);
  return down < up || (down == up && !(below >> 16 & 1)) ? low : high;
}

#endif
