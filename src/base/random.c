#include "base/random.h"

#include <math.h>
#include <string.h>

#include "base/buffer.h"

double random_unit(uint64_t seed, uint64_t stream, uint64_t index) {
  return (double)(random_bits(seed, stream, index) >> 11) * 0x1p-53;
}

double random_normal(uint64_t seed, uint64_t stream, uint64_t index) {
  const double u = 1 - random_unit(seed, stream, 2 * index), v = random_unit(seed, stream, 2 * index + 1);
  return sqrt(-2 * log(u)) * cos(2 * 3.14159265358979323846 * v);
}

uint64_t random_below(uint64_t n, uint64_t seed, uint64_t stream, uint64_t index) {
  CHECK(n > 0);
  return (uint64_t)(((unsigned __int128)random_bits(seed, stream, index) * n) >> 64);
}

uint64_t random_stream(const char *purpose) {
  return hash_bytes(purpose, strlen(purpose), 0);
}

/* A balanced Feistel network of four rounds over the smallest even number of bits that holds n, repeated
 * until the result is below n. */
uint64_t random_permute(uint64_t index, uint64_t n, uint64_t seed, uint64_t stream) {
  CHECK(index < n);
  int half = 1;
  while (half < 32 && (1ull << (2 * half)) < n) half++;
  const uint64_t mask = (1ull << half) - 1;
  const uint64_t key = random_bits(seed, stream, n);
  do {
    uint64_t left = index >> half, right = index & mask;
    for (uint64_t round = 0; round < 4; round++) {
      const uint64_t next = left ^ (random_bits(key, round, right) & mask);
      left = right;
      right = next;
    }
    index = left << half | right;
  } while (index >= n);
  return index;
}
