/* AVX-512: 32 registers of 16 floats; 28 of them hold a block of 14 x 32. */
#define VL      16
#define GEMM_MR 14
#define GEMM_VN 2
#define ISA     "avx512"
#define TABLE   kernels_avx512

#include "kernels/isa/avx512.inc"
#include "kernels/isa/kernels.inc"
