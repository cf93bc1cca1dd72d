#include "ops/packed.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/integers.h"
#include "base/mapping.h"
#include "base/threads.h"
#include "kernels/kernels.h"
#include "ops/panels.h"
#include "ops/peak.h"

/* Hardware support does not imply speed: vdpbf16ps has twice the rate of f32 on Zen 4, less than half of
 * it on a Xeon of 2023. */
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

Precision precision_of_weights(TensorType type) {
  return type == TENSOR_BF16 && kernels->has_bf16() ? PRECISION_BF16 : PRECISION_F32;
}

static int64_t padded(int64_t n) {
  const int64_t nr = kernels->gemm_nr();
  return (n + nr - 1) / nr * nr;
}

size_t packed_bytes(TensorType type, Precision precision, int64_t n, int64_t k) {
  if (precision == PRECISION_BF16) return (size_t)(padded(n) * kernels->pair_steps(k)) * sizeof(uint32_t);
  return type_bytes(type, padded(n) * k);
}

int64_t packed_floats(int64_t n, int64_t k) {
  return padded(n) * k;
}

static void *panel_at(const Packed *p, int64_t column, int64_t first) {
  const int64_t nr = kernels->gemm_nr();
  if (p->precision == PRECISION_BF16)
    return (uint32_t *)p->panels + column * kernels->pair_steps(p->k) + kernels->pair_steps(first) * nr;
  return (char *)p->panels + type_bytes(p->type, column * p->k + first * nr);
}

/* `rows` rows from row `row`, elements from `first`, as floats: f32 in place, other types widened. */
static const float *rows_of(const Stored *b, int64_t row, int64_t first, int64_t rows, int64_t length,
                            int64_t *ld) {
  const char *at = type_at(b->type, b->at, row * b->ld);
  *ld = b->ld;
  if (b->type == TENSOR_F32) return (const float *)(const void *)at + first;
  *ld = length;
  float *part = panels_of_thread()->part;
  for (int64_t i = 0; i < rows; i++)
    type_widen(b->type, part + i * length, at + type_bytes(b->type, i * b->ld), first, length);
  return part;
}

Stored stored_weight(const Tensor *weight, bool transposed) {
  return (Stored){weight->data, weight->type, transposed, weight->shape[transposed ? 0 : 1],
                  tensor_columns(weight)};
}

/* Steps `first`, ... of a panel, and its number of columns. */
static const float *steps_of(const Stored *b, int64_t column, int64_t first, int64_t steps, int64_t *columns,
                             int64_t *ld) {
  *columns = int64_min(kernels->gemm_nr(), b->n - column);
  if (b->transposed) return rows_of(b, column, first, *columns, steps, ld);
  return rows_of(b, first, column, steps, *columns, ld);
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
  int64_t column; /* the first to be packed */
  int64_t pieces; /* of PACKED_STEPS steps */
  atomic_bool lossy;
} Filling;

/* Converts via floats; returns false if values change. Padding is zeroed, since it is compared, too. */
static bool fill_converted(const Filling *f, void *out, int64_t column, int64_t first, int64_t steps) {
  const TypeKernels *type = &kernels->types[f->p->type];
  const int64_t nr = kernels->gemm_nr(), count = steps * nr;
  float *panel = panels_of_thread()->panel, *widened = panels_of_thread()->widened;
  if (f->p->n - column < nr) memset(panel, 0, (size_t)count * sizeof *panel);
  stored_panel(&f->b, panel, column, first, steps);
  type->narrow(out, panel, count);
  if (f->b.type == f->p->type) return true;
  type->widen(widened, out, count);
  return !memcmp(widened, panel, (size_t)count * sizeof *panel);
}

/* For a type with its own panel format. */
static void pack_blocks(const Stored *b, void *out, int64_t column, int64_t first, int64_t steps) {
  kernels->types[b->type].panel(out, type_at(b->type, b->at, column * b->ld + first),
                                (int64_t)type_bytes(b->type, b->ld),
                                int64_min(kernels->gemm_nr(), b->n - column), steps);
}

const void *packed_panel(const Packed *p, int64_t column, int64_t first) {
  if (p->panels) return panel_at(p, column, first);
  void *panel = panels_of_thread()->panel;
  pack_blocks(&p->stored, panel, column, first, int64_min(PACKED_STEPS, p->k - first));
  return panel;
}

static void fill_panels(void *arg, int64_t begin, int64_t end) {
  Filling *f = arg;
  for (int64_t i = begin; i < end && !f->lossy; i++) {
    const int64_t first = i % f->pieces * PACKED_STEPS,
                  column = f->column + i / f->pieces * kernels->gemm_nr();
    const int64_t steps = int64_min(PACKED_STEPS, f->p->k - first);
    void *out = panel_at(f->p, column, first);
    if (f->p->precision == PRECISION_BF16)
      stored_pairs(&f->b, out, column, first, steps);
    else if (f->p->type == TENSOR_F32)
      stored_panel(&f->b, out, column, first, steps);
    else if (kernels->types[f->p->type].panel)
      pack_blocks(&f->b, out, column, first, steps);
    else if (!fill_converted(f, out, column, first, steps))
      f->lossy = true;
  }
}

