/* gemm.c - dense products, packed and blocked in the way of Goto & van de Geijn (2008).
 *
 * C is cut into panels of gemm_nr columns and blocks of gemm_mr rows. For KC steps of k at a time, a panel of
 * B (which then stays in the first cache) meets one panel of A after the other. Each element of C is the sum
 * of its KC-long partial sums in order, and each of those runs over k in order, whatever m, n, the place in C
 * or the number of threads: a row alone gives the bits it gives in a batch. With bf16 it is pairs_mr rows and
 * KC_BF16 steps, and a partial sum runs over k in an order of the kernel's own. Why not a library:
 * docs/decisions/0003-dense-products.md. */
#include "ops/gemm.h"

#include <stdatomic.h>
#include <string.h>

#include "base/integers.h"
#include "base/memory.h"
#include "base/threads.h"
#include "kernels/kernels.h"
#include "ops/peak.h"
#include "ops/prefetch.h"

enum {
  KC = PACKED_STEPS,      /* steps of k at a time, */
  KC_BF16 = PAIRED_STEPS, /* of bf16 */
  MC = 112,               /* rows of A a single thread packs at a time */
  TALLEST = 32,           /* largest gemm_mr or pairs_mr */
  FEW = 4,                /* rows for which packing B would cost more than it saves */
  NARROW = 8,             /* panels of columns for which packing A would */
  FAR = 512 /* floats: rows this far apart, or a multiple of it, share places in the first cache */
};

typedef struct Product {
  Precision precision;
  int64_t most_steps; /* of k at a time */
  bool transpose_a;
  int64_t m, n, k;
  const float *a, *b; /* b: of floats that were not packed before */
  int64_t lda, ldb;
  Stored stored;        /* B */
  const Packed *before; /* as it was packed before; NULL: it was not */
  const float *block_b; /* this block of B, packed by all for all: [column panels][panel_rows][nr], or NULL */
  float *c;
  int64_t ldc;
  const float *from; /* what the product is added to: C itself, a bias (ldfrom 0), or NULL for nothing */
  int64_t ldfrom;
  int64_t mr, nr;                      /* of the kernels in use */
  float *packed;                       /* this block of A, or of B: [panels][panel_rows][mr or nr] */
  int64_t row_panels, pieces, columns; /* row panels, pieces they are cut into, and column panels */
  int64_t first, steps;                /* the block of k being worked on */
} Product;

static int64_t ceil_div(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}

/* Floats of a block of B that stay in a second cache beside a chunk of A. No bit of a product depends on it.
 * For bf16 half of that cache: of 2 MB, a Xeon's, that made training a tenth faster, and f32 no faster
 * (docs/log.md). */
static int64_t resident(const Product *x) {
  enum { FLOATS = 1 << 16 };
  static _Atomic int64_t kept; /* asking the system takes longer than a small product */
  if (x->precision == PRECISION_F32) return FLOATS;
  int64_t floats = atomic_load_explicit(&kept, memory_order_relaxed);
  if (floats) return floats;
  floats = machine_cache(2) / 2 / (int64_t)sizeof(float);
  if (floats < FLOATS) floats = FLOATS;
  atomic_store_explicit(&kept, floats, memory_order_relaxed);
  return floats;
}

/* Rows of a panel: two steps of bf16 take the place of one of f32. */
static int64_t panel_rows(const Product *x, int64_t steps) {
  return x->precision == PRECISION_BF16 ? kernels->pair_steps(steps) : steps;
}

/* Of the longest. */
static int64_t most_panel_rows(const Product *x) {
  return panel_rows(x, int64_min(x->most_steps, x->k));
}

/* Panels being worked on; a thread's own, so that parallel bodies need not allocate. */
static _Thread_local float panel_b[KC_BF16 / 2 * PACKED_WIDEST] __attribute__((aligned(64)));
static _Thread_local float panels_a[KC_BF16 / 2 * (MC + TALLEST)] __attribute__((aligned(64)));

/* ---- what is needed next ---- */

/* Rows of op(A); none beyond its last. */
static Prefetch prefetch_a(const Product *x, int64_t row, int64_t rows, int64_t first, int64_t steps) {
  const int64_t there = int64_min(rows, x->m - row);
  if (there <= 0) return (Prefetch){0};
  if (x->transpose_a) return prefetch_rows(TENSOR_F32, x->a, x->lda, first, row, steps, there);
  return prefetch_rows(TENSOR_F32, x->a, x->lda, row, first, there, steps);
}

