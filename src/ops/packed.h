/* packed.h - a matrix packed once for many products: the weights of a recurrence, met at every step, and
 * those of a model that writes many texts at once. gemm_packed (gemm.h) multiplies with it. */
#ifndef OPS_PACKED_H
#define OPS_PACKED_H

#include <stdbool.h>
#include <stdint.h>

/* Steps of k that make one partial sum. */
enum { PACKED_STEPS = 256 };

/* op(B) [k,n], in panels as products meet them: [k / PACKED_STEPS][n / nr][steps][nr]. */
typedef struct Packed {
  int64_t n, k;
  float *panels;
} Packed;

int64_t packed_floats(int64_t n, int64_t k); /* room that `panels` needs */
/* op(B) is [k,n]; transpose: B is stored [n,k]. */
void packed_fill(Packed *, bool transpose, const float *b, int64_t ldb);
/* Columns `column`, ... of steps `first`, ...: of the first of a panel, the first of PACKED_STEPS. */
const float *packed_panel(const Packed *, int64_t column, int64_t first);

/* Matrices that do not change while the set lives, each packed when it is first asked for, by any thread. */
typedef struct PackedSet PackedSet;
PackedSet *packed_set_new(void);
void packed_set_free(PackedSet *);
const Packed *packed_set_get(PackedSet *, bool transpose, int64_t n, int64_t k, const float *b, int64_t ldb);

#endif
