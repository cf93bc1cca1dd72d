/* AVX-512 with products of bf16 (2020): pairs of them in 32-bit lanes. */
#define VL      16
#define GEMM_MR 14
#define GEMM_VN 2
#define ISA     "avx512bf16"
#define TABLE   kernels_avx512bf16

#include "kernels/isa/avx512.inc"
#define DOT2(sum, a, b) (vf) _mm512_dpbf16_ps((__m512)(sum), (__m512bh)(a), (__m512bh)(b))
#include "kernels/isa/kernels.inc"
