/* packed.h - a matrix packed once for many products: the weights of a recurrence, met at every step, and
 * those of a model that writes many texts at once. gemm_packed (gemm.h) multiplies with it. */
#ifndef OPS_PACKED_H
#define OPS_PACKED_H

#include "ops/tensor.h"

/* Steps of k that make one partial sum, of f32 and of bf16, whose C would else be read and written more often
 * than its products take; and the largest gemm_nr: together a panel at its largest. */
enum { PACKED_STEPS = 256, PAIRED_STEPS = 1024, PACKED_WIDEST = 32 };

/* Of the numbers that are multiplied: as they are, or the nearest that bf16 has. Sums are of f32 in any case.
 */
typedef enum Precision { PRECISION_F32, PRECISION_BF16 } Precision;
/* "f32", "bf16"; "auto": bf16 if the processor multiplies it faster than f32, which is tried for a moment. */
Precision precision_named(const char *);
const char *precision_name(Precision);

/* op(B) [k,n] as it is stored: [k,n] or, transposed, [n,k], of f32 or 16 bits; its rows are `ld` apart. */
typedef struct Stored {
  const void *at;
  TensorType type;
  bool transposed;
  int64_t n, ld;
} Stored;
Stored stored_weight(const Tensor *, bool transposed);
/* Steps `first`, ... of columns `column`, ..., as many as a panel has, as floats: [steps][nr]. */
void stored_panel(const Stored *, float *out, int64_t column, int64_t first, int64_t steps);
/* The same as a panel of pairs of bf16. */
void stored_pairs(const Stored *, uint32_t *out, int64_t column, int64_t first, int64_t steps);

/* op(B) [k,n], in panels as products meet them: [k / PACKED_STEPS][n / nr][steps][nr]. Of 16 bits only where
 * they hold the very values: products have the same bits, and a row, which does nothing but read B, half the
 * bytes to read. */
typedef struct Packed {
  int64_t n, k;
  TensorType type; /* f32, bf16, f16 */
  void *panels;
} Packed;

int64_t packed_count(int64_t n, int64_t k); /* elements that `panels` must have room for */
/* op(B) is [k,n]; transpose: B is stored [n,k]. False if the type does not hold the values. */
bool packed_fill(Packed *, bool transpose, const float *b, int64_t ldb);
/* Columns `column`, ... of steps `first`, ...: of the first of a panel, the first of PACKED_STEPS. */
const void *packed_panel(const Packed *, int64_t column, int64_t first);

/* Matrices that do not change while the set lives, each packed when it is asked for, by any thread: as
 * floats, which pays for several rows met again and again; or, `halves`, with 16 bits where those hold the
 * values, else as floats, and not before it is asked for the second time: that costs as much memory again,
 * which is cleared first, and a prompt is read before. */
typedef struct PackedSet PackedSet;
PackedSet *packed_set_new(bool halves);
void packed_set_free(PackedSet *);
/* Of a weight [k,n] or, transposed, [n,k], of f32 or 16 bits; NULL: take it as it lies this time. */
const Packed *packed_set_get(PackedSet *, bool transposed, const Tensor *weight);

#endif
