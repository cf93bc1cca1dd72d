/* pace.h - makes a run with a budget end in time: computes how many updates still fit, from the measured time
 * of updates and of other work.
 *
 * Arithmetic only: clock readings are arguments, in seconds, so that tests can use a simulated clock. */
#ifndef TRAIN_PACE_H
#define TRAIN_PACE_H

#include <stdbool.h>
#include <stdint.h>

/* Work of a run other than updates; PACE_RESULTS: scoring the finished model. */
typedef enum PaceWork { PACE_EVALUATION, PACE_SAMPLE, PACE_CHECKPOINT, PACE_RESULTS, PACE_WORKS } PaceWork;

/* Exponentially decaying sums of updates and their seconds, with time constant `window` (seconds). */
typedef struct PaceMean {
  double window, updates, seconds;
} PaceMean;

typedef struct Pace {
  double begin, deadline; /* deadline 0: none */
  double next_look;
  int64_t most; /* updates that are worth making; 0: any number */
  PaceMean recent, usual;
  struct {
    int64_t every;  /* interval in updates; 0: only after the last update */
    double closing; /* how often it is done after the last update */
    double seconds; /* duration of the last one */
    double update;  /* seconds per update at that time; 0: unknown, `seconds` is not rescaled */
  } works[PACE_WORKS];
} Pace;

void pace_open(Pace *, double now, double deadline);
/* Sets the expected cost of a kind of work, in updates, until it is measured. */
void pace_expect(Pace *, PaceWork, int64_t every, double closing, double updates);
/* Report the duration of an update, and of other work. */
void pace_updated(Pace *, double seconds);
void pace_worked(Pace *, PaceWork, double seconds);

/* Called after each update, before other work that is due: returns the total number of updates the run should
 * have. `steps`: the planned number fits; `done`: there is no time for another update. */
int64_t pace_steps(Pace *, double now, int64_t done, int64_t steps);
/* Called after an evaluation: whether there is no time for another update and the closing work, so that the
 * run must end with the model just evaluated. */
bool pace_is_over(const Pace *, double now);
/* Whether the budget allows any evaluation; if not, none is planned. */
bool pace_affords_evaluation(const Pace *);
/* Share (0 to 1) of the held-out text that there is time to score the finished model on. */
double pace_results_share(const Pace *, double now);
/* Estimated seconds until the run ends, at most until the deadline. */
double pace_seconds_left(const Pace *, double now, int64_t done, int64_t steps);

#endif
