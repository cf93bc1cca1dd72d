/* gemm.c - dense products, packed and blocked as in Goto & van de Geijn (2008).
 *
 * C is cut into panels of gemm_nr columns and blocks of gemm_mr rows. For KC steps of k at a time, a panel
 * of B (which stays in the L1 cache) is multiplied by one panel of A after another. Each element of C is
 * the sum of its KC-long partial sums in order, each summed over k in order, independent of m, n, the
 * position in C and the number of threads: a row alone gives the same bits as in a batch. With bf16,
 * blocks have pairs_mr rows and KC_BF16 steps, and the order within a partial sum depends on the kernel.
 * If B is packed in blocks of integers, A is quantized, too (gemm_integers.h).
 * Why not a library: docs/decisions/0003-dense-products.md. */
#include "ops/gemm_product.h"

#include <stdatomic.h>
#include <string.h>

#include "base/integers.h"
#include "base/threads.h"
#include "kernels/kernels.h"
#include "ops/gemm_integers.h"
#include "ops/peak.h"
#include "ops/prefetch.h"
#include "ops/scratch.h"

enum {
  FEW = 4,    /* maximum number of rows for which B is not packed */
  NARROW = 8, /* maximum number of column panels for which A is not packed */
  FAR = 512   /* floats: rows at a multiple of this distance share L1 cache sets */
};

/* Floats of a block of B that fit in the L2 cache with a chunk of A. Does not affect results. For bf16,
 * half of that cache: with the 2 MB of a Xeon, training was a tenth faster, with f32 not at all
 * (docs/log.md). */
static int64_t resident(const Product *x) {
  enum { FLOATS = 1 << 16 };
  static _Atomic int64_t kept; /* cached: the system call takes longer than a small product */
  if (x->precision == PRECISION_F32) return FLOATS;
  int64_t floats = atomic_load_explicit(&kept, memory_order_relaxed);
  if (floats) return floats;
  floats = machine_cache(2) / 2 / (int64_t)sizeof(float);
  if (floats < FLOATS) floats = FLOATS;
  atomic_store_explicit(&kept, floats, memory_order_relaxed);
  return floats;
}

/* Rows of a panel: two steps of bf16 take the space of one of f32. */
static int64_t panel_rows(const Product *x, int64_t steps) {
  return x->precision == PRECISION_BF16 ? kernels->pair_steps(steps) : steps;
}

/* Maximum over the blocks of k. */
static int64_t most_panel_rows(const Product *x) {
  return panel_rows(x, int64_min(x->most_steps, x->k));
}

/* ---- prefetching and packing ---- */

/* Rows of op(A), up to its last. */
static Prefetch prefetch_a(const Product *x, int64_t row, int64_t rows, int64_t first, int64_t steps) {
  const int64_t there = int64_min(rows, x->m - row);
  if (there <= 0) return (Prefetch){0};
  if (x->transpose_a) return prefetch_rows(TENSOR_F32, x->a, x->lda, first, row, steps, there);
  return prefetch_rows(TENSOR_F32, x->a, x->lda, row, first, there, steps);
}

/* Columns of op(B), as stored. */
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

/* Can the kernels read A and B unpacked? */
static bool reads_unpacked(const Product *x) {
  return x->precision == PRECISION_F32;
}

/* A panel of B and its row stride. */
typedef struct PanelB {
  const float *at;
  int64_t stride;
} PanelB;

/* From a B packed in advance; elements other than f32 are widened into `scratch`. */
static PanelB prepacked_panel(const Product *x, float *scratch, int64_t column, int64_t first,
                              int64_t steps) {
  const void *panel = packed_panel(x->prepacked, column, first);
  if (x->precision == PRECISION_BF16 || x->prepacked->type == TENSOR_F32)
    return (PanelB){.at = panel, .stride = x->nr};
  kernels->types[x->prepacked->type].widen_panel(scratch, panel, steps);
  return (PanelB){.at = scratch, .stride = x->nr};
}

