/* kernels.h - pure functions on raw memory, one text (kernels.c) compiled once per instruction set.
 *
 * kernels.def lists them, and types.def those of each type of weights; from the lists come the table's struct
 * here, the table each instruction set fills in, and their tests. kernels_select() picks the best table this
 * processor runs, or the one named by the environment variable INKSTONE_ISA ("scalar", "avx2", "avx512",
 * "avx512bf16", "amx"). Single-threaded, no allocation, no dependencies. */
#ifndef KERNELS_KERNELS_H
#define KERNELS_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The types of types.def, which weights may have, and integers, which name tokens. */
typedef enum TensorType {
#define TYPE(NAME, ...) TENSOR_##NAME,
#include "kernels/types.def"
#undef TYPE
  TENSOR_WEIGHT_TYPES,
  TENSOR_I32 = TENSOR_WEIGHT_TYPES
} TensorType;

/* A panel is gemm_nr columns of a matrix [k, n] for k steps, whole blocks, in as many bytes as its elements
 * take. */
typedef struct TypeKernels {
  /* n elements, whole blocks. To the type: each value becomes the nearest that the type has, or
   * what GGML's reference quantizer gives; NULL: only read. */
  void (*widen)(float *y, const void *x, int64_t n);
  void (*narrow)(void *y, const float *x, int64_t n);
  /* A panel of `columns` columns, each stored along k, `apart` bytes from one to the next. NULL: a panel is
   * [k][gemm_nr] elements, which are converted one by one. */
  void (*panel)(void *out, const void *in, int64_t apart, int64_t columns, int64_t k);
  void (*widen_panel)(float *out, const void *panel, int64_t k); /* [k][gemm_nr] */
  /* One row times panels, one after the other: c[cols] = from[cols] (NULL: 0) + x[k] b. Bit for bit what
   * gemm_block gives with each of them, widened. ROW_PANELS at a time are the quickest. */
  void (*row)(float *c, const float *from, const float *x, const void *panels, int64_t k, int64_t cols);
} TypeKernels;

typedef struct Kernels {
  const char *isa;
#define KERNEL(type, name, ...) type (*name)(__VA_ARGS__);
#include "kernels/kernels.def"
#undef KERNEL
  TypeKernels types[TENSOR_WEIGHT_TYPES];
} Kernels;

/* Panels that TypeKernels.row reads side by side. */
enum { ROW_PANELS = 4 };

/* The table in use. Set at start; changed only by kernels_select. */
extern const Kernels *kernels;

/* name NULL: INKSTONE_ISA if set, else the best supported. False if unknown or not supported here
 * (kernels is then left as it was). */
bool kernels_select(const char *name);
/* Is the one that INKSTONE_ISA names in use, if it names any? */
bool kernels_as_named(void);
/* Tables this processor can run, from scalar up: the index-th, NULL past the last. */
const Kernels *kernels_available(int index);

#endif
