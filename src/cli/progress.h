/* progress.h - shows the news of a running activity on stderr: one redrawn line on a terminal, a plain line
 * every few seconds elsewhere. Results are not its business. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include "base/error.h"
#include "base/figure.h"

typedef struct Progress {
  bool quiet, terminal, blocks; /* blocks: the terminal shows UTF-8 */
  bool drawn;                   /* the bar is on the screen */
  bool told;                    /* this stage has a plain line */
  char stage[64];
  double stage_began, shown; /* when the stage began, and when it was last shown */
  char beginning[64];        /* how the last sample text began: a prompt to try */
} Progress;

void progress_open(Progress *, bool quiet);
/* How a call runs that tells its news here: what is heard is shown, and Ctrl-C stops it. */
ink_call progress_call(Progress *);
/* Takes the bar off the screen. */
void progress_close(Progress *);

/* A line above the bar; nothing with --quiet. */
void progress_say(Progress *, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
