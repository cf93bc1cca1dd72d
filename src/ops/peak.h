/* peak.h - what this machine can do at most, measured in a moment: the ceiling that speeds are told against.
 */
#ifndef OPS_PEAK_H
#define OPS_PEAK_H

#include "ops/packed.h"

/* Fused multiply-adds, in FLOP/s, over that many threads at once; of bf16 where the processor has such, as it
 * is f32's that do their work elsewhere. */
double machine_peak_flops(int threads, Precision);
/* Reading, in bytes/s, with all threads, each again and again through an array of its own of so many bytes.
 */
double machine_read_bandwidth(int64_t bytes);
/* The same from arrays far larger than any cache. */
double machine_memory_bandwidth(void);
/* Bytes of a level of the caches, 1 to 3, that a thread may call its own; what is usual where the system does
 * not say. */
int64_t machine_cache(int level);

#endif
