/* integers.h - minimum, maximum and rounded quotient of int64_t. */
#ifndef BASE_INTEGERS_H
#define BASE_INTEGERS_H

#include <stdint.h>

static inline int64_t int64_min(int64_t a, int64_t b) {
  return a < b ? a : b;
}
static inline int64_t int64_max(int64_t a, int64_t b) {
  return a > b ? a : b;
}
/* a / b, rounded up. */
static inline int64_t ceil_div(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}

#endif
