/* quantize.h - TypeKernels.narrow of the types whose scales are searched for. One function for all
 * instruction sets, so that a model has the same bytes wherever it is converted. */
#ifndef KERNELS_QUANTIZE_H
#define KERNELS_QUANTIZE_H

#include <stdint.h>

void quantize_q2_k(void *y, const float *x, int64_t n);
void quantize_q3_k(void *y, const float *x, int64_t n);
void quantize_q4_k(void *y, const float *x, int64_t n);
void quantize_q5_k(void *y, const float *x, int64_t n);
void quantize_q6_k(void *y, const float *x, int64_t n);
void quantize_iq4_nl(void *y, const float *x, int64_t n);

/* As TypeKernels.narrow of q8_0, with scales that are searched for: 100 times as slow. */
void quantize_q8_0(void *y, const float *x, int64_t n);

#endif
