/* kernels.h - pure functions on raw memory, from one source (isa/kernels.inc) compiled once per instruction
 * set.
 *
 * kernels.def lists them, and types.def those of each type of weights; the struct of the table below, each
 * instruction set's table, and tests are generated from these lists. kernels_select() selects the best
 * table the processor supports, or the one named by the environment variable INKSTONE_ISA ("scalar",
 * "avx2", "avx512", "avx512bf16", "amx"). Single-threaded, no allocation, no dependencies. */
#ifndef KERNELS_KERNELS_H
#define KERNELS_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The types of weights (types.def), and i32 for token ids. */
typedef enum TensorType {
#define TYPE(NAME, ...) TENSOR_##NAME,
#include "kernels/types.def"
#undef TYPE
  TENSOR_WEIGHT_TYPES,
  TENSOR_I32 = TENSOR_WEIGHT_TYPES
} TensorType;

/* Panels of up to LEVELS_STEPS steps and LEVELS_WIDEST columns (gemm_nr), unpacked from a type of blocks:
 * x = d (q - bias) + m in runs of 16 or 32 steps. q: of each run [run / 4][gemm_nr], four steps each, lowest
 * byte first, `apart` behind those of the last run, in the panel itself or in `unpacked`; below 128 unless
 * bias is 128. d, m: [runs][gemm_nr]; m only if affine. Aligned, since a vector that crosses cache lines is
 * two loads. */
enum { LEVELS_STEPS = 256, LEVELS_WIDEST = 32 };
typedef struct Levels {
  int run, bias;
  bool affine;
  const uint32_t *q;
  int64_t apart;
  _Alignas(64) uint32_t unpacked[LEVELS_STEPS / 4 * LEVELS_WIDEST];
  float d[LEVELS_STEPS / 16 * LEVELS_WIDEST], m[LEVELS_STEPS / 16 * LEVELS_WIDEST];
} Levels;

/* Values that dominate their runs of activations, at most two of 32, in the order of their steps. */
enum { OUTLIERS = LEVELS_STEPS / 32 * 2 };
typedef struct Outliers {
  int32_t count, step[OUTLIERS];
  float x[OUTLIERS];
} Outliers;

/* Rows of activations as integers, x = scale q: q [rows, k]; for each 32 of them a scale and the sums of q,
 * of all and of each half; for each LEVELS_STEPS the outliers, whose q is 0. */
typedef struct IntegerRun {
  float scale;
  int32_t sum, half[2];
} IntegerRun;
typedef struct Integers {
  const int8_t *q;
  const IntegerRun *runs;
  const Outliers *outliers;
  int64_t k; /* a multiple of 32 */
} Integers;
static inline int64_t outliers_of(int64_t k) {
  return (int64_t)(((uint64_t)k + LEVELS_STEPS - 1) / LEVELS_STEPS);
}

/* A panel is gemm_nr columns of a matrix [k, n] for k steps (whole blocks), as large as its elements. */
typedef struct TypeKernels {
  /* n elements, whole blocks. narrow rounds to the nearest value of the type, as GGML's reference quantizer,
   * or as a search for scales of less error (quantize.c). */
  void (*widen)(float *y, const void *x, int64_t n);
  void (*narrow)(void *y, const float *x, int64_t n);
  /* Packs a panel of `columns` columns, each stored along k, at a stride of `apart` bytes. NULL: a panel
   * is [k][gemm_nr] elements, converted individually. */
  void (*panel)(void *out, const void *in, int64_t apart, int64_t columns, int64_t k);
  /* Of elements: [k][gemm_nr]; */
  void (*widen_panel)(float *out, const void *panel, int64_t k);
  /* One row times panels, each `apart` steps behind the last: c[cols] = from[cols] (NULL: 0) + x[k] b.
   * Same bits as gemm_block with the widened panels. Fastest with ROW_PANELS panels at a time. */
  void (*row)(float *c, const float *from, const float *x, const void *panels, int64_t apart, int64_t k,
              int64_t cols);
  /* Of blocks, in place of the last two: one row times one panel; same bits as gemm_levels. */
  void (*unpack)(Levels *out, const void *panel, int64_t k);
  void (*row_of_integers)(float *c, const float *from, const Integers *x, const void *panel, int64_t k,
                          int64_t cols);
} TypeKernels;

typedef struct Kernels {
  const char *isa;
#define KERNEL(type, name, ...) type (*name)(__VA_ARGS__);
#include "kernels/kernels.def"
#undef KERNEL
  TypeKernels types[TENSOR_WEIGHT_TYPES];
} Kernels;

/* Panels that TypeKernels.row reads concurrently; steps of k per partial sum of products of bf16. */
enum { ROW_PANELS = 4, PAIRED_STEPS = 1024 };

/* The table in use. Set at program start; changed only by kernels_select. */
extern const Kernels *kernels;

/* name NULL: INKSTONE_ISA if set, else the best supported. False (and no change) if it is unknown or not
 * supported. */
bool kernels_select(const char *name);
/* False if INKSTONE_ISA names an instruction set that was not available at start. */
bool kernels_as_named(void);
/* The index-th table this processor supports, from scalar up; NULL past the last. */
const Kernels *kernels_available(int index);

#endif
