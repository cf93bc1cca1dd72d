#include "ops/packed.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/threads.h"
#include "kernels/kernels.h"
#include "ops/peak.h"

static int64_t least(int64_t a, int64_t b) {
  return a < b ? a : b;
}

/* Products of bf16 are not quick wherever there are some: vdpbf16ps has twice the rate of f32 on Zen 4, less
 * than half of it on a Xeon of 2023. */
static bool bf16_pays(void) {
  const int threads = threads_count();
  return kernels->has_bf16() &&
         machine_peak_flops(threads, PRECISION_BF16) > machine_peak_flops(threads, PRECISION_F32);
}

Precision precision_named(const char *name) {
  const bool chosen = strcmp(name, "auto") ? !strcmp(name, "bf16") : bf16_pays();
  return chosen ? PRECISION_BF16 : PRECISION_F32;
}

const char *precision_name(Precision precision) {
  return precision == PRECISION_BF16 ? "bf16" : "f32";
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

/* Part of B, from element `at`, as floats: where it lies, or widened. */
static const float *part_of(const Stored *b, int64_t at, int64_t rows, int64_t length, int64_t *ld) {
  static _Thread_local float part[PAIRED_STEPS * PACKED_WIDEST] __attribute__((aligned(64)));
  *ld = b->ld;
  if (b->type == TENSOR_F32) return (const float *)b->at + at;
  *ld = length;
  for (int64_t row = 0; row < rows; row++)
    halves_widen(b->type, part + row * length, (const uint16_t *)b->at + at + row * b->ld, length);
  return part;
}

Stored stored_weight(const Tensor *weight, bool transposed) {
  return (Stored){weight->data, weight->type, transposed, weight->shape[transposed ? 0 : 1],
                  tensor_columns(weight)};
}

/* Steps `first`, ... of a panel's columns, of which there are so many. */
static const float *steps_of(const Stored *b, int64_t column, int64_t first, int64_t steps, int64_t *columns,
                             int64_t *ld) {
  *columns = least(kernels->gemm_nr(), b->n - column);
  if (b->transposed) return part_of(b, column * b->ld + first, *columns, steps, ld);
  return part_of(b, first * b->ld + column, steps, *columns, ld);
}

void stored_panel(const Stored *b, float *out, int64_t column, int64_t first, int64_t steps) {
  int64_t columns, ld;
  const float *part = steps_of(b, column, first, steps, &columns, &ld);
  if (b->transposed)
    kernels->pack_transposed(out, part, ld, columns, steps, kernels->gemm_nr());
  else
    kernels->pack_rows(out, part, ld, steps, columns, kernels->gemm_nr());
}

void stored_pairs(const Stored *b, uint32_t *out, int64_t column, int64_t first, int64_t steps) {
  int64_t columns, ld;
  const float *part = steps_of(b, column, first, steps, &columns, &ld);
  kernels->pairs_b(out, part, ld, b->transposed, columns, steps);
}

typedef struct Filling {
  Packed *p;
  Stored b;
  int64_t columns; /* panels of a block of steps */
  atomic_bool unfit;
} Filling;

static _Thread_local float panel[PACKED_STEPS * PACKED_WIDEST] __attribute__((aligned(64)));
static _Thread_local float again[PACKED_STEPS * PACKED_WIDEST] __attribute__((aligned(64)));

/* Through floats; what fills up the last panel would be taken for a value. */
static bool fill_halves(const Filling *f, uint16_t *out, int64_t column, int64_t first, int64_t steps) {
  const bool brain = f->p->type == TENSOR_BF16;
  const int64_t nr = kernels->gemm_nr(), count = steps * nr;
  if (f->p->n - column < nr) memset(panel, 0, sizeof panel);
  stored_panel(&f->b, panel, column, first, steps);
  (brain ? kernels->narrow_bf16 : kernels->narrow_f16)(out, panel, count);
  if (f->b.type == f->p->type) return true;
  halves_widen(f->p->type, again, out, count);
  return !memcmp(again, panel, (size_t)count * sizeof *panel);
}

static void fill_panels(void *arg, int64_t begin, int64_t end) {
  Filling *f = arg;
  for (int64_t i = begin; i < end && !f->unfit; i++) {
    const int64_t first = i / f->columns * PACKED_STEPS, column = i % f->columns * kernels->gemm_nr();
    const int64_t steps = least(PACKED_STEPS, f->p->k - first);
    void *out = panel_at(f->p, column, first);
    if (f->p->type == TENSOR_F32)
      stored_panel(&f->b, out, column, first, steps);
    else if (!fill_halves(f, out, column, first, steps))
      f->unfit = true;
  }
}

static bool fill(Packed *p, Stored b) {
  Filling f = {.p = p, .b = b, .columns = padded(p->n) / kernels->gemm_nr()};
  parallel_for(f.columns * ((p->k + PACKED_STEPS - 1) / PACKED_STEPS), fill_panels, &f);
  return !f.unfit;
}

bool packed_fill(Packed *p, bool transpose, const float *b, int64_t ldb) {
  return fill(p, (Stored){b, TENSOR_F32, transpose, p->n, ldb});
}

/* ---- a set ---- */

struct PackedSet {
  pthread_mutex_t lock;
  Arena *arena;
  Map *by_place; /* of the matrix in memory -> Packed, or 0 if it was met only once */
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

static const Packed *packed_as(PackedSet *s, TensorType type, bool transposed, const Tensor *weight) {
  const ArenaMark mark = arena_mark(s->arena);
  const Stored b = stored_weight(weight, transposed);
  const int64_t n = b.n, k = weight->shape[transposed ? 1 : 0];
  Packed *p = arena_new_of(s->arena, Packed);
  *p = (Packed){n, k, type, arena_alloc(s->arena, (size_t)packed_count(n, k) * tensor_type_size(type))};
  if (fill(p, b)) return p;
  arena_rewind(s->arena, mark);
  return NULL;
}

static const Packed *pack(PackedSet *s, bool transposed, const Tensor *weight) {
  const Packed *p = NULL;
  if (s->halves && tensor_is_halves(weight)) return packed_as(s, weight->type, transposed, weight);
  if (s->halves) p = packed_as(s, TENSOR_BF16, transposed, weight);
  if (s->halves && !p) p = packed_as(s, TENSOR_F16, transposed, weight);
  return p ? p : packed_as(s, TENSOR_F32, transposed, weight);
}

static const Packed *get(PackedSet *s, bool transposed, const Tensor *weight) {
  const void *place = weight->data;
  const bool met = map_get(s->by_place, &place, sizeof place, NULL);
  int64_t *at = map_slot(s->by_place, &place, sizeof place, 0);
  if (!met && s->halves) return NULL;
  if (!*at) *at = (int64_t)(intptr_t)pack(s, transposed, weight);
  return (const Packed *)(intptr_t)*at;
}

/* Out of memory, the lock is given back before the call unwinds. */
const Packed *packed_set_get(PackedSet *s, bool transposed, const Tensor *weight) {
  Error err = {0};
  pthread_mutex_lock(&s->lock);
  MEM_GUARD(&err, {
    pthread_mutex_unlock(&s->lock);
    mem_exhausted(mem_guard_.wanted);
  });
  const Packed *p = get(s, transposed, weight);
  MEM_GUARD_END();
  pthread_mutex_unlock(&s->lock);
  return p;
}