/* Columns of op(B), as it is stored. */
static Prefetch prefetch_b(const Product *x, int64_t column, int64_t columns, int64_t first, int64_t steps) {
  const Stored *b = &x->stored;
  const int64_t there = int64_min(columns, x->n - column);
  if (there <= 0) return (Prefetch){0};
  if (b->transposed) return prefetch_rows(b->type, b->at, b->ld, column, first, there, steps);
  return prefetch_rows(b->type, b->at, b->ld, first, column, steps, there);
}

static void pack_a(const Product *x, float *out, int64_t row, int64_t first, int64_t steps) {
  const int64_t rows = int64_min(x->mr, x->m - row);
  const float *in = x->a + (x->transpose_a ? first * x->lda + row : row * x->lda + first);
  if (x->precision == PRECISION_BF16)
    kernels->pairs_a((uint32_t *)(void *)out, in, x->lda, !x->transpose_a, rows, steps);
  else if (x->transpose_a)
    kernels->pack_rows(out, in, x->lda, steps, rows, x->mr);
  else
    kernels->pack_transposed(out, in, x->lda, rows, steps, x->mr);
}

static void pack_b(const Product *x, float *out, int64_t column, int64_t first, int64_t steps) {
  if (x->precision == PRECISION_BF16)
    stored_pairs(&x->stored, (uint32_t *)(void *)out, column, first, steps);
  else
    stored_panel(&x->stored, out, column, first, steps);
}

/* Whether A and B may be multiplied from where they lie, unpacked. */
static bool lies_ready(const Product *x) {
  return x->precision == PRECISION_F32;
}

/* A panel of B to multiply with, and its row stride. */
typedef struct PanelB {
  const float *at;
  int64_t stride;
} PanelB;

/* Of a B packed before; other types than f32 are widened into `scratch`. */
static PanelB panel_before(const Product *x, float *scratch, int64_t column, int64_t first, int64_t steps) {
  const void *panel = packed_panel(x->before, column, first);
  if (x->before->type == TENSOR_F32) return (PanelB){panel, x->nr};
  kernels->types[x->before->type].widen_panel(scratch, panel, steps);
  return (PanelB){scratch, x->nr};
}

/* Packs into `scratch`, unless that was done before; but for a few rows a whole panel is used where it lies,
 * if its columns lie side by side. */
static PanelB panel_of_b(const Product *x, float *scratch, int64_t column, int64_t first, int64_t steps) {
  if (x->before) return panel_before(x, scratch, column, first, steps);
  if (x->block_b) return (PanelB){x->block_b + column * panel_rows(x, steps), x->nr};
  if (lies_ready(x) && x->m <= FEW && x->b && !x->stored.transposed && column + x->nr <= x->n)
    return (PanelB){x->b + first * x->ldb + column, x->ldb};
  pack_b(x, scratch, column, first, steps);
  return (PanelB){scratch, x->nr};
}

/* Whether A is read where it lies: its rows run along k, meet so few columns that packing would not pay, and
 * are not so far apart that all of them would fall on a few places of the first cache. */
static bool lies_as_needed(const Product *x) {
  return lies_ready(x) && !x->transpose_a && x->n <= NARROW * x->nr && x->lda % FAR;
}

/* `packed`: where the row panel was packed to, if it was. */
static void multiply(const Product *x, const float *packed, PanelB b, int64_t row, int64_t column,
                     int64_t first, int64_t steps) {
  const bool as_it_lies = lies_as_needed(x);
  float *c = x->c + row * x->ldc + column;
  const float *from = first ? c : x->from ? x->from + row * x->ldfrom + column : NULL;
  if (x->precision == PRECISION_BF16) {
    kernels->gemm_pairs(c, x->ldc, from, first ? x->ldc : x->ldfrom, (const uint32_t *)(const void *)packed,
                        (const uint32_t *)(const void *)b.at, panel_rows(x, steps),
                        int64_min(x->mr, x->m - row), int64_min(x->nr, x->n - column));
    return;
  }
  kernels->gemm_block(c, x->ldc, from, first ? x->ldc : x->ldfrom,
                      as_it_lies ? x->a + row * x->lda + first : packed, as_it_lies ? x->lda : 0, b.at,
                      b.stride, steps, int64_min(x->mr, x->m - row), int64_min(x->nr, x->n - column));
}

