/* finite.c - looks only at exponents, of blocks only at those of their scales: to widen every element
 * would take many times as long. */
#include "ops/finite.h"

#include <string.h>

/* All bits of the exponent, which infinity and NaN have. */
enum { INFINITE_F32 = 0x7f800000, INFINITE_BF16 = 0x7f80, INFINITE_F16 = 0x7c00 };

static bool finite_32_bits(const char *x, int64_t n) {
  int32_t most = 0;
  for (int64_t i = 0; i < n; i++) {
    int32_t bits;
    memcpy(&bits, x + i * (int64_t)sizeof bits, sizeof bits);
    bits &= INFINITE_F32;
    most = bits > most ? bits : most;
  }
  return most < INFINITE_F32;
}

static bool finite_16_bits(const char *x, int64_t n, int16_t infinite) {
  int16_t most = 0;
  for (int64_t i = 0; i < n; i++) {
    int16_t bits;
    memcpy(&bits, x + i * (int64_t)sizeof bits, sizeof bits);
    bits = (int16_t)(bits & infinite);
    most = bits > most ? bits : most;
  }
  return most < infinite;
}

/* An element is a finite scale of f16 times integers of a few bits, plus another such product: neither
 * overflows a float. Of an infinite scale or NaN, no element is finite, as infinity times 0 is NaN. */
static bool finite_blocks(const char *scales, int64_t blocks, int64_t apart, int64_t count) {
  int most = 0;
  for (int64_t b = 0; b < blocks; b++, scales += apart)
    for (int64_t i = 0; i < count; i++) {
      uint16_t scale;
      memcpy(&scale, scales + i * (int64_t)sizeof scale, sizeof scale);
      most = (scale & INFINITE_F16) > most ? scale & INFINITE_F16 : most;
    }
  return most < INFINITE_F16;
}

bool type_finite(TensorType type, const void *elements, int64_t count) {
  static const struct {
    int64_t count, at;
  } scales[] = {
#define TYPE(NAME, name, block, bytes, safetensors, gguf, count, at) {count, at},
#include "kernels/types.def"
#undef TYPE
  };
  const TypeInfo *t = type_info(type);
  CHECK(type < TENSOR_WEIGHT_TYPES && count % t->block == 0);
  if (type == TENSOR_F32) return finite_32_bits(elements, count);
  if (type == TENSOR_BF16) return finite_16_bits(elements, count, INFINITE_BF16);
  if (type == TENSOR_F16) return finite_16_bits(elements, count, INFINITE_F16);
  return finite_blocks((const char *)elements + scales[type].at, count / t->block, (int64_t)t->bytes,
                       scales[type].count);
}
