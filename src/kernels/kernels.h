/* kernels.h - pure functions on raw memory, one text (kernels.c) compiled once per instruction set.
 *
 * kernels.def lists them; from the list come the table's struct here, the table each instruction set fills
 * in, and their tests. kernels_select() picks the best table this processor runs, or the one named by the
 * environment variable INKSTONE_ISA ("scalar", "avx2", "avx512", "avx512bf16", "amx"). Single-threaded, no
 * allocation, no dependencies. */
#ifndef KERNELS_KERNELS_H
#define KERNELS_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Kernels {
  const char *isa;
#define KERNEL(type, name, ...) type (*name)(__VA_ARGS__);
#include "kernels/kernels.def"
#undef KERNEL
} Kernels;

/* Panels that row_f32, row_bf16 and row_f16 read side by side. */
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
