/* Portable C: vectors of four floats, which compilers lower to any machine. The reference for the others. */
#define VL        4
#define GEMM_MR   4
#define GEMM_VN   2
#define LEVELS_MR 2
#define ISA       "scalar"
#define TABLE     kernels_scalar
#include "kernels/isa/kernels.inc"
