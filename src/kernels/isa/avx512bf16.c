/* AVX-512 with products of bf16 (2020): pairs of them in 32-bit lanes. */
#define VL      16
#define GEMM_MR 14
#define GEMM_VN 2
#define ISA     "avx512bf16"
#define TABLE   kernels_avx512bf16

#include "kernels/isa/avx512.inc"
#define DOT2(sum, a, b) (vf) _mm512_dpbf16_ps((__m512)(sum), (__m512bh)(a), (__m512bh)(b))
/* 32 words, interleaved; those of a row along k only change places, as a pair's first is in the upper half.
 */
static const unsigned short interleaved[32] = {0, 16, 1, 17, 2,  18, 3,  19, 4,  20, 5,  21, 6,  22, 7,  23,
                                               8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
#define PAIR(first, second)                                      \
  (vw) _mm512_permutexvar_epi16(_mm512_loadu_si512(interleaved), \
                                (__m512i)_mm512_cvtne2ps_pbh((__m512)(first), (__m512)(second)))
#define PAIR_ALONG(low, high) \
  (vw) _mm512_rol_epi32((__m512i)_mm512_cvtne2ps_pbh((__m512)(high), (__m512)(low)), 16)
#include "kernels/isa/kernels.inc"
