/* digest.h - SHA-256 and SHA-1 (FIPS 180-4) of bytes that arrive in pieces. */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

typedef enum DigestKind { DIGEST_SHA1, DIGEST_SHA256 } DigestKind;

typedef struct Digest {
  DigestKind kind;
  uint32_t state[8];
  uint64_t length; /* bytes so far */
  unsigned char block[64];
} Digest;

enum { DIGEST_TEXT = 65 };

void digest_begin(Digest *, DigestKind);
void digest_add(Digest *, const void *bytes, size_t length);
/* In lower-case hexadecimal; returns the caller's buffer. */
const char *digest_end(Digest *, char text[DIGEST_TEXT]);

#endif
