/* random.h - random numbers as a pure function of (seed, stream, index): nothing to save for an exact
 * resume, the same on any number of threads. splitmix64's finalizer, twice, over a counter. */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

uint64_t random_bits(uint64_t seed, uint64_t stream, uint64_t index);
double random_unit(uint64_t seed, uint64_t stream, uint64_t index);   /* [0, 1), 53 bits */
double random_normal(uint64_t seed, uint64_t stream, uint64_t index); /* Box-Muller, mean 0, deviation 1 */
/* 0..n-1, n > 0; the bias of at most n / 2^64 is accepted. */
uint64_t random_below(uint64_t n, uint64_t seed, uint64_t stream, uint64_t index);
/* A stream number from a name, so that streams of different purposes never meet. */
uint64_t random_stream(const char *purpose);
/* The index-th element of a pseudo-random permutation of 0..n-1 (Feistel network with cycle walking):
 * shuffling in O(1) memory, resumable at any place. */
uint64_t random_permute(uint64_t index, uint64_t n, uint64_t seed, uint64_t stream);

#endif
