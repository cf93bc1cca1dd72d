/* AVX-512 with AMX (2023): products of bf16 on 1 kB tiles. */
#define VL      16
#define GEMM_MR 14
#define GEMM_VN 2
#define ISA     "amx"
#define TABLE   kernels_amx

#include "kernels/isa/avx512.inc"
#define TILES
#include "kernels/isa/kernels.inc"