static const float *block_panel(const Product *x, int64_t column, int64_t first) {
  return x->block_b + (column - x->block_column) * x->block_rows +
         panel_rows(x, first - x->block_first) * x->nr;
}

/* Packs the panel into `scratch`, unless it is packed already. For few rows, or if rows of B are as long as
 * those of a panel, a complete panel of a row-major B is used in place. */
static PanelB panel_of_b(const Product *x, float *scratch, int64_t column, int64_t first, int64_t steps) {
  if (x->prepacked) return prepacked_panel(x, scratch, column, first, steps);
  if (x->block_b) return (PanelB){.at = block_panel(x, column, first), .stride = x->nr};
  if (reads_unpacked(x) && (x->m <= FEW || x->ldb == x->nr) && x->b && !x->stored.transposed &&
      column + x->nr <= x->n)
    return (PanelB){.at = x->b + first * x->ldb + column, .stride = x->ldb};
  pack_b(x, scratch, column, first, steps);
  return (PanelB){.at = scratch, .stride = x->nr};
}

/* Is A read in place? Yes if its rows run along k, there are too few columns for packing to pay, and the
 * row stride does not map all rows to the same L1 cache sets. */
static bool reads_a_in_place(const Product *x) {
  return reads_unpacked(x) && !x->transpose_a && x->n <= NARROW * x->nr && x->lda % FAR;
}

/* `packed`: the packed row panel; unused if A is read in place. */
static void multiply(const Product *x, const float *packed, PanelB b, int64_t row, int64_t column,
                     int64_t first, int64_t steps) {
  const bool in_place = reads_a_in_place(x);
  const int64_t rows = int64_min(x->mr, x->m - row), columns = int64_min(x->nr, x->n - column);
  float *c = x->c + row * x->ldc + column;
  const float *from = first ? c : x->from ? x->from + row * x->ldfrom + column : NULL;
  const int64_t ldfrom = first ? x->ldc : x->ldfrom;
  if (x->precision == PRECISION_BF16) {
    kernels->gemm_pairs(c, x->ldc, from, ldfrom, (const uint32_t *)(const void *)packed,
                        (const uint32_t *)(const void *)b.at, panel_rows(x, steps), rows, columns);
  } else {
    kernels->gemm_block(c, x->ldc, from, ldfrom, in_place ? x->a + row * x->lda + first : packed,
                        in_place ? x->lda : 0, b.at, b.stride, steps, rows, columns);
  }
}

/* k = 0: C is the addend, or 0. */
static void multiply_empty(const Product *x) {
  for (int64_t i = 0; i < x->m && x->from != x->c; i++)
    if (x->from)
      memcpy(x->c + i * x->ldc, x->from + i * x->ldfrom, (size_t)x->n * sizeof(float));
    else
      memset(x->c + i * x->ldc, 0, (size_t)x->n * sizeof(float));
}

/* ---- a single row: bound by reading B, so nothing is packed ---- */

static bool is_of_integers(const Product *x) {
  return x->prepacked && x->k && packed_in_blocks(x->prepacked);
}

static bool is_row(const Product *x) {
  return !is_of_integers(x) && x->m == 1 && !x->transpose_a &&
         (x->prepacked || (reads_unpacked(x) && x->b && x->stored.transposed));
}

static void prepacked_row(const Product *x, int64_t column, int64_t first, int64_t columns) {
  const void *panels = packed_panel(x->prepacked, column, first);
  const float *a = x->a + first;
  float *c = x->c + column;
  const float *from = first ? c : x->from ? x->from + column : NULL;
  const int64_t steps = int64_min(x->most_steps, x->k - first);
  if (x->precision == PRECISION_BF16)
    kernels->row_of_pairs(c, from, a, panels, panel_rows(x, x->k), steps, columns);
  else
    kernels->types[x->prepacked->type].row(c, from, a, panels, x->k, steps, columns);
}

