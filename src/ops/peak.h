/* peak.h - peak rates of this machine, from short measurements, to compare speeds with. */
#ifndef OPS_PEAK_H
#define OPS_PEAK_H

#include "ops/packed.h"

/* FLOP/s of fused multiply-adds on that many threads; bf16 falls back to f32 where the processor has no
 * bf16 products. */
double machine_peak_flops(int threads, Precision);
/* Multiplications and additions per second of 8-bit integers. */
double machine_peak_integers(int threads);
/* Read bandwidth in bytes/s of all threads, each reading its own array of `bytes` bytes repeatedly. */
double machine_read_bandwidth(int64_t bytes);
/* As above, with arrays far larger than any cache. */
double machine_memory_bandwidth(void);
/* Bytes of cache level 1 to 3 per thread (level 3 is shared); a typical value if the system does not
 * report it. */
int64_t machine_cache(int level);

#endif
