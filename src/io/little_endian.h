/* little_endian.h - numbers as files store them, of 1 to 8 bytes. */
#ifndef IO_LITTLE_ENDIAN_H
#define IO_LITTLE_ENDIAN_H

#include <stdint.h>

static inline uint64_t little_endian(const char *bytes, int count) {
  uint64_t value = 0;
  while (count--) value = value << 8 | (unsigned char)bytes[count];
  return value;
}

#endif
