#include "base/load.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* user nice system idle iowait irq softirq steal; guests are included in user and nice. Old kernels have
 * fewer. */
static void take_stat(MachineLoad *load, const char *stat, double ticks) {
  double t[8] = {0};
  if (strncmp(stat, "cpu ", 4)) return;
  const int found = sscanf(stat + 4, "%lf %lf %lf %lf %lf %lf %lf %lf", &t[0], &t[1], &t[2], &t[3], &t[4],
                           &t[5], &t[6], &t[7]);
  if (found < 4) return;
  load->busy = (t[0] + t[1] + t[2] + t[5] + t[6]) / ticks;
  load->stolen = t[7] / ticks;
  load->all = load->busy + load->stolen + (t[3] + t[4]) / ticks;
}

MachineLoad load_of_texts(const char *loadavg, const char *stat, double ticks) {
  MachineLoad load = {-1, -1, -1, -1, 0};
  double average;
  if (sscanf(loadavg, "%lf", &average) == 1) load.average = average;
  take_stat(&load, stat, ticks);
  return load;
}

/* The first 255 bytes of a file, as text. */
static const char *read_beginning(char text[256], const char *path) {
  FILE *f = fopen(path, "re");
  const size_t length = f ? fread(text, 1, 255, f) : 0;
  text[length] = '\0';
  if (f) fclose(f);
  return text;
}

MachineLoad load_now(void) {
  char loadavg[256], stat[256];
  MachineLoad load = load_of_texts(read_beginning(loadavg, "/proc/loadavg"),
                                   read_beginning(stat, "/proc/stat"), (double)sysconf(_SC_CLK_TCK));
  struct rusage own;
  getrusage(RUSAGE_SELF, &own);
  load.own = (double)(own.ru_utime.tv_sec + own.ru_stime.tv_sec) +
             1e-6 * (double)(own.ru_utime.tv_usec + own.ru_stime.tv_usec);
  return load;
}

/* Ticks are coarse: times are known to a tenth of a second. */
Disturbance load_between(const MachineLoad *before, const MachineLoad *after) {
  static const double blur = 0.1;
  Disturbance d = {before->average, -1, -1, 0};
  const double all = after->all - before->all;
  if (before->all < 0 || after->all < 0 || all <= 0) return d;
  d.others = fmax(0, after->busy - before->busy - (after->own - before->own) - blur) / all;
  d.stolen = fmax(0, after->stolen - before->stolen - blur) / all;
  return d;
}

/* The load average covers the minute before, so it is used only if the times of the measurement itself are
 * unknown. */
bool load_disturbs(const Disturbance *d, int processors) {
  static const double tolerated = 0.05, loaded = 0.5, steady = 0.1;
  if (fabs(d->moved) > steady) return true;
  if (d->others >= 0) return d->others + d->stolen > tolerated;
  return d->average > loaded * processors;
}
