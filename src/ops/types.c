#include "ops/types.h"

#include <math.h>
#include <string.h>

#include "kernels/quantize.h"

static const TypeInfo types[] = {
#define TYPE(NAME, name, block, bytes, safetensors, gguf, ...) {#name, block, bytes, safetensors, gguf},
#include "kernels/types.def"
#undef TYPE
    {"i32", 1, 4, "I32", "I32"},
};

#define TYPE(NAME, name, ...) #name ", "
static const char all_names[] =
#include "kernels/types.def"
    ;
#undef TYPE

const TypeInfo *type_info(TensorType type) {
  CHECK(type >= 0 && (size_t)type < sizeof types / sizeof *types);
  return &types[type];
}

bool type_find(const char *name, TensorType *found, Error *err) {
  int type = 0;
  while (type < TENSOR_WEIGHT_TYPES && strcmp(types[type].name, name)) type++;
  *found = (TensorType)type;
  return type < TENSOR_WEIGHT_TYPES || fail_usage(err, "\"%s\" is no type of numbers: use one of %.*s", name,
                                                  (int)sizeof all_names - 3, all_names);
}

TensorType type_named(const char *name) {
  TensorType type;
  CHECK(type_find(name, &type, NULL));
  return type;
}

size_t type_bytes(TensorType type, int64_t count) {
  const TypeInfo *t = type_info(type);
  return (size_t)(count / t->block) * t->bytes;
}

const void *type_at(TensorType type, const void *elements, int64_t index) {
  return (const char *)elements + type_bytes(type, index);
}

/* Elements within one block. */
static void widen_within(TensorType type, float *out, const void *row, int64_t first, int64_t count) {
  enum { LARGEST = 256 };
  float values[LARGEST];
  const int64_t block = types[type].block;
  CHECK(block <= LARGEST);
  kernels->types[type].widen(values, type_at(type, row, first), block);
  memcpy(out, values + first % block, (size_t)count * sizeof *out);
}

void type_widen(TensorType type, float *out, const void *row, int64_t first, int64_t count) {
  const int64_t block = types[type].block;
  while (count > 0) {
    const int64_t within = block - first % block; /* up to the end of the block */
    int64_t n = within < count ? within : count;
    if (within == block && count >= block) {
      n = count / block * block;
      kernels->types[type].widen(out, type_at(type, row, first), n);
    } else {
      widen_within(type, out, row, first, n);
    }
    out += n;
    first += n;
    count -= n;
  }
}

/* Half a unit above the largest value: the least number that is rounded to infinity. Of types with blocks:
 * what no scale of f16 makes too large. */
static float infinite_from(TensorType type) {
  if (type == TENSOR_BF16) return 0x1.ffp127f;
  return type == TENSOR_F32 ? INFINITY : 0x1.ffep15f;
}

static bool fits(TensorType type, const float *values, int64_t count) {
  const float beyond = infinite_from(type);
  bool all = true;
  CHECK(count % types[type].block == 0 && type != TENSOR_I32);
  for (int64_t i = 0; i < count; i++) all &= fabsf(values[i]) < beyond;
  return all;
}

bool type_narrow(TensorType type, void *out, const float *values, int64_t count) {
  kernels->types[type].narrow(out, values, count);
  return fits(type, values, count);
}

bool type_quantize(TensorType type, void *out, const float *values, int64_t count) {
  if (type != TENSOR_Q8_0) return type_narrow(type, out, values, count);
  quantize_q8_0(out, values, count);
  return fits(type, values, count);
}
