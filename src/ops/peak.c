#include "ops/peak.h"

#include "base/memory.h"
#include "base/threads.h"
#include "kernels/kernels.h"

enum { BURST = 1 << 19, MOST = 256 };

typedef struct Burst {
  double operations[MOST];
} Burst;

static void burst(void *arg, int64_t begin, int64_t end) {
  Burst *b = arg;
  float sink[3] = {0.999f, 0.001f, 0};
  for (int64_t i = begin; i < end; i++) b->operations[i] = kernels->fma_burst(BURST, sink);
}

double machine_peak_flops(int threads) {
  Burst b = {{0}};
  double best = 0;
  if (threads > MOST) threads = MOST;
  const double begin = clock_seconds();
  while (clock_seconds() - begin < 0.15) { /* time for the processor to wake and the threads to spread */
    const double start = clock_seconds();
    parallel_for(threads, burst, &b);
    double operations = 0;
    for (int k = 0; k < threads; k++) operations += b.operations[k];
    const double now = operations / (clock_seconds() - start);
    if (now > best) best = now;
  }
  return best;
}

enum { PIECES = 64 };
static const int64_t piece_floats = 1 << 20;

typedef struct Reading {
  const float *data;
  float sums[PIECES];
} Reading;

static void read_pieces(void *arg, int64_t begin, int64_t end) {
  Reading *r = arg;
  for (int64_t i = begin; i < end; i++) r->sums[i] = kernels->sum(r->data + i * piece_floats, piece_floats);
}

double machine_memory_bandwidth(void) {
  Reading r = {.data = mem_alloc_zeroed(PIECES * (size_t)piece_floats, sizeof(float))};
  double best = 0;
  for (int i = 0; i < 4; i++) {
    const double start = clock_seconds();
    parallel_for(PIECES, read_pieces, &r);
    const double now = (double)PIECES * (double)piece_floats * sizeof(float) / (clock_seconds() - start);
    if (now > best) best = now;
  }
  mem_free((void *)(uintptr_t)r.data);
  return best;
}
