/* kernels.c - selects the table of an instruction set. */
#include "kernels/kernels.h"

#include <stdlib.h>
#include <string.h>
#if defined __x86_64__ && !defined KERNELS_SCALAR_ONLY
#define WIDE_KERNELS
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

extern const Kernels kernels_scalar, kernels_avx2, kernels_avx512, kernels_avx512bf16, kernels_amx;

const Kernels *kernels = &kernels_scalar;

#ifdef WIDE_KERNELS
/* __builtin_cpu_supports of clang 14 does not have it. */
static bool has_f16c(void) {
  unsigned a, b, c, d;
  return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C);
}
static bool has_avx2(void) {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c();
}
static bool has_avx512(void) {
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq");
}
static bool has_avx512bf16(void) {
  unsigned a, b, c, d;
  return has_avx512() && __builtin_cpu_supports("avx512vnni") && __get_cpuid_count(7, 1, &a, &b, &c, &d) &&
         (a & bit_AVX512BF16);
}
/* Tiles add 8 kB to each thread's saved state: Linux (since 5.16) requires a request first. */
static bool has_amx(void) {
  enum { REQUEST_STATE = 0x1023, TILE_DATA = 18, AMX_BF16 = 1 << 22, AMX_TILE = 1 << 24 };
  unsigned a, b, c, d;
  return has_avx512bf16() && __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d & AMX_BF16) && (d & AMX_TILE) &&
         !syscall(SYS_arch_prctl, REQUEST_STATE, TILE_DATA);
}
#endif

/* In increasing order of speed. */
const Kernels *kernels_available(int index) {
  if (index == 0) return &kernels_scalar;
#ifdef WIDE_KERNELS
  if (index == 1 && has_avx2()) return &kernels_avx2;
  if (index == 2 && has_avx512()) return &kernels_avx512;
  if (index == 3 && has_avx512bf16()) return &kernels_avx512bf16;
  if (index == 4 && has_amx()) return &kernels_amx;
#endif
  return NULL;
}

bool kernels_select(const char *name) {
  if (!name) name = getenv("INKSTONE_ISA");
  const Kernels *chosen = NULL, *each;
  for (int i = 0; (each = kernels_available(i)); i++)
    if (!name || !*name || !strcmp(each->isa, name)) chosen = each;
  if (chosen) kernels = chosen;
  return chosen != NULL;
}

static bool named_one; /* INKSTONE_ISA is unset or supported */

__attribute__((constructor)) static void select_at_start(void) {
  named_one = kernels_select(NULL);
  if (!named_one) kernels_select("");
}

bool kernels_as_named(void) {
  return named_one;
}
