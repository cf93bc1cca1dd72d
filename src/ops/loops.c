#include "ops/loops.h"

#include "base/integers.h"
#include "kernels/kernels.h"

enum { BLOCK = 4096, STRIP = 64, PIECES = 32 };

typedef struct Elements {
  int64_t count;
  ParallelBody *body;
  void *arg;
} Elements;

static void run_blocks(void *arg, int64_t begin, int64_t end) {
  const Elements *e = arg;
  e->body(e->arg, begin * BLOCK, int64_min(end * BLOCK, e->count));
}

void loop_elements(int64_t count, ParallelBody *body, void *arg) {
  Elements elements = {count, body, arg};
  parallel_for((count + BLOCK - 1) / BLOCK, run_blocks, &elements);
}

typedef struct RowSum {
  float *to;
  const float *x;
  int64_t rows, columns;
} RowSum;

/* Each thread sums its own strips of columns over all rows in order. */
static void sum_strips(void *arg, int64_t begin, int64_t end) {
  const RowSum *s = arg;
  const int64_t first = begin * STRIP, width = int64_min(end * STRIP, s->columns) - first;
  for (int64_t r = 0; r < s->rows; r++) kernels->add(s->to + first, s->x + r * s->columns + first, width);
}

void loop_sum_rows(float *to, const float *x, int64_t rows, int64_t columns) {
  RowSum sum = {to, x, rows, columns};
  parallel_for((columns + STRIP - 1) / STRIP, sum_strips, &sum);
}

typedef struct RowSums {
  LoopRow *body;
  const void *op;
  float *partial[LOOP_SUMS]; /* [pieces, columns], or NULL */
  int64_t rows, columns, pieces;
} RowSums;

static void add_pieces(void *arg, int64_t begin, int64_t end) {
  const RowSums *s = arg;
  for (int64_t p = begin; p < end; p++) {
    float *sums[LOOP_SUMS];
    for (int k = 0; k < LOOP_SUMS; k++) sums[k] = s->partial[k] ? s->partial[k] + p * s->columns : NULL;
    for (int64_t row = s->rows * p / s->pieces; row < s->rows * (p + 1) / s->pieces; row++)
      s->body(s->op, row, sums);
  }
}

void loop_row_sums(Arena *arena, float *const *to, int count, int64_t rows, int64_t columns, LoopRow *body,
                   const void *op) {
  RowSums s = {.body = body, .op = op, .rows = rows, .columns = columns, .pieces = int64_min(rows, PIECES)};
  CHECK(count <= LOOP_SUMS);
  for (int k = 0; k < count; k++)
    if (to[k]) s.partial[k] = arena_alloc_zeroed(arena, (size_t)(s.pieces * columns) * sizeof(float));
  parallel_for(s.pieces, add_pieces, &s);
  for (int k = 0; k < count; k++)
    if (to[k]) loop_sum_rows(to[k], s.partial[k], s.pieces, columns);
}
