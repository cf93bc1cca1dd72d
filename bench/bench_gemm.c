/* bench_gemm.c - dense products of training: GFLOP/s, share of the machine's FMA peak, and oneDNN beside, in one run. */
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/random.h"
#include "base/threads.h"
#include "kernels/kernels.h"
#include "ops/gemm.h"
#include "ops/peak.h"

#ifdef INKSTONE_HAVE_ONEDNN
#include <oneapi/dnnl/dnnl.h>
#endif

static float *matrix(int64_t count, const char *name) {
  float *x = mem_alloc((size_t)count * sizeof *x);
  for (int64_t i = 0; i < count; i++) x[i] = (float)random_unit(1, random_stream(name), (uint64_t)i) - 0.5f;
  return x;
}

typedef struct Shape {
  const char *form;
  bool ta, tb;
  int64_t m, n, k;
} Shape;

typedef void Run(const Shape *, const float *, const float *, float *);

static void run_own(const Shape *s, const float *a, const float *b, float *c) {
  gemm(s->ta, s->tb, s->m, s->n, s->k, a, s->ta ? s->m : s->k, b, s->tb ? s->k : s->n, 0, c, s->n);
}

#ifdef INKSTONE_HAVE_ONEDNN
static void run_onednn(const Shape *s, const float *a, const float *b, float *c) {
  dnnl_sgemm(s->ta ? 'T' : 'N', s->tb ? 'T' : 'N', s->m, s->n, s->k, 1, a, s->ta ? s->m : s->k, b,
             s->tb ? s->k : s->n, 0, c, s->n);
}
#endif

/* Best of repeats within about 60 ms: others share this machine. */
static double rate(Run *run, const Shape *s, const float *a, const float *b, float *c) {
  const double work = 2.0 * (double)s->m * (double)s->n * (double)s->k, start = clock_seconds();
  double best = 0;
  for (int i = 0; i < 3 || (clock_seconds() - start < 0.06 && i < 2000); i++) {
    const double t = clock_seconds();
    run(s, a, b, c);
    const double now = work / (clock_seconds() - t);
    if (now > best) best = now;
  }
  return best;
}

static void measure(Shape s, double peak) {
  float *a = matrix(s.m * s.k, "a"), *b = matrix(s.k * s.n, "b"), *c = matrix(s.m * s.n, "c");
  const double own = rate(run_own, &s, a, b, c);
  printf("%s %6lld %6lld %6lld  own %7.1f GFLOP/s %5.1f %%", s.form, (long long)s.m, (long long)s.n, (long long)s.k,
         own * 1e-9, 100 * own / peak);
#ifdef INKSTONE_HAVE_ONEDNN
  const double other = rate(run_onednn, &s, a, b, c);
  printf("   oneDNN %7.1f %5.1f %%   ratio %.2f", other * 1e-9, 100 * other / peak, own / other);
#endif
  printf("\n");
  mem_free(a);
  mem_free(b);
  mem_free(c);
}

int main(int argc, char **argv) {
  static const int64_t widths[][2] = {{128, 256}, {256, 688}, {384, 1536}, {768, 3072}};
  static const int64_t rows[] = {1, 64, 256, 1024};
  if (argc > 1) threads_set(atoi(argv[1]));
  const double peak = machine_peak_flops(threads_count());
  printf("%s, %d threads, FMA peak %.1f GFLOP/s, memory %.1f GB/s\n", kernels->isa, threads_count(), peak * 1e-9,
         machine_memory_bandwidth() * 1e-9);
  printf("form     m      n      k   (NT forward, NN gradient of the input, TN gradient of the weight)\n");
  for (size_t w = 0; w < sizeof widths / sizeof *widths; w++)
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
      const int64_t in = widths[w][0], out = widths[w][1], n = rows[r];
      measure((Shape){"NT", false, true, n, out, in}, peak);
      if (n == 1) continue;
      measure((Shape){"NN", false, false, n, in, out}, peak);
      measure((Shape){"TN", true, false, out, in, n}, peak);
    }
  measure((Shape){"NT", false, true, 64, 50304, 384}, peak);
  measure((Shape){"NT", false, true, 1, 50304, 384}, peak);
  return 0;
}