static void unpacked_row(const Product *x, int64_t column, int64_t first, int64_t columns) {
  float *c = x->c + column;
  const float *from = first ? c : x->from ? x->from + column : NULL;
  kernels->gemm_row(c, from, x->a + first, x->b + column * x->ldb + first, x->ldb,
                    int64_min(KC, x->k - first), columns);
}

/* Columns per task: packed panels are read concurrently. */
static int64_t columns_at_once(const Product *x) {
  return x->prepacked ? ROW_PANELS * x->nr : x->nr;
}

static void multiply_row(void *arg, int64_t begin, int64_t end) {
  const Product *x = arg;
  const int64_t width = columns_at_once(x), to = int64_min(end * width, x->n);
  for (int64_t column = begin * width; column < to; column += width)
    for (int64_t first = 0; first < x->k; first += x->most_steps)
      (x->prepacked ? prepacked_row : unpacked_row)(x, column, first, int64_min(width, to - column));
}

/* A single row times an unpacked row-major B, with the same partial sums as the other products. */
static bool is_sum_of_rows(const Product *x) {
  return reads_unpacked(x) && x->m == 1 && !x->transpose_a && x->b && !x->stored.transposed && !x->from;
}

enum { PART = 256 }; /* columns at a time if there are several partial sums */

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

/* The rows of A needed next: the same ones at the next steps of k if all of A stays in the L2 cache, else
 * the following rows. */
static Prefetch next_rows(const Product *x, int64_t from, int64_t to, int64_t first, int64_t steps) {
  const int64_t after = first + steps;
  if (after < x->k && x->m * x->most_steps <= 2 * resident(x))
    return prefetch_a(x, from, to - from, after, int64_min(x->most_steps, x->k - after));
  return prefetch_a(x, to, to - from, first, steps);
}

/* The share of the next block of B (packed by all threads) that corresponds to these rows of A. */
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
  Panels *panels = panels_of_thread();
  const int64_t length = panel_rows(x, steps), blocks = ceil_div(to - from, x->mr) * ceil_div(x->n, x->nr);
  Prefetch next_a = prefetch_in(next_rows(x, from, to, first, steps), blocks);
  Prefetch next_b = prefetch_in(next_block(x, from, to, first, steps), blocks);
  for (int64_t row = from; row < to && !reads_a_in_place(x); row += x->mr)
    pack_a(x, panels->a + (row - from) * length, row, first, steps);
  for (int64_t column = 0; column < x->n; column += x->nr) {
    const PanelB b = panel_of_b(x, panels->b, column, first, steps);
    for (int64_t row = from; row < to; row += x->mr) {
      prefetch_some(&next_a);
      prefetch_some(&next_b);
      multiply(x, panels->a + (row - from) * length, b, row, column, first, steps);
    }
  }
}

static IntegerProduct as_integers(const Product *x) {
  return (IntegerProduct){x->prepacked, x->from, x->ldfrom, x->c, x->ldc};
}