/* Packs `columns` columns from `column` on. */
static bool fill_columns(Packed *p, Stored b, int64_t column, int64_t columns) {
  Filling f = {.p = p, .b = b, .column = column, .pieces = (p->k + PACKED_STEPS - 1) / PACKED_STEPS};
  CHECK(!kernels->types[p->type].panel || (b.type == p->type && b.transposed));
  parallel_for(padded(columns) / kernels->gemm_nr() * f.pieces, fill_panels, &f);
  return !f.lossy;
}

bool packed_fill(Packed *p, Stored b) {
  return fill_columns(p, b, 0, p->n);
}

/* Packs a matrix of a file whose pages are not needed any more: a strip at a time, so that both forms are in
 * memory for this strip only. */
static bool fill_and_release(Packed *p, Stored b) {
  enum { STRIP = 8 << 20 };
  const size_t row = type_bytes(b.type, b.ld);
  const int64_t nr = kernels->gemm_nr(), strip = b.transposed ? (int64_t)(STRIP / row) / nr * nr + nr : b.n;
  for (int64_t at = 0, columns; at < b.n; at += columns) {
    columns = int64_min(strip, b.n - at);
    if (!fill_columns(p, b, at, columns)) return false;
    if (b.transposed) mapping_release((const char *)b.at + (size_t)at * row, (size_t)columns * row);
  }
  if (!b.transposed) mapping_release(b.at, (size_t)p->k * row);
  return true;
}

/* ---- packed sets ---- */

struct PackedSet {
  pthread_mutex_t lock;
  Arena *arena;
  Map *by_address; /* address of the matrix -> Packed, or 0 if requested only once */
  bool compact;
};

PackedSet *packed_set_new(bool compact) {
  PackedSet *s = mem_alloc_zeroed(1, sizeof *s);
  pthread_mutex_init(&s->lock, NULL);
  s->arena = arena_new(0);
  s->by_address = map_new();
  s->compact = compact;
  return s;
}

void packed_set_free(PackedSet *s) {
  if (!s) return;
  arena_free(s->arena);
  map_free(s->by_address);
  pthread_mutex_destroy(&s->lock);
  mem_free(s);
}

static const Packed *packed_as(PackedSet *s, TensorType type, bool transposed, const Tensor *weight) {
  const ArenaMark mark = arena_mark(s->arena);
  const Stored b = stored_weight(weight, transposed);
  const Precision precision = precision_of_weights(weight->type);
  const int64_t n = b.n, k = weight->shape[transposed ? 1 : 0];
  Packed *p = arena_new_of(s->arena, Packed);
  *p = (Packed){n, k, type, precision, arena_alloc(s->arena, packed_bytes(type, precision, n, k)), b};
  if (fill_and_release(p, b)) return p;
  arena_rewind(s->arena, mark);
  return NULL;
}

/* Can packing as `type` be lossless? A type with its own panels requires the same type stored along k; any
 * other, the same type or f32. */
static bool may_hold(TensorType type, bool transposed, TensorType stored) {
  if (kernels->types[type].panel) return type == stored && transposed;
  return type == stored || stored == TENSOR_F32;
}

/* Tries the types after f32, which are all smaller. */
static const Packed *pack(PackedSet *s, bool transposed, const Tensor *weight) {
  if (precision_of_weights(weight->type) == PRECISION_BF16)
    return packed_as(s, weight->type, transposed, weight);
  const bool compact = s->compact || kernels->types[weight->type].panel;
  for (int i = 1; i < TENSOR_WEIGHT_TYPES && compact; i++) {
    const TensorType type = (TensorType)i;
    const Packed *p =
        may_hold(type, transposed, weight->type) ? packed_as(s, type, transposed, weight) : NULL;
    if (p) return p;
  }
  return packed_as(s, TENSOR_F32, transposed, weight);
}

/* Weights in blocks are packed at least panel by panel: a product that reads them unpacked would have other
 * bits (kernels/isa/integers.inc), so that results would depend on which product came first. */
static const Packed *panel_by_panel(PackedSet *s, const Tensor *weight) {
  Packed *p = arena_new_of(s->arena, Packed);
  const Stored b = stored_weight(weight, true);
  *p = (Packed){b.n, b.ld, b.type, PRECISION_F32, NULL, b};
  return p;
}

static const Packed *get(PackedSet *s, bool transposed, const Tensor *weight) {
  const void *place = weight->data;
  const bool met = map_get(s->by_address, &place, sizeof place, NULL);
  const bool blocks = transposed && kernels->types[weight->type].panel;
  int64_t *at = map_slot(s->by_address, &place, sizeof place, 0);
  const Packed *p = (const Packed *)(intptr_t)*at;
  if (!met && s->compact && !blocks) return NULL;
  if (!met && s->compact)
    p = panel_by_panel(s, weight);
  else if (!p || !p->panels)
    p = pack(s, transposed, weight);
  *at = (int64_t)(intptr_t)p;
  return p;
}

/* Unlocks before unwinding if memory runs out. */
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
