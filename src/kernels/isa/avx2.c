/* AVX2, FMA and F16C (2013): 16 registers of 8 floats; 12 of them hold a block of 6 x 16. */
#define VL          8
#define GEMM_MR     6
#define GEMM_VN     2
#define ISA         "avx2"
#define TABLE       kernels_avx2
#define WHOLE_BLOCK "kernels/isa/block_avx2.inc"

#include <immintrin.h>
#define WIDEN_F16(p)  (vf) _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(p)))
#define WIDEN_BF16(p) (vf) _mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(p))), 16)
#define LEVELS_MR     2
#define LOOK_UP(values, x)                                                                          \
  (vi) _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(values))), \
                           (__m256i)(x))
#define DOT4_SMALL(sum, q, a) \
  ((sum) + (vi)_mm256_madd_epi16(_mm256_maddubs_epi16((__m256i)(q), (__m256i)(a)), _mm256_set1_epi16(1)))
#define DOT4_SIGNED(sum, q, a) \
  DOT4_SMALL(sum, _mm256_abs_epi8((__m256i)(q)), _mm256_sign_epi8((__m256i)(a), (__m256i)(q)))
#include "kernels/isa/kernels.inc"
