#include "base/digest.h"

#include <stdio.h>
#include <string.h>

enum { BLOCK = 64, WORDS = BLOCK / 4 };

static uint32_t rotate_left(uint32_t x, int by) {
  return x << by | x >> (32 - by);
}

static uint32_t rotate_right(uint32_t x, int by) {
  return x >> by | x << (32 - by);
}

static uint32_t big_endian(const unsigned char *at) {
  return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* ---- SHA-1: section 6.1.2 ---- */

static uint32_t sha1_mix(int t, uint32_t b, uint32_t c, uint32_t d) {
  if (t < 20) return ((b & c) | (~b & d)) + 0x5a827999;
  if (t < 40) return (b ^ c ^ d) + 0x6ed9eba1;
  if (t < 60) return ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc;
  return (b ^ c ^ d) + 0xca62c1d6;
}

static void sha1_block(uint32_t state[8], const unsigned char *block) {
  uint32_t w[80], s[5];
  memcpy(s, state, sizeof s);
  for (int t = 0; t < WORDS; t++) w[t] = big_endian(block + 4 * t);
  for (int t = WORDS; t < 80; t++) w[t] = rotate_left(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
  for (int t = 0; t < 80; t++) {
    const uint32_t next = rotate_left(s[0], 5) + sha1_mix(t, s[1], s[2], s[3]) + s[4] + w[t];
    memmove(s + 1, s, 4 * sizeof *s);
    s[2] = rotate_left(s[2], 30);
    s[0] = next;
  }
  for (int i = 0; i < 5; i++) state[i] += s[i];
}

/* ---- SHA-256: section 6.2.2 ---- */

static const uint32_t sha256_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

/* The message schedule. */
static void sha256_words(uint32_t w[64], const unsigned char *block) {
  for (int t = 0; t < WORDS; t++) w[t] = big_endian(block + 4 * t);
  for (int t = WORDS; t < 64; t++) {
    const uint32_t a = w[t - 15], b = w[t - 2];
    w[t] = w[t - 16] + (rotate_right(a, 7) ^ rotate_right(a, 18) ^ a >> 3) + w[t - 7] +
           (rotate_right(b, 17) ^ rotate_right(b, 19) ^ b >> 10);
  }
}

static void sha256_block(uint32_t state[8], const unsigned char *block) {
  uint32_t w[64], s[8];
  memcpy(s, state, sizeof s);
  sha256_words(w, block);
  for (int t = 0; t < 64; t++) {
    const uint32_t a = s[0], e = s[4];
    const uint32_t one = s[7] + (rotate_right(e, 6) ^ rotate_right(e, 11) ^ rotate_right(e, 25)) +
                         ((e & s[5]) ^ (~e & s[6])) + sha256_constants[t] + w[t];
    const uint32_t two = (rotate_right(a, 2) ^ rotate_right(a, 13) ^ rotate_right(a, 22)) +
                         ((a & s[1]) ^ (a & s[2]) ^ (s[1] & s[2]));
    memmove(s + 1, s, 7 * sizeof *s);
    s[4] += one;
    s[0] = one + two;
  }
  for (int i = 0; i < 8; i++) state[i] += s[i];
}

/* ---- both ---- */

static const struct {
  void (*block)(uint32_t state[8], const unsigned char *);
  uint32_t initial[8];
  int words; /* of the result */
} kinds[] = {[DIGEST_SHA1] = {sha1_block, {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0}, 5},
             [DIGEST_SHA256] = {sha256_block,
                                {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c,
                                 0x1f83d9ab, 0x5be0cd19},
                                8}};

void digest_begin(Digest *d, DigestKind kind) {
  *d = (Digest){.kind = kind};
  memcpy(d->state, kinds[kind].initial, sizeof d->state);
}

void digest_add(Digest *d, const void *bytes, size_t length) {
  const unsigned char *at = bytes;
  size_t used = d->length % BLOCK;
  d->length += length;
  while (length) {
    if (!used && length >= BLOCK) {
      kinds[d->kind].block(d->state, at);
      at += BLOCK;
      length -= BLOCK;
      continue;
    }
    const size_t n = length < BLOCK - used ? length : BLOCK - used;
    memcpy(d->block + used, at, n);
    at += n;
    length -= n;
    if ((used += n) < BLOCK) return;
    kinds[d->kind].block(d->state, d->block);
    used = 0;
  }
}

/* Section 5.1.1: a bit 1, zeros, and the length in bits, in 64 bits. */
const char *digest_end(Digest *d, char text[DIGEST_TEXT]) {
  static const unsigned char padding[BLOCK] = {0x80};
  const uint64_t bits = d->length * 8;
  unsigned char length[8];
  for (int i = 0; i < 8; i++) length[i] = (unsigned char)(bits >> (56 - 8 * i));
  digest_add(d, padding, 1 + (BLOCK + 55 - d->length % BLOCK) % BLOCK);
  digest_add(d, length, sizeof length);
  for (int i = 0; i < kinds[d->kind].words; i++) snprintf(text + 8 * i, 9, "%08x", d->state[i]);
  return text;
}
