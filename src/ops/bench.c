#include "ops/bench.h"

#include <stdlib.h>
#include <string.h>

#include "base/threads.h"
#include "ops/sample.h"

static const Op *op_find(const char *name) {
  for (int i = 0; i < op_count; i++)
    if (!strcmp(op_table[i]->name, name)) return op_table[i];
  return NULL;
}

static int compare(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double time_once(OpSampler *s, const Op *op) {
  sample_run(s, op);
  const double begin = clock_seconds();
  sample_backward(s);
  return s->forward_seconds + clock_seconds() - begin;
}

bool op_bench(const char *name, int repeats, double *seconds, double *flops) {
  const Op *op = op_find(name);
  if (!op) return false;
  OpSampler s = {.tape = tape_new(false), .large = true, .frozen = -1, .moved = -1};
  double *times = mem_alloc((size_t)repeats * sizeof *times);
  time_once(&s, op); /* warm-up: touches the memory */
  for (int i = 0; i < repeats; i++) times[i] = time_once(&s, op);
  qsort(times, (size_t)repeats, sizeof *times, compare);
  *seconds = times[repeats / 2];
  *flops =
      3 * tape_flops(s.tape); /* backward computes two products for each one: for the input and the weight */
  mem_free(times);
  tape_free(s.tape);
  return true;
}
