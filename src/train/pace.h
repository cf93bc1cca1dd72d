/* pace.h - a run with a budget ends in time: how many updates still fit, by what updates and the work between
 * them took.
 *
 * Arithmetic only. Readings of the clock are arguments, in seconds, so that a test can have a clock of its
 * own. */
#ifndef TRAIN_PACE_H
#define TRAIN_PACE_H

#include <stdbool.h>
#include <stdint.h>

/* What a run does beside updates; PACE_RESULTS: scoring the finished model. */
typedef enum PaceWork { PACE_EVALUATION, PACE_SAMPLE, PACE_CHECKPOINT, PACE_RESULTS, PACE_WORKS } PaceWork;

/* Updates and their seconds, where those longer ago than `window` seconds hardly count. */
typedef struct PaceMean {
  double window, updates, seconds;
} PaceMean;

typedef struct Pace {
  double begin, deadline; /* deadline 0: none */
  double next_look;
  PaceMean recent, usual;
  struct {
    int64_t every;  /* updates from one to the next; 0: none before the last update */
    double closing; /* times after the last update */
    double seconds; /* the last one */
    double update;  /* seconds an update took then; 0: unknown, and `seconds` is right as it is */
  } works[PACE_WORKS];
} Pace;

void pace_open(Pace *, double now, double deadline);
/* Before a kind of work was measured it is taken to cost as much as so many updates. */
void pace_expect(Pace *, PaceWork, int64_t every, double closing, double updates);
/* An update took so long; a piece of work did. */
void pace_updated(Pace *, double seconds);
void pace_worked(Pace *, PaceWork, double seconds);

/* Asked after each update, before the work that is due then: how many updates the run should have in all.
 * `steps`: as planned, which fits; `done`: there is no time for another one. */
int64_t pace_steps(Pace *, double now, int64_t done, int64_t steps);
/* Asked after an evaluation: is there no time for another update and all that follows the last one? The model
 * just evaluated is then the last. */
bool pace_is_over(const Pace *, double now);
/* Can a run of this budget have an evaluation at all? Where not, none is reckoned with. */
bool pace_affords_evaluation(const Pace *);
/* Of the text that results are measured on: the share there is time for, 0 to 1. */
double pace_results_share(const Pace *, double now);
/* Seconds until the run ends, at most those to the deadline. */
double pace_seconds_left(const Pace *, double now, int64_t done, int64_t steps);

#endif
