/* load.h - load by other programs during a measurement, from /proc/loadavg and /proc/stat. */
#ifndef BASE_LOAD_H
#define BASE_LOAD_H

#include <stdbool.h>

/* At one instant. Processor seconds since boot; -1: unknown. */
typedef struct MachineLoad {
  double average; /* runnable programs, averaged over the last minute */
  double all;     /* all processors */
  double busy;    /* running programs of this machine */
  double stolen;  /* given by the host to other machines */
  double own;     /* running this process */
} MachineLoad;

/* `ticks` per second: the unit of /proc/stat. Values are unknown if a text has another form. */
MachineLoad load_of_texts(const char *loadavg, const char *stat, double ticks);
MachineLoad load_now(void);

/* Between two instants. */
typedef struct Disturbance {
  double average;        /* before; -1: unknown */
  double others, stolen; /* shares of the processors' time, 0 to 1; -1: unknown */
  double moved;          /* relative change of a reference measurement, before and after; set by the caller */
} Disturbance;
Disturbance load_between(const MachineLoad *before, const MachineLoad *after);
/* Did the load probably change a measurement on that many processors? */
bool load_disturbs(const Disturbance *, int processors);

#endif
