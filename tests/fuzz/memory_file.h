/* memory_file.h - the fuzzer's bytes as a file that is in memory only. */
#ifndef TESTS_MEMORY_FILE_H
#define TESTS_MEMORY_FILE_H

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/error.h"

/* Its path, until the next call. */
static const char *as_file(const uint8_t *data, size_t size, char path[64]) {
  static int descriptor = -1;
  if (descriptor < 0) descriptor = memfd_create("fuzz", 0);
  CHECK(ftruncate(descriptor, 0) == 0);
  CHECK(pwrite(descriptor, data, size, 0) == (ssize_t)size);
  snprintf(path, 64, "/proc/self/fd/%d", descriptor);
  return path;
}

#endif