/* No steps: what the product would be added to is all there is. */
static void multiply_nothing(const Product *x) {
  for (int64_t i = 0; i < x->m && x->from != x->c; i++)
    if (x->from)
      memcpy(x->c + i * x->ldc, x->from + i * x->ldfrom, (size_t)x->n * sizeof(float));
    else
      memset(x->c + i * x->ldc, 0, (size_t)x->n * sizeof(float));
}

/* ---- a single row: the whole time goes into reading B, so nothing is packed for it ---- */

static bool is_row(const Product *x) {
  return lies_ready(x) && x->m == 1 && !x->transpose_a && ((x->b && x->stored.transposed) || x->before);
}

static void row_before(const Product *x, int64_t column, int64_t first, int64_t columns) {
  const void *panels = packed_panel(x->before, column, first);
  const float *a = x->a + first;
  float *c = x->c + column;
  const float *from = first ? c : x->from ? x->from + column : NULL;
  const int64_t steps = int64_min(KC, x->k - first);
  kernels->types[x->before->type].row(c, from, a, panels, steps, columns);
}

static void row_as_it_lies(const Product *x, int64_t column, int64_t first, int64_t columns) {
  float *c = x->c + column;
  const float *from = first ? c : x->from ? x->from + column : NULL;
  kernels->gemm_row(c, from, x->a + first, x->b + column * x->ldb + first, x->ldb,
                    int64_min(KC, x->k - first), columns);
}

/* Stretches of columns: of so many panels as are best read side by side where they were packed before, else
 * of one, whose rows are read to their end. */
static int64_t columns_at_once(const Product *x) {
  return x->before ? ROW_PANELS * x->nr : x->nr;
}

static void multiply_row(void *arg, int64_t begin, int64_t end) {
  const Product *x = arg;
  const int64_t width = columns_at_once(x), to = int64_min(end * width, x->n);
  if (x->before)
    for (int64_t first = 0; first < x->k; first += KC)
      row_before(x, begin * width, first, to - begin * width);
  else
    for (int64_t column = begin * width; column < to; column += width)
      for (int64_t first = 0; first < x->k; first += KC)
        row_as_it_lies(x, column, first, int64_min(width, to - column));
}

/* A row times rows that lie as they are needed: partial sums in the order of all others, nothing packed. */
static bool is_sum_of_rows(const Product *x) {
  return lies_ready(x) && x->m == 1 && !x->transpose_a && x->b && !x->stored.transposed && !x->from;
}

enum { PART = 256 }; /* columns at a time where there are several partial sums */

static void sum_rows(const Product *x) {
  float part[PART];
  kernels->sum_rows(x->c, x->a, x->b, x->ldb, int64_min(KC, x->k), x->n);
  for (int64_t first = KC; first < x->k; first += KC)
    for (int64_t column = 0; column < x->n; column += PART) {
      const int64_t columns = int64_min(PART, x->n - column);
      kernels->sum_rows(part, x->a + first, x->b + first * x->ldb + column, x->ldb,
                        int64_min(KC, x->k - first), columns);
      kernels->add(x->c + column, part, columns);
    }
}

/* ---- on one thread ---- */

/* The rows of A to be met next: these ones at the next steps, if all of A stays near for so long, else those
 * that follow. */
static Prefetch next_rows(const Product *x, int64_t from, int64_t to, int64_t first, int64_t steps) {
  const int64_t after = first + steps;
  if (after < x->k && x->m * x->most_steps <= 2 * resident(x))
    return prefetch_a(x, from, to - from, after, int64_min(x->most_steps, x->k - after));
  return prefetch_a(x, to, to - from, first, steps);
}

/* Of the block of B to be packed next by all for all, as many rows as these are of A's. */
static Prefetch next_block(const Product *x, int64_t from, int64_t to, int64_t first, int64_t steps) {
  const int64_t after = first + steps;
  if (!x->block_b || after >= x->k) return (Prefetch){0};
  Prefetch s = prefetch_b(x, 0, x->n, after, int64_min(x->most_steps, x->k - after));
  const int64_t begin = s.rows * from / x->m, end = s.rows * to / x->m;
  s.row += begin * s.stride;
  s.rows = end - begin;
  return s;
}

