#include "ops/gemm_integers.h"

#include "base/integers.h"
#include "base/threads.h"
#include "kernels/kernels.h"
#include "ops/panels.h"
#include "ops/prefetch.h"
#include "ops/scratch.h"

enum { MOST_ROWS = 256 }; /* of A that a panel of B is multiplied by at a time; they stay in the L2 cache */

typedef struct Work {
  int64_t m, k, lda;
  const float *a;
  Integers integers; /* A */
  const IntegerProduct *products;
  int64_t panels, pieces; /* column panels of all products, and pieces of the rows */
} Work;

bool packed_in_blocks(const Packed *b) {
  return kernels->types[b->type].unpack != NULL;
}

static int64_t panels_of(const Packed *b) {
  return (b->n + kernels->gemm_nr() - 1) / kernels->gemm_nr();
}

static Integers integers_from(const Work *x, int64_t row, int64_t first) {
  Integers a = x->integers;
  const int64_t at = row * a.k + first;
  a.q += at, a.runs += at / 32;
  a.outliers += row * outliers_of(a.k) + first / LEVELS_STEPS;
  return a;
}

static void quantize_rows(void *arg, int64_t begin, int64_t end) {
  const Work *x = arg;
  for (int64_t i = begin; i < end; i++) {
    const Integers a = integers_from(x, i, 0);
    kernels->quantize((int8_t *)a.q, (IntegerRun *)a.runs, (Outliers *)a.outliers, x->a + i * x->lda, x->k);
  }
}

/* The caller returns the scratch that holds them. */
static Scratch *quantize(Work *x, bool serial) {
  const int64_t count = x->m * x->k, integers = count / 4,
                runs = count / 32 * (int64_t)(sizeof(IntegerRun) / sizeof(float)),
                outliers = x->m * outliers_of(x->k) * (int64_t)(sizeof(Outliers) / sizeof(float));
  Scratch *scratch = scratch_take(integers + runs + outliers);
  float *at = scratch->data;
  x->integers = (Integers){.runs = (IntegerRun *)(void *)at,
                           .q = (int8_t *)(at + runs),
                           .outliers = (Outliers *)(void *)(at + runs + integers),
                           .k = x->k};
  if (serial)
    quantize_rows(x, 0, x->m);
  else
    parallel_for(x->m, quantize_rows, x);
  return scratch;
}

/* While a panel is multiplied by blocks of rows, the one behind it, which is most often the next, is fetched,
 * a few cache lines with each block. */
static int64_t lines_ahead(const Packed *b, int64_t steps, int64_t blocks) {
  const size_t lines = type_bytes(b->type, steps * kernels->gemm_nr()) / CACHE_LINE;
  return b->panels ? ceil_div((int64_t)lines, blocks) : 0;
}

static void prefetch_lines(const char *at, int64_t lines) {
  for (int64_t i = 0; i < lines; i++) __builtin_prefetch(at + i * CACHE_LINE);
}

/* The columns of a panel for LEVELS_STEPS steps from `first`, which are added to C from the second time on.
 */
static void multiply_steps(const Work *x, const IntegerProduct *p, int64_t column, int64_t first, int64_t row,
                           int64_t end) {
  Levels *levels = &panels_of_thread()->levels;
  const TypeKernels *type = &kernels->types[p->b->type];
  const void *panel = packed_panel(p->b, column, first);
  const int64_t steps = int64_min(LEVELS_STEPS, x->k - first), mr = kernels->levels_mr(),
                columns = int64_min(kernels->gemm_nr(), p->b->n - column);
  const int64_t lines = x->m > 1 ? lines_ahead(p->b, steps, ceil_div(end - row, mr)) : 0;
  const char *next = (const char *)panel + type_bytes(p->b->type, steps * kernels->gemm_nr());
  if (x->m > 1) type->unpack(levels, panel, steps);
  for (; row < end; row += mr, next += lines * CACHE_LINE) {
    prefetch_lines(next, lines);
    const Integers a = integers_from(x, row, first);
    float *c = p->c + row * p->ldc + column;
    const float *from = first ? c : p->from ? p->from + row * p->ldfrom + column : NULL;
    if (x->m > 1)
      kernels->gemm_levels(c, p->ldc, from, first ? p->ldc : p->ldfrom, &a, levels, steps,
                           int64_min(mr, end - row), columns);
    else
      type->row_of_integers(c, from, &a, panel, steps, columns);
  }
}

static int64_t first_row(const Work *x, int64_t piece) {
  const int64_t mr = kernels->levels_mr(), blocks = (x->m + mr - 1) / mr;
  return int64_min(blocks * piece / x->pieces * mr, x->m);
}

/* Tasks are (piece of the rows, panel), panels fastest. */
static void multiply_panels(void *arg, int64_t begin, int64_t end) {
  const Work *x = arg;
  for (int64_t task = begin; task < end; task++) {
    const int64_t piece = task / x->panels;
    int64_t panel = task % x->panels;
    const IntegerProduct *p = x->products;
    for (; panel >= panels_of(p->b); p++) panel -= panels_of(p->b);
    for (int64_t first = 0; first < x->k; first += LEVELS_STEPS)
      multiply_steps(x, p, panel * kernels->gemm_nr(), first, first_row(x, piece), first_row(x, piece + 1));
  }
}

/* Few tasks would not keep all threads busy. */
static int64_t pieces_of(const Work *x, bool serial) {
  const int64_t mr = kernels->levels_mr(), tasks = serial ? 1 : 4 * threads_count();
  int64_t pieces = (x->m + MOST_ROWS - 1) / MOST_ROWS;
  if (x->panels * pieces < tasks) pieces = (tasks + x->panels - 1) / x->panels;
  return int64_min(pieces, (x->m + mr - 1) / mr);
}

void gemm_integers(int64_t m, const float *a, int64_t lda, const IntegerProduct *products, int count,
                   bool serial) {
  Work x = {.m = m, .k = products->b->k, .lda = lda, .a = a, .products = products};
  for (int i = 0; i < count; i++) x.panels += panels_of(products[i].b);
  x.pieces = pieces_of(&x, serial);
  Scratch *scratch = quantize(&x, serial);
  if (serial)
    multiply_panels(&x, 0, x.panels * x.pieces);
  else
    parallel_for(x.panels * x.pieces, multiply_panels, &x);
  scratch_return(scratch);
}
