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
#include "kernels/isa/kernels.inc"
