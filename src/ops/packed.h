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

/* op(B) [k,n] as it is stored: [k,n] or, transposed, [n,k], of any type; its rows are `ld` elements apart.
 * The two functions below are the only ones that read it. */
typedef struct Stored {
  const void *at;
  TensorType type;
  bool transposed;
  int64_t n, ld;
} Stored;
Stored stored_weight(const Tensor *, bool transposed);
/* Steps `first`, ... of columns `column`, ..., as many as a panel has, as floats: [steps][nr]. */
void stored_panel(const Stored *, float *out, int64_t column, int64_t first, int64_t steps);
/* As above, in pairs of bf16. */
void stored_pairs(const Stored *, uint32_t *out, int64_t column, int64_t first, int64_t steps);

/* op(B) [k,n], in panels as products meet them: [k / PACKED_STEPS][n / nr], each a panel of its type
 * (kernels.h). Of another type than f32 only where it holds the very values: products have the same bits, and
 * a row, which does nothing but read B, fewer bytes to read. */
typedef struct Packed {
  int64_t n, k;
  TensorType type;
  void *panels;
} Packed;

size_t packed_bytes(TensorType, int64_t n, int64_t k); /* of `panels`; */
int64_t packed_floats(int64_t n, int64_t k);           /* of f32, in floats */
/* op(B) is [k,n] = b. False if the type does not hold the values. */
bool packed_fill(Packed *, Stored b);
/* Columns `column`, ... of steps `first`, ...: of the first of a panel, the first of PACKED_STEPS. */
const void *packed_panel(const Packed *, int64_t column, int64_t first);

/* Matrices that do not change while the set lives, each packed when it is asked for, by any thread: as
 * floats, which pays for several rows met again and again; or, `compact`, in the smallest type that holds the
 * values, and not before it is asked for the second time: that costs as much memory again, which is cleared
 * first, and a prompt is read before. What is stored in blocks keeps its type. */
typedef struct PackedSet PackedSet;
PackedSet *packed_set_new(bool compact);
void packed_set_free(PackedSet *);
/* Of a weight [k,n] or, transposed, [n,k]; NULL: take it as it lies this time. */
const Packed *packed_set_get(PackedSet *, bool transposed, const Tensor *weight);

#endif
