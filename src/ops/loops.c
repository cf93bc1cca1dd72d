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

int64_t loop_pieces(int64_t rows) {
  return int64_min(rows, PIECES);
}

int64_t loop_piece_begin(int64_t rows, int64_t piece) {
  return rows * piece / loop_pieces(rows);
}
