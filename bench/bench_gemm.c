/* bench_gemm.c - the matrix products of training and decoding: GFLOP/s and share of the machine's FMA peak,
 * for f32, for bf16 (share of the bf16 peak) if the processor supports it, and for oneDNN's f32, run
 * alternately.
 *
 *   bench_gemm [threads [seconds per line [in out rows]...]]    (in out rows: layers to measure instead)
 *
 * A single thread is timed by its processor time, to reduce disturbance by other processes; the best repeat
 * counts. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/random.h"
#include "base/threads.h"
#include "kernels/kernels.h"
#include "ops/gemm.h"
#include "ops/peak.h"

#ifdef INKSTONE_HAVE_ONEDNN
#include <omp.h>
#include <oneapi/dnnl/dnnl.h>
#endif

typedef struct Shape {
  const char *form;
  bool ta, tb;
  int64_t m, n, k;
} Shape;

typedef void Run(const Shape *, const float *, const float *, float *);

static void run_own(const Shape *s, const float *a, const float *b, float *c) {
  gemm(s->ta, s->tb, s->m, s->n, s->k, a, s->ta ? s->m : s->k, b, s->tb ? s->k : s->n, 0, c, s->n);
}

static void run_bf16(const Shape *s, const float *a, const float *b, float *c) {
  gemm_precise(PRECISION_BF16, s->ta, s->tb, s->m, s->n, s->k, a, s->ta ? s->m : s->k, b, s->tb ? s->k : s->n,
               0, c, s->n);
}

static void run_onednn(const Shape *s, const float *a, const float *b, float *c) {
#ifdef INKSTONE_HAVE_ONEDNN
  dnnl_sgemm(s->ta ? 'T' : 'N', s->tb ? 'T' : 'N', s->m, s->n, s->k, 1, a, s->ta ? s->m : s->k, b,
             s->tb ? s->k : s->n, 0, c, s->n);
#endif
}

enum { RUNS = 3 };
static const struct {
  const char *name;
  Run *run;
  Precision precision;
} runs[RUNS] = {{"own", run_own, PRECISION_F32},
                {"bf16", run_bf16, PRECISION_BF16},
                {"oneDNN", run_onednn, PRECISION_F32}};

static bool runs_here(int run) {
  if (runs[run].precision == PRECISION_BF16) return kernels->has_bf16();
#ifdef INKSTONE_HAVE_ONEDNN
  return true;
#else
  return runs[run].run != run_onednn;
#endif
}

/* Processor time of a single thread; with several threads, which wait for each other, wall time. */
static double seconds(void) {
  struct timespec t;
  clock_gettime(threads_count() == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static float *matrix(int64_t count) {
  static uint64_t draws;
  float *x = mem_alloc((size_t)count * sizeof *x);
  for (int64_t i = 0; i < count; i++) x[i] = (float)(random_mix(draws++) >> 40) * 0x1p-24f - 0.5f;
  return x;
}

static struct {
  double peak[RUNS], limit; /* FLOP/s; seconds per line */
  double logs[RUNS];        /* sums of logarithms of the shares of the peak */
  int lines;                /* number of summands: products of more than one row */
} bench = {.limit = 0.15};

/* Microseconds to wait until OpenMP's idle threads have stopped spinning on the processors. */
enum { SPINNING = 5000 };

static void measure(Shape s) {
  float *a = matrix(s.m * s.k), *b = matrix(s.k * s.n), *c = matrix(s.m * s.n);
  const double work = 2.0 * (double)s.m * (double)s.n * (double)s.k, start = clock_seconds();
  double best[RUNS] = {0};
  for (int i = 0; i < 3 || clock_seconds() - start < bench.limit; i++)
    for (int r = 0; r < RUNS; r++) {
      if (!runs_here(r)) continue;
      const double before = seconds();
      runs[r].run(&s, a, b, c);
      best[r] = fmax(best[r], work / fmax(seconds() - before, 1e-9));
      usleep(SPINNING);
    }
  printf("%s %6lld %6lld %6lld", s.form, (long long)s.m, (long long)s.n, (long long)s.k);
  for (int r = 0; r < RUNS; r++)
    if (runs_here(r))
      printf("   %s %7.1f GFLOP/s %5.1f %%", runs[r].name, best[r] * 1e-9, 100 * best[r] / bench.peak[r]);
  printf("\n");
  bench.lines += s.m > 1;
  for (int r = 0; r < RUNS; r++) bench.logs[r] += s.m > 1 ? log(best[r] / bench.peak[r]) : 0;
  mem_free(a);
  mem_free(b);
  mem_free(c);
}

/* A linear layer from `in` to `out` over m rows: forward, and the gradients of input and weight. */
static void measure_layer(int64_t in, int64_t out, int64_t m) {
  measure((Shape){"NT", false, true, m, out, in});
  if (m == 1) return;
  measure((Shape){"NN", false, false, m, in, out});
  measure((Shape){"TN", true, false, out, in, m});
}

int main(int argc, char **argv) {
  static const int64_t layers[][2] = {{128, 256}, {256, 688}, {384, 1536}, {768, 3072}};
  static const int64_t rows[] = {1, 4, 64, 256, 1024, 4096}, few[] = {1, 64, 256};
  if (argc > 1) threads_set(atoi(argv[1]));
  if (argc > 2) bench.limit = atof(argv[2]);
#ifdef INKSTONE_HAVE_ONEDNN
  omp_set_num_threads(threads_count());
#endif
  for (int r = 0; r < RUNS; r++) bench.peak[r] = machine_peak_flops(threads_count(), runs[r].precision);
  printf("%s, %d threads, peak of f32 %.1f GFLOP/s, of bf16 %.1f, memory %.1f GB/s\n", kernels->isa,
         threads_count(), bench.peak[0] * 1e-9, bench.peak[1] * 1e-9, machine_memory_bandwidth() * 1e-9);
  printf("form     m      n      k   (NT forward, NN gradient of the input, TN gradient of the weight)\n");
  for (int i = 3; i + 2 < argc; i += 3) measure_layer(atoll(argv[i]), atoll(argv[i + 1]), atoll(argv[i + 2]));
  for (size_t l = 0; l < sizeof layers / sizeof *layers && argc <= 3; l++)
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++)
      measure_layer(layers[l][0], layers[l][1], rows[r]);
  for (size_t r = 0; r < sizeof few / sizeof *few && argc <= 3; r++) measure_layer(384, 50304, few[r]);
  printf("geometric mean of the products of several rows, %% of the peak:");
  for (int r = 0; r < RUNS; r++)
    if (runs_here(r)) printf("   %s %.1f", runs[r].name, 100 * exp(bench.logs[r] / bench.lines));
  printf("\n");
  return 0;
}
