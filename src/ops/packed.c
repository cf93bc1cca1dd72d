#include "ops/packed.h"

#include <pthread.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "kernels/kernels.h"

static int64_t least(int64_t a, int64_t b) {
  return a < b ? a : b;
}

static int64_t padded(int64_t n) {
  const int64_t nr = kernels->gemm_nr();
  return (n + nr - 1) / nr * nr;
}

int64_t packed_floats(int64_t n, int64_t k) {
  return padded(n) * k;
}

void packed_fill(Packed *p, bool transpose, const float *b, int64_t ldb) {
  const int64_t nr = kernels->gemm_nr();
  float *out = p->panels;
  for (int64_t first = 0; first < p->k; first += PACKED_STEPS) {
    const int64_t steps = least(PACKED_STEPS, p->k - first);
    for (int64_t column = 0; column < p->n; column += nr, out += steps * nr) {
      const int64_t columns = least(nr, p->n - column);
      if (transpose)
        kernels->pack_transposed(out, b + column * ldb + first, ldb, columns, steps, nr);
      else
        kernels->pack_rows(out, b + first * ldb + column, ldb, steps, columns, nr);
    }
  }
}

const float *packed_panel(const Packed *p, int64_t column, int64_t first) {
  return p->panels + first * padded(p->n) + column * least(PACKED_STEPS, p->k - first);
}

/* ---- a set ---- */

struct PackedSet {
  pthread_mutex_t lock;
  Arena *arena;
  Map *by_place; /* of the matrix in memory -> Packed */
};

PackedSet *packed_set_new(void) {
  PackedSet *s = mem_alloc_zeroed(1, sizeof *s);
  pthread_mutex_init(&s->lock, NULL);
  s->arena = arena_new(0);
  s->by_place = map_new();
  return s;
}

void packed_set_free(PackedSet *s) {
  if (!s) return;
  arena_free(s->arena);
  map_free(s->by_place);
  pthread_mutex_destroy(&s->lock);
  mem_free(s);
}

static const Packed *get(PackedSet *s, bool transpose, int64_t n, int64_t k, const float *b, int64_t ldb) {
  int64_t at;
  if (map_get(s->by_place, &b, sizeof b, &at)) return (const Packed *)(intptr_t)at;
  Packed *p = arena_new_of(s->arena, Packed);
  *p = (Packed){n, k, arena_alloc(s->arena, (size_t)packed_floats(n, k) * sizeof(float))};
  packed_fill(p, transpose, b, ldb);
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
