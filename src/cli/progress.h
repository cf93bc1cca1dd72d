/* progress.h - shows the events of a library call on stderr: one redrawn line on a terminal, otherwise a
 * plain line every few seconds. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include "base/error.h"
#include "base/figure.h"

typedef struct Progress {
  bool quiet, terminal, blocks; /* blocks: the terminal shows UTF-8 */
  bool drawn;                   /* the bar is on the screen */
  bool printed;                 /* this stage has a plain line */
  char stage[64];
  double stage_began, shown; /* when the stage began, and when it was last shown */
  int64_t stage_from;        /* how much of it was done when it began */
  char beginning[64];        /* first words of the last sample text, to suggest as a prompt */
} Progress;

void progress_open(Progress *, bool quiet);
/* A call whose events are shown here and that Ctrl-C stops. */
ink_call progress_call(Progress *);
/* Removes the bar from the screen. */
void progress_close(Progress *);

/* Prints a line above the bar; nothing with --quiet. */
void progress_say(Progress *, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
