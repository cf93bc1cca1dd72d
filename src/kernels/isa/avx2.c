/* AVX2 and FMA (2013): 16 registers of 8 floats; 12 of them hold a block of 6 x 16. */
#define VL      8
#define GEMM_MR 6
#define GEMM_VN 2
#define ISA     "avx2"
#define TABLE   kernels_avx2
#include "kernels/isa/kernels.inc"
