/* random.h - random numbers as a pure function of (seed, stream, index): no state to save for an exact
 * resume, and the same results on any number of threads. splitmix64's finalizer, twice, over a counter. */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* The finalizer of splitmix64 (Steele et al. 2014). */
static inline uint64_t random_mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}
/* Inline, so that a loop over the index mixes seed and stream once. */
static inline uint64_t random_bits(uint64_t seed, uint64_t stream, uint64_t index) {
  return random_mix(random_mix(random_mix(seed) ^ stream) ^ index);
}
double random_unit(uint64_t seed, uint64_t stream, uint64_t index);   /* [0, 1), 53 bits */
double random_normal(uint64_t seed, uint64_t stream, uint64_t index); /* Box-Muller, mean 0, deviation 1 */
/* 0..n-1, n > 0; the bias of at most n / 2^64 is accepted. */
uint64_t random_below(uint64_t n, uint64_t seed, uint64_t stream, uint64_t index);
/* A stream number from a name, so that different purposes use different streams. */
uint64_t random_stream(const char *purpose);
/* The index-th element of a pseudo-random permutation of 0..n-1 (Feistel network with cycle walking):
 * shuffling in O(1) memory, resumable at any index. */
uint64_t random_permute(uint64_t index, uint64_t n, uint64_t seed, uint64_t stream);

#endif
