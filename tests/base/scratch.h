/* scratch.h - a directory of its own for each test, and leaks that a test means to make. */
#ifndef TESTS_SCRATCH_H
#define TESTS_SCRATCH_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

static char scratch[256];

static inline int scratch_open(void **state) {
  const char *place = getenv("TMPDIR");
  snprintf(scratch, sizeof scratch, "%.200s/inkstone-test-XXXXXX", place && *place ? place : "/tmp");
  return mkdtemp(scratch) ? 0 : -1;
}

static inline int scratch_close(void **state) {
  return dir_remove(scratch, NULL) ? 0 : -1;
}

/* A path in the scratch directory; good until the fourth call from now. */
static inline const char *in_scratch(const char *name) {
  static char buffers[4][PATH_CAPACITY];
  static int next;
  return path_join(buffers[next++ % 4], scratch, name);
}

/* Running out of memory leaks what the failed call held: memory.h says so, and the leak checker is told. */
void __lsan_disable(void) __attribute__((weak));
void __lsan_enable(void) __attribute__((weak));
static inline void leaks_allowed(bool allowed) {
  if (allowed && __lsan_disable) __lsan_disable();
  if (!allowed && __lsan_enable) __lsan_enable();
}

#endif