static void serial_rows(const Product *x, int64_t from, int64_t to, int64_t first, int64_t steps) {
  const int64_t length = panel_rows(x, steps), blocks = ceil_div(to - from, x->mr) * ceil_div(x->n, x->nr);
  Prefetch next_a = prefetch_in(next_rows(x, from, to, first, steps), blocks);
  Prefetch next_b = prefetch_in(next_block(x, from, to, first, steps), blocks);
  for (int64_t row = from; row < to && !lies_as_needed(x); row += x->mr)
    pack_a(x, panels_a + (row - from) * length, row, first, steps);
  for (int64_t column = 0; column < x->n; column += x->nr) {
    const PanelB b = panel_of_b(x, panel_b, column, first, steps);
    for (int64_t row = from; row < to; row += x->mr) {
      prefetch_some(&next_a);
      prefetch_some(&next_b);
      multiply(x, panels_a + (row - from) * length, b, row, column, first, steps);
    }
  }
}

static void run_serial(Product x) {
  if (x.n <= 0) return;
  if (x.k == 0) multiply_nothing(&x);
  if (is_row(&x)) {
    multiply_row(&x, 0, ceil_div(x.n, columns_at_once(&x)));
    return;
  }
  if (is_sum_of_rows(&x)) {
    sum_rows(&x);
    return;
  }
  const int64_t chunk = MC / x.mr * x.mr;
  for (int64_t first = 0; first < x.k; first += x.most_steps)
    for (int64_t row = 0; row < x.m; row += chunk)
      serial_rows(&x, row, int64_min(x.m, row + chunk), first, int64_min(x.most_steps, x.k - first));
}

/* ---- on all threads ---- */

/* Scratch for a packed block, kept for the next product; those that run at the same time, each on a thread of
 * its own, have one each. */
typedef VEC(float) Scratch;
enum { SPARE_SCRATCH = 16 };
static _Atomic(Scratch *) spare_scratch[SPARE_SCRATCH];

static Scratch *spare_or_new(void) {
  for (int i = 0; i < SPARE_SCRATCH; i++) {
    Scratch *scratch = atomic_load(&spare_scratch[i]) ? atomic_exchange(&spare_scratch[i], NULL) : NULL;
    if (scratch) return scratch;
  }
  return mem_alloc_zeroed(1, sizeof(Scratch));
}

static Scratch *take_scratch(int64_t floats) {
  Scratch *scratch = spare_or_new();
  vec_reserve(scratch, floats);
  return scratch;
}

static void give_scratch(Scratch *scratch) {
  for (int i = 0; i < SPARE_SCRATCH; i++) {
    Scratch *none = NULL;
    if (atomic_compare_exchange_strong(&spare_scratch[i], &none, scratch)) return;
  }
  vec_free(scratch);
  mem_free(scratch);
}

/* -- B is wide: A is packed once for all, each thread takes columns -- */

/* Where row panel `panel` of A lies for the block of k being worked on; nowhere where A is read as it is. */
static float *packed_a(const Product *x, int64_t panel) {
  return x->packed ? x->packed + panel * x->mr * panel_rows(x, x->steps) : NULL;
}

static void pack_panels(void *arg, int64_t begin, int64_t end) {
  const Product *x = arg;
  for (int64_t panel = begin; panel < end; panel++) {
    if (!x->transpose_a) prefetch_all(prefetch_a(x, (panel + 1) * x->mr, x->mr, x->first, x->steps));
    pack_a(x, packed_a(x, panel), panel * x->mr, x->first, x->steps);
  }
}

/* The panel of B that follows: as it was packed before, or as it is stored. */
static Prefetch next_panel(const Product *x, int64_t column) {
  const int64_t next = column + x->nr;
  if (!x->before) return prefetch_b(x, next, x->nr, x->first, x->steps);
  if (next >= x->n) return (Prefetch){0};
  return prefetch_rows(x->before->type, packed_panel(x->before, next, x->first), 0, 0, 0, 1,
                       x->nr * x->steps);
}

/* Task (piece of the row panels, column panel), columns running fastest. */
static void multiply_panels(void *arg, int64_t begin, int64_t end) {
  const Product *x = arg;
  for (int64_t task = begin; task < end; task++) {
    const int64_t piece = task / x->columns, column = task % x->columns * x->nr;
    const int64_t from = x->row_panels * piece / x->pieces, to = x->row_panels * (piece + 1) / x->pieces;
    const PanelB b = panel_of_b(x, panel_b, column, x->first, x->steps);
    Prefetch next = prefetch_in(next_panel(x, column), to - from);
    for (int64_t panel = from; panel < to; panel++) {
      prefetch_some(&next);
      multiply(x, packed_a(x, panel), b, panel * x->mr, column, x->first, x->steps);
    }
  }
}

