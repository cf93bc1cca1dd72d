/* peak.h - what this machine can do at most, measured in a moment: the ceiling that speeds are told against.
 */
#ifndef OPS_PEAK_H
#define OPS_PEAK_H

/* f32 fused multiply-adds, in FLOP/s, over that many threads at once. */
double machine_peak_flops(int threads);
/* Reading memory with all threads, in bytes/s, from an array far larger than any cache. */
double machine_memory_bandwidth(void);

#endif
