/* load.h - what else this machine does while something is measured: from the texts of /proc/loadavg and
 * /proc/stat. */
#ifndef BASE_LOAD_H
#define BASE_LOAD_H

#include <stdbool.h>

/* At one instant. Seconds of processors since the machine started; -1: unknown. */
typedef struct MachineLoad {
  double average; /* programs that wanted to run, over the last minute */
  double all;     /* of all processors together */
  double busy;    /* of those, running programs of this machine */
  double stolen;  /* of those, given by the host to other machines */
  double own;     /* running this process */
} MachineLoad;

/* /proc/stat counts in ticks, of which a second has so many. Texts of another form are unknown values. */
MachineLoad load_of_texts(const char *loadavg, const char *stat, double ticks);
MachineLoad load_now(void);

/* Between two instants. */
typedef struct Disturbance {
  double average;        /* before; -1: unknown */
  double others, stolen; /* shares of the processors' time, 0 to 1; -1: unknown */
  double moved;          /* the same thing, measured before and after, differs by this share; the caller's */
} Disturbance;
Disturbance load_between(const MachineLoad *before, const MachineLoad *after);
/* Would a measurement on so many processors have come out otherwise? */
bool load_disturbs(const Disturbance *, int processors);

#endif