static Product rows_of(Product x, int64_t row, int64_t rows) {
  x.a += x.transpose_a ? row : row * x.lda;
  x.c += row * x.ldc;
  if (x.from) x.from += row * x.ldfrom;
  x.m = rows;
  x.row_panels = ceil_div(rows, x.mr);
  return x;
}

static void run_wide_rows(Product x) {
  x.pieces = 1;
  /* few tasks for many threads: cut the rows finer, at the price of packing B more often */
  if (x.columns < 4 * threads_count()) x.pieces = ceil_div(4 * threads_count(), x.columns);
  x.pieces = int64_min(x.pieces, x.row_panels);
  Scratch *scratch =
      lies_as_needed(&x) ? NULL : take_scratch(x.row_panels * x.mr * most_panel_rows(&x) + PACKED_WIDEST);
  if (scratch) x.packed = scratch->data;
  for (x.first = 0; x.first < x.k; x.first += x.most_steps) {
    x.steps = int64_min(x.most_steps, x.k - x.first);
    if (scratch) parallel_for(x.row_panels, pack_panels, &x);
    parallel_for(x.columns * x.pieces, multiply_panels, &x);
  }
  if (scratch) give_scratch(scratch);
}

/* As many rows at a time as a second cache holds of A, or nearly: each panel of B meets them all. */
static void run_wide(Product x) {
  const int64_t most = resident(&x) / most_panel_rows(&x) / x.mr, chunks = ceil_div(x.row_panels, most);
  for (int64_t i = 0; i < chunks; i++) {
    const int64_t from = x.row_panels * i / chunks * x.mr, to = x.row_panels * (i + 1) / chunks * x.mr;
    run_wide_rows(rows_of(x, from, int64_min(to, x.m) - from));
  }
}

/* -- B is narrow: it is packed once for all and stays in everyone's second cache; each thread takes rows,
 * which it packs for itself, so that A passes through the last cache only once -- */

static bool is_narrow(const Product *x) {
  return !x->before && x->m > FEW && x->columns * x->nr * most_panel_rows(x) <= resident(x);
}

static void pack_columns(void *arg, int64_t begin, int64_t end) {
  const Product *x = arg;
  for (int64_t panel = begin; panel < end; panel++) {
    if (x->stored.transposed) prefetch_all(prefetch_b(x, (panel + 1) * x->nr, x->nr, x->first, x->steps));
    pack_b(x, x->packed + panel * x->nr * panel_rows(x, x->steps), panel * x->nr, x->first, x->steps);
  }
}

/* Task: a piece of the row panels. */
static void multiply_rows(void *arg, int64_t begin, int64_t end) {
  const Product *x = arg;
  for (int64_t piece = begin; piece < end; piece++) {
    const int64_t from = x->row_panels * piece / x->pieces, to = x->row_panels * (piece + 1) / x->pieces;
    serial_rows(x, from * x->mr, int64_min(x->m, to * x->mr), x->first, x->steps);
  }
}

static void run_narrow(Product x) {
  const int64_t most = MC / x.mr; /* panels a thread packs at a time */
  x.pieces = int64_min(x.row_panels, 4 * threads_count());
  if (x.pieces * most < x.row_panels) x.pieces = ceil_div(x.row_panels, most);
  Scratch *scratch = take_scratch(x.columns * x.nr * most_panel_rows(&x));
  x.block_b = x.packed = scratch->data;
  for (x.first = 0; x.first < x.k; x.first += x.most_steps) {
    x.steps = int64_min(x.most_steps, x.k - x.first);
    parallel_for(x.columns, pack_columns, &x);
    parallel_for(x.pieces, multiply_rows, &x);
  }
  give_scratch(scratch);
}

static void run(Product x) {
  if (x.m <= 0 || x.n <= 0) return;
  x.row_panels = ceil_div(x.m, x.mr);
  x.columns = ceil_div(x.n, x.nr);
  if (x.k == 0)
    multiply_nothing(&x);
  else if (is_row(&x))
    parallel_for(ceil_div(x.n, columns_at_once(&x)), multiply_row, &x);
  else if (is_narrow(&x))
    run_narrow(x);
  else
    run_wide(x);
}

/* ---- the products ---- */

