/* AVX-512: 32 registers of 16 floats; 28 of them hold a block of 14 x 32. */
#define VL      16
#define GEMM_MR 14
#define GEMM_VN 2
#define ISA     "avx512"
#define TABLE   kernels_avx512

#include <immintrin.h>
#define FIRST(n)            (__mmask16)((1u << (n)) - 1)
#define LOAD_SOME(p, n)     _mm512_maskz_loadu_ps(FIRST(n), p)
#define STORE_SOME(p, v, n) _mm512_mask_storeu_ps(p, FIRST(n), v)
#define WIDEN_F16(p)        (vf) _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(p)))
#define WIDEN_BF16(p) \
  (vf) _mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(p))), 16)
#include "kernels/isa/kernels.inc"
