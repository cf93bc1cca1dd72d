/* packed.h - matrices packed once for many products: the weights of a recurrence, used at every step, and
 * of a model that generates. Used by gemm_packed (gemm.h). */
#ifndef OPS_PACKED_H
#define OPS_PACKED_H

#include "ops/tensor.h"

/* Steps of k per partial sum with f32 (with bf16 PAIRED_STEPS, as fewer would be bound by reading and writing
 * C); and the largest gemm_nr. */
enum { PACKED_STEPS = 256, PACKED_WIDEST = 32 };

/* Number format of the operands of matrix products: f32, or rounded to bf16. Sums are always f32. */
typedef enum Precision { PRECISION_F32, PRECISION_BF16 } Precision;
/* "f32", "bf16"; "auto": bf16 if a short measurement finds it faster than f32. */
Precision precision_named(const char *);
const char *precision_name(Precision);
/* Of products with weights that are stored so and packed by a set: bf16 for weights of bf16, if the processor
 * has such products. */
Precision precision_of_weights(TensorType);

/* op(B) [k,n] as stored: [k,n] or, transposed, [n,k], of any type, with row stride `ld` in elements. */
typedef struct Stored {
  const void *at;
  TensorType type;
  bool transposed;
  int64_t n, ld;
} Stored;
Stored stored_weight(const Tensor *, bool transposed);
/* Packs `steps` steps from `first` of the panel at `column` as floats: [steps][nr]. */
void stored_panel(const Stored *, float *out, int64_t column, int64_t first, int64_t steps);
/* As above, in pairs of bf16. */
void stored_pairs(const Stored *, uint32_t *out, int64_t column, int64_t first, int64_t steps);

/* op(B) [k,n], in the order in which a row is multiplied by it: [n / nr][k / PACKED_STEPS], each a panel of
 * its type (kernels.h). A type other than f32 is used only if it holds the values exactly: results are the
 * same, and products of a single row, which are bound by reading B, are faster. For products of precision
 * bf16 panels are those of kernels->pairs_b. */
typedef struct Packed {
  int64_t n, k;
  TensorType type;
  Precision precision;
  void *panels; /* NULL: each is packed from `stored` when it is read; of types in blocks only */
  Stored stored;
} Packed;

size_t packed_bytes(TensorType, Precision, int64_t n, int64_t k); /* of `panels`; */
int64_t packed_floats(int64_t n, int64_t k);                      /* of f32, in floats */
/* Packs b = op(B) [k,n]. False if the type cannot hold its values. */
bool packed_fill(Packed *, Stored b);
/* The panel at `column`, a multiple of nr, and step `first`, a multiple of PACKED_STEPS. Valid until the
 * thread's next call. */
const void *packed_panel(const Packed *, int64_t column, int64_t first);

/* A cache of packed matrices, which must not change while the set exists; thread-safe. Each is packed on
 * first use as floats, which pays for repeated products with several rows; or, `compact`, in the smallest
 * type that holds the values, on second use only, since packing takes time and as much memory again, and
 * the first use only reads a prompt. Types stored in blocks are kept; on first use their panels are packed
 * one at a time, as their products have other bits than those of unpacked weights. */
typedef struct PackedSet PackedSet;
PackedSet *packed_set_new(bool compact);
void packed_set_free(PackedSet *);
/* The packed form of a weight [k,n] or, transposed, [n,k]; NULL: use it unpacked this time. */
const Packed *packed_set_get(PackedSet *, bool transposed, const Tensor *weight);

#endif