static Product product_stored(bool transpose_a, int64_t m, int64_t n, int64_t k, const float *a, int64_t lda,
                              Stored b, float *c, int64_t ldc) {
  return (Product){.transpose_a = transpose_a,
                   .m = m,
                   .n = n,
                   .k = k,
                   .a = a,
                   .b = b.type == TENSOR_F32 ? b.at : NULL,
                   .lda = lda,
                   .most_steps = KC,
                   .ldb = b.ld,
                   .stored = b,
                   .c = c,
                   .ldc = ldc,
                   .mr = kernels->gemm_mr(),
                   .nr = kernels->gemm_nr()};
}

static Product product(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, const float *a,
                       int64_t lda, const float *b, int64_t ldb, float *c, int64_t ldc) {
  return product_stored(transpose_a, m, n, k, a, lda, (Stored){b, TENSOR_F32, transpose_b, n, ldb}, c, ldc);
}

static Product product_packed(int64_t m, const float *a, int64_t lda, const Packed *b, float *c,
                              int64_t ldc) {
  Product x = product(false, false, m, b->n, b->k, a, lda, NULL, 0, c, ldc);
  x.before = b;
  return x;
}

static Product in_precision(Product x, Precision precision) {
  x.precision = precision;
  if (precision == PRECISION_BF16) x.mr = kernels->pairs_mr(), x.most_steps = KC_BF16;
  return x;
}

static Product added_to_itself(Product x, float beta) {
  if (beta == 0) return x;
  x.from = x.c;
  x.ldfrom = x.ldc;
  return x;
}

static Product added_to_bias(Product x, const float *bias) {
  x.from = bias;
  return x;
}

void gemm(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, const float *a, int64_t lda,
          const float *b, int64_t ldb, float beta, float *c, int64_t ldc) {
  gemm_precise(PRECISION_F32, transpose_a, transpose_b, m, n, k, a, lda, b, ldb, beta, c, ldc);
}

void gemm_serial(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, const float *a,
                 int64_t lda, const float *b, int64_t ldb, float beta, float *c, int64_t ldc) {
  run_serial(added_to_itself(product(transpose_a, transpose_b, m, n, k, a, lda, b, ldb, c, ldc), beta));
}

void gemm_precise(Precision precision, bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k,
                  const float *a, int64_t lda, const float *b, int64_t ldb, float beta, float *c,
                  int64_t ldc) {
  const Product x = product(transpose_a, transpose_b, m, n, k, a, lda, b, ldb, c, ldc);
  run(added_to_itself(in_precision(x, precision), beta));
}

void gemm_stored(Precision precision, int64_t m, int64_t k, const float *a, int64_t lda, Stored b, float beta,
                 float *c, int64_t ldc) {
  const Product x = product_stored(false, m, b.n, k, a, lda, b, c, ldc);
  run(added_to_itself(in_precision(x, precision), beta));
}

void gemm_bias(Precision precision, int64_t m, int64_t k, const float *a, int64_t lda, Stored b,
               const float *bias, float *c, int64_t ldc) {
  const Product x = product_stored(false, m, b.n, k, a, lda, b, c, ldc);
  run(added_to_bias(in_precision(x, precision), bias));
}

void gemm_weight(Precision precision, PackedSet *set, bool transposed, int64_t m, const float *a,
                 const Tensor *weight, const float *bias, float *c) {
  const int64_t n = weight->shape[transposed ? 0 : 1], k = weight->shape[transposed ? 1 : 0];
  const Packed *packed = set ? packed_set_get(set, transposed, weight) : NULL;
  CHECK(!packed || precision == PRECISION_F32);
  if (packed)
    gemm_packed(m, a, k, packed, bias, c, n);
  else
    gemm_bias(precision, m, k, a, k, stored_weight(weight, transposed), bias, c, n);
}

void gemm_packed(int64_t m, const float *a, int64_t lda, const Packed *b, const float *bias, float *c,
                 int64_t ldc) {
  run(added_to_bias(product_packed(m, a, lda, b, c, ldc), bias));
}

void gemm_packed_add(int64_t m, const float *a, int64_t lda, const Packed *b, float beta, float *c,
                     int64_t ldc) {
  run(added_to_itself(product_packed(m, a, lda, b, c, ldc), beta));
}

void gemm_packed_serial(int64_t m, const float *a, int64_t lda, const Packed *b, float beta, float *c,
                        int64_t ldc) {
  run_serial(added_to_itself(product_packed(m, a, lda, b, c, ldc), beta));
}
