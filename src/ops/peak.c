#include "ops/peak.h"

#include <unistd.h>

#include "base/memory.h"
#include "base/threads.h"
#include "kernels/kernels.h"

enum { BURST = 1 << 19, MOST = 256 };

typedef struct Burst {
  double (*run)(int64_t iterations, float *sink);
  double operations[MOST];
} Burst;

static void burst(void *arg, int64_t begin, int64_t end) {
  Burst *b = arg;
  float sink[3] = {0.999f, 0.001f, 0};
  for (int64_t i = begin; i < end; i++) b->operations[i] = b->run(BURST, sink);
}

static double peak_of(int threads, double (*run)(int64_t iterations, float *sink)) {
  Burst b = {.run = run};
  double best = 0;
  if (threads > MOST) threads = MOST;
  const double begin = clock_seconds();
  while (clock_seconds() - begin < 0.15) { /* time for clock frequency and thread placement to settle */
    const double start = clock_seconds();
    parallel_for(threads, burst, &b);
    double operations = 0;
    for (int k = 0; k < threads; k++) operations += b.operations[k];
    const double now = operations / (clock_seconds() - start);
    if (now > best) best = now;
  }
  return best;
}

double machine_peak_flops(int threads, Precision precision) {
  const bool pairs = precision == PRECISION_BF16 && kernels->has_bf16();
  return peak_of(threads, pairs ? kernels->pairs_burst : kernels->fma_burst);
}

double machine_peak_integers(int threads) {
  return peak_of(threads, kernels->levels_burst);
}

/* ---- reading ---- */

typedef struct Reading {
  const float *data;
  int64_t floats, rounds; /* per thread */
  float sums[MOST];
} Reading;

static void read_rounds(void *arg, int64_t begin, int64_t end) {
  Reading *r = arg;
  for (int64_t i = begin; i < end; i++)
    for (int64_t k = 0; k < r->rounds; k++)
      r->sums[i] += kernels->read_burst(r->data + i * r->floats, r->floats);
}

static double read_once(Reading *r, int threads) {
  const double start = clock_seconds();
  parallel_for(threads, read_rounds, r);
  return (double)threads * (double)r->rounds * (double)r->floats * sizeof(float) / (clock_seconds() - start);
}

/* Bytes read per measurement: enough for the start of the threads not to matter. */
static const int64_t least_bytes = 64 << 20;

double machine_read_bandwidth(int64_t bytes) {
  const int threads = threads_count() < MOST ? threads_count() : MOST;
  Reading r = {.floats = (bytes + 511) / 512 * 128, .rounds = (least_bytes + bytes - 1) / bytes};
  r.data = mem_alloc_zeroed((size_t)(threads * r.floats), sizeof(float));
  double best = 0;
  for (int i = 0; i < 4; i++) {
    const double now = read_once(&r, threads);
    if (now > best) best = now;
  }
  mem_free((void *)(uintptr_t)r.data);
  return best;
}

double machine_memory_bandwidth(void) {
  return machine_read_bandwidth((256 << 20) / threads_count());
}

int64_t machine_cache(int level) {
  static const int64_t usual[] = {32 << 10, 512 << 10, 8 << 20};
#ifdef _SC_LEVEL1_DCACHE_SIZE
  static const int names[] = {_SC_LEVEL1_DCACHE_SIZE, _SC_LEVEL2_CACHE_SIZE, _SC_LEVEL3_CACHE_SIZE};
  const int64_t bytes = sysconf(names[level - 1]);
#else /* musl */
  const int64_t bytes = 0;
#endif
  return (bytes > 0 ? bytes : usual[level - 1]) / (level == 3 ? threads_count() : 1);
}
