#include "ops/packed.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/threads.h"
#include "kernels/kernels.h"

static int64_t least(int64_t a, int64_t b) {
  return a < b ? a : b;
}

static int64_t padded(int64_t n) {
  const int64_t nr = kernels->gemm_nr();
  return (n + nr - 1) / nr * nr;
}

int64_t packed_count(int64_t n, int64_t k) {
  return padded(n) * k;
}

static void *panel_at(const Packed *p, int64_t column, int64_t first) {
  const int64_t at = first * padded(p->n) + column * least(PACKED_STEPS, p->k - first);
  return (char *)p->panels + (size_t)at * tensor_type_size(p->type);
}

const void *packed_panel(const Packed *p, int64_t column, int64_t first) {
  return panel_at(p, column, first);
}

typedef struct Filling {
  Packed *p;
  bool transpose;
  const float *b;
  int64_t ldb, columns; /* columns: panels of a block of steps */
  atomic_bool unfit;
} Filling;

static void fill_floats(const Filling *f, float *out, int64_t column, int64_t first, int64_t steps) {
  const int64_t nr = kernels->gemm_nr(), columns = least(nr, f->p->n - column);
  if (f->transpose)
    kernels->pack_transposed(out, f->b + column * f->ldb + first, f->ldb, columns, steps, nr);
  else
    kernels->pack_rows(out, f->b + first * f->ldb + column, f->ldb, steps, columns, nr);
}

static _Thread_local float panel[PACKED_STEPS * PACKED_WIDEST] __attribute__((aligned(64)));
static _Thread_local float again[PACKED_STEPS * PACKED_WIDEST] __attribute__((aligned(64)));

/* Through floats; what fills up the last panel would be taken for a value. */
static bool fill_halves(const Filling *f, uint16_t *out, int64_t column, int64_t first, int64_t steps) {
  const bool brain = f->p->type == TENSOR_BF16;
  const int64_t nr = kernels->gemm_nr(), count = steps * nr;
  if (f->p->n - column < nr) memset(panel, 0, sizeof panel);
  fill_floats(f, panel, column, first, steps);
  (brain ? kernels->narrow_bf16 : kernels->narrow_f16)(out, panel, count);
  (brain ? kernels->widen_bf16 : kernels->widen_f16)(again, out, count);
  return !memcmp(again, panel, (size_t)count * sizeof *panel);
}

static void fill_panels(void *arg, int64_t begin, int64_t end) {
  Filling *f = arg;
  for (int64_t i = begin; i < end && !f->unfit; i++) {
    const int64_t first = i / f->columns * PACKED_STEPS, column = i % f->columns * kernels->gemm_nr();
    const int64_t steps = least(PACKED_STEPS, f->p->k - first);
    void *out = panel_at(f->p, column, first);
    if (f->p->type == TENSOR_F32)
      fill_floats(f, out, column, first, steps);
    else if (!fill_halves(f, out, column, first, steps))
      f->unfit = true;
  }
}

bool packed_fill(Packed *p, bool transpose, const float *b, int64_t ldb) {
  Filling f = {
      .p = p, .transpose = transpose, .b = b, .ldb = ldb, .columns = padded(p->n) / kernels->gemm_nr()};
  parallel_for(f.columns * ((p->k + PACKED_STEPS - 1) / PACKED_STEPS), fill_panels, &f);
  return !f.unfit;
}

/* ---- a set ---- */

struct PackedSet {
  pthread_mutex_t lock;
  Arena *arena;
  Map *by_place; /* of the matrix in memory -> Packed, or 0 if it was met once and takes more than 16 bits */
  bool halves;
};

PackedSet *packed_set_new(bool halves) {
  PackedSet *s = mem_alloc_zeroed(1, sizeof *s);
  pthread_mutex_init(&s->lock, NULL);
  s->arena = arena_new(0);
  s->by_place = map_new();
  s->halves = halves;
  return s;
}

void packed_set_free(PackedSet *s) {
  if (!s) return;
  arena_free(s->arena);
  map_free(s->by_place);
  pthread_mutex_destroy(&s->lock);
  mem_free(s);
}

static const Packed *packed_as(PackedSet *s, TensorType type, bool transpose, int64_t n, int64_t k,
                               const float *b, int64_t ldb) {
  const ArenaMark mark = arena_mark(s->arena);
  Packed *p = arena_new_of(s->arena, Packed);
  *p = (Packed){n, k, type, arena_alloc(s->arena, (size_t)packed_count(n, k) * tensor_type_size(type))};
  if (packed_fill(p, transpose, b, ldb)) return p;
  arena_rewind(s->arena, mark);
  return NULL;
}

/* Values of more than 16 bits cost as much memory again and a pass through it: what is met only once, by a
 * prompt, is taken as it lies. */
static const Packed *get(PackedSet *s, bool transpose, int64_t n, int64_t k, const float *b, int64_t ldb) {
  int64_t at = 0;
  const bool met = map_get(s->by_place, &b, sizeof b, &at);
  if (at) return (const Packed *)(intptr_t)at;
  const Packed *p = NULL;
  if (!s->halves || met)
    p = packed_as(s, TENSOR_F32, transpose, n, k, b, ldb);
  else if (!(p = packed_as(s, TENSOR_BF16, transpose, n, k, b, ldb)))
    p = packed_as(s, TENSOR_F16, transpose, n, k, b, ldb);
  map_set(s->by_place, &b, sizeof b, (int64_t)(intptr_t)p);
  return p;
}

/* Out of memory, the lock is given back before the call unwinds. */
const Packed *packed_set_get(PackedSet *s, bool transpose, int64_t n, int64_t k, const float *b,
                             int64_t ldb) {
  Error err = {0};
  pthread_mutex_lock(&s->lock);
  MEM_GUARD(&err, {
    pthread_mutex_unlock(&s->lock);
    mem_exhausted(mem_guard_.wanted);
  });
  const Packed *p = get(s, transpose, n, k, b, ldb);
  MEM_GUARD_END();
  pthread_mutex_unlock(&s->lock);
  return p;
}