static void multiply_serial(Product x) {
  if (x.k == 0) multiply_empty(&x);
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

void product_run_serial(Product x) {
  if (x.m <= 0 || x.n <= 0) return;
  if (is_of_integers(&x))
    gemm_integers(x.m, x.a, x.lda, (IntegerProduct[]){as_integers(&x)}, 1, true);
  else
    multiply_serial(x);
}

/* ---- on all threads ---- */

/* -- wide B: A is packed once, each thread takes columns -- */

/* Row panel `panel` of A for the current block of k; NULL if A is read in place. */
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

/* The next panel of B, packed in advance or as stored. */
static Prefetch next_panel(const Product *x, int64_t column) {
  const int64_t next = column + x->nr;
  if (next >= x->block_column + x->columns * x->nr) return (Prefetch){0};
  if (x->block_b)
    return prefetch_rows(TENSOR_F32, block_panel(x, next, x->first), 0, 0, 0, 1,
                         x->nr * panel_rows(x, x->steps));
  if (!x->prepacked) return prefetch_b(x, next, x->nr, x->first, x->steps);
  return prefetch_rows(x->prepacked->type, packed_panel(x->prepacked, next, x->first), 0, 0, 0, 1,
                       x->nr * x->steps);
}

/* Tasks are (piece of the row panels, column panel), columns fastest. */
static void multiply_panels(void *arg, int64_t begin, int64_t end) {
  const Product *x = arg;
  for (int64_t task = begin; task < end; task++) {
    const int64_t piece = task / x->columns, column = x->block_column + task % x->columns * x->nr;
    const int64_t from = x->row_panels * piece / x->pieces, to = x->row_panels * (piece + 1) / x->pieces;
    const PanelB b = panel_of_b(x, panels_of_thread()->b, column, x->first, x->steps);
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
  /* too few tasks for the threads: cut the rows into pieces, at the cost of packing B more often */
  if (x.columns < 4 * threads_count()) x.pieces = ceil_div(4 * threads_count(), x.columns);
  x.pieces = int64_min(x.pieces, x.row_panels);
  Scratch *scratch =
      reads_a_in_place(&x) ? NULL : scratch_take(x.row_panels * x.mr * most_panel_rows(&x) + PACKED_WIDEST);
  if (scratch) x.packed = scratch->data;
  for (x.first = 0; x.first < x.k; x.first += x.most_steps) {
    x.steps = int64_min(x.most_steps, x.k - x.first);
    if (scratch) parallel_for(x.row_panels, pack_panels, &x);
    parallel_for(x.columns * x.pieces, multiply_panels, &x);
  }
  if (scratch) scratch_return(scratch);
}

/* About as many rows of A at a time as fit in the L2 cache; each panel of B is multiplied by all of them. */
static int64_t row_chunks(const Product *x) {
  const int64_t most = resident(x) / most_panel_rows(x) / x->mr;
  return int64_max(1, (x->row_panels + most / 2) / most); /* as even as they can be */
}

static void run_chunks(Product x, int64_t chunks) {
  for (int64_t i = 0; i < chunks; i++) {
    const int64_t from = x.row_panels * i / chunks * x.mr, to = x.row_panels * (i + 1) / chunks * x.mr;
    run_wide_rows(rows_of(x, from, int64_min(to, x.m) - from));
  }
}

/* As many columns of B at a time as the last-level cache surely has room for are packed once for all chunks
 * of rows. Widening blocks once per chunk took a seventh of the time of training beside q8_0 (docs/log.md).
 */
enum { GROUP = 1 << 20 }; /* floats */

/* Tasks are (column panel, block of k), blocks fastest. */
static void pack_group(void *arg, int64_t begin, int64_t end) {
  const Product *x = arg;
  const int64_t blocks = ceil_div(x->k, x->most_steps);
  for (int64_t task = begin; task < end; task++) {
    const int64_t column = x->block_column + task / blocks * x->nr, first = task % blocks * x->most_steps;
    pack_b(x, (float *)(uintptr_t)block_panel(x, column, first), column, first,
           int64_min(x->most_steps, x->k - first));
  }
}

static void run_group(Product x, int64_t chunks) {
  Scratch *scratch = scratch_take(x.columns * x.nr * x.block_rows);
  x.block_b = scratch->data;
  parallel_for(x.columns * ceil_div(x.k, x.most_steps), pack_group, &x);
  run_chunks(x, chunks);
  scratch_return(scratch);
}

static void run_wide(Product x) {
  const int64_t chunks = row_chunks(&x);
  if (chunks == 1 || x.prepacked) {
    run_chunks(x, chunks);
    return;
  }
  x.block_rows = panel_rows(&x, x.k);
  const int64_t most = int64_max(1, GROUP / (x.block_rows * x.nr)), panels = x.columns;
  for (int64_t panel = 0; panel < panels; panel += most) {
    x.block_column = panel * x.nr;
    x.columns = int64_min(most, panels - panel);
    run_group(x, chunks);
  }
}

/* -- narrow B: it is packed once and stays in each thread's L2 cache; each thread packs its own rows, so
 * that A passes through the last-level cache only once -- */

static bool is_narrow(const Product *x) {
  return !x->prepacked && x->m > FEW && x->columns * x->nr * most_panel_rows(x) <= resident(x);
}

static void pack_columns(void *arg, int64_t begin, int64_t end) {
  const Product *x = arg;
  for (int64_t panel = begin; panel < end; panel++) {
    if (x->stored.transposed) prefetch_all(prefetch_b(x, (panel + 1) * x->nr, x->nr, x->first, x->steps));
    pack_b(x, x->packed + panel * x->nr * panel_rows(x, x->steps), panel * x->nr, x->first, x->steps);
  }
}

/* Tasks are pieces of the row panels. */
static void multiply_rows(void *arg, int64_t begin, int64_t end) {
  const Product *x = arg;
  for (int64_t piece = begin; piece < end; piece++) {
    const int64_t from = x->row_panels * piece / x->pieces, to = x->row_panels * (piece + 1) / x->pieces;
    serial_rows(x, from * x->mr, int64_min(x->m, to * x->mr), x->first, x->steps);
  }
}

static void run_narrow(Product x) {
  const int64_t most = MC / x.mr; /* row panels a thread packs at a time */
  x.pieces = int64_min(x.row_panels, 4 * threads_count());
  if (x.pieces * most < x.row_panels) x.pieces = ceil_div(x.row_panels, most);
  Scratch *scratch = scratch_take(x.columns * x.nr * most_panel_rows(&x));
  x.block_b = x.packed = scratch->data;
  for (x.first = 0; x.first < x.k; x.first += x.most_steps) {
    x.steps = int64_min(x.most_steps, x.k - x.first);
    x.block_first = x.first;
    x.block_rows = panel_rows(&x, x.steps);
    parallel_for(x.columns, pack_columns, &x);
    parallel_for(x.pieces, multiply_rows, &x);
  }
  scratch_return(scratch);
}

void product_run(Product x) {
  if (x.m <= 0 || x.n <= 0) return;
  x.row_panels = ceil_div(x.m, x.mr);
  x.columns = ceil_div(x.n, x.nr);
  if (x.k == 0)
    multiply_empty(&x);
  else if (is_of_integers(&x))
    gemm_integers(x.m, x.a, x.lda, (IntegerProduct[]){as_integers(&x)}, 1, false);
  else if (is_row(&x))
    parallel_for(ceil_div(x.n, columns_at_once(&x)), multiply_row, &x);
  else if (is_narrow(&x))
    run_narrow(x);
  else
    run_wide(x);
}

/* ---- several products of the same A ---- */

/* Rows of A for all products at once, as integers or a single one. */
typedef struct Rows {
  const Product *products;
  int count;
} Rows;

static void multiply_each_row(void *arg, int64_t begin, int64_t end) {
  const Rows *rows = arg;
  const Product *x = rows->products;
  for (int i = 0; i < rows->count; i++, x++) {
    const int64_t tasks = ceil_div(x->n, columns_at_once(x));
    if (begin < tasks && end > 0)
      multiply_row((void *)(uintptr_t)x, int64_max(begin, 0), int64_min(end, tasks));
    begin -= tasks, end -= tasks;
  }
}

static bool all_products(const Product *x, int count, bool (*is)(const Product *)) {
  for (int i = 0; i < count; i++)
    if (!is(&x[i])) return false;
  return true;
}

void product_run_together(const Product *x, int count) {
  IntegerProduct integers[GEMM_MOST_WEIGHTS];
  int64_t tasks = 0;
  for (int i = 0; i < count; i++) tasks += ceil_div(x[i].n, columns_at_once(&x[i]));
  if (x->m > 0 && all_products(x, count, is_of_integers)) {
    for (int i = 0; i < count; i++) integers[i] = as_integers(&x[i]);
    gemm_integers(x->m, x->a, x->lda, integers, count, false);
  } else if (x->k && all_products(x, count, is_row)) {
    parallel_for(tasks, multiply_each_row, &(Rows){x, count});
  } else {
    for (int i = 0; i < count; i++) product_run(x[i]);
  }
}
