#include "train/pace.h"

#include <math.h>

/* Shares of the budget. */
static const double usual_window = 0.05, recent_window = 0.01, look_interval = 0.05, least_interval = 0.002,
                    spare = 0.005, results_most = 0.1, evaluation_most = 0.5;
/* Seconds. */
static const double first_look = 30, least_window = 1, window_without_budget = 30;
/* Share of the updates to go by which their number must be wrong before it is changed. */
static const double tolerance = 0.05;

static double budget(const Pace *p) {
  return p->deadline - p->begin;
}

/* ---- measurements ---- */

void pace_open(Pace *p, double now, double deadline) {
  *p = (Pace){.begin = now, .deadline = deadline};
  const double whole = deadline > 0 ? fmax(0, budget(p)) : window_without_budget / usual_window;
  p->usual.window = fmax(least_window, usual_window * whole);
  p->recent.window = fmax(least_window, recent_window * whole);
  p->next_look = now + fmin(first_look, look_interval * whole);
}

void pace_expect(Pace *p, PaceWork work, int64_t every, double closing, double updates) {
  p->works[work].every = every;
  p->works[work].closing = closing;
  p->works[work].seconds = updates;
  p->works[work].update = 1;
}

/* Even where an update takes longer than the window, the last two or three count. */
static void mean_add(PaceMean *m, double seconds) {
  const double keep = fmax(0.5, exp(-seconds / m->window));
  m->updates = keep * m->updates + 1;
  m->seconds = keep * m->seconds + seconds;
}

static double mean_update(const PaceMean *m) {
  return m->updates > 0 ? m->seconds / m->updates : 0;
}

void pace_updated(Pace *p, double seconds) {
  mean_add(&p->recent, seconds);
  mean_add(&p->usual, seconds);
}

void pace_worked(Pace *p, PaceWork work, double seconds) {
  p->works[work].seconds = seconds;
  p->works[work].update = mean_update(&p->recent);
}

/* ---- what is to come ---- */

/* Where updates take longer than they did then, so does this. */
static double whole_cost(const Pace *p, PaceWork work, double update) {
  const double then = p->works[work].update, seconds = p->works[work].seconds;
  return then > 0 && update > 0 ? seconds * update / then : seconds;
}

/* Results are measured on less text rather than take much of the time from training. */
static double cost(const Pace *p, PaceWork work, double update) {
  const double whole = whole_cost(p, work, update);
  return work == PACE_RESULTS && p->deadline > 0 ? fmin(whole, results_most * budget(p)) : whole;
}

bool pace_affords_evaluation(const Pace *p) {
  return p->deadline <= 0 || cost(p, PACE_EVALUATION, mean_update(&p->recent)) <= evaluation_most * budget(p);
}

/* A run without evaluations has no results to measure, either. */
static bool is_done(const Pace *p, PaceWork work) {
  return (work != PACE_EVALUATION && work != PACE_RESULTS) || pace_affords_evaluation(p);
}

/* All that follows the last update. */
static double closing(const Pace *p, double update) {
  double sum = p->deadline > 0 ? spare * budget(p) : 0;
  for (PaceWork w = 0; w < PACE_WORKS; w++)
    if (is_done(p, w)) sum += p->works[w].closing * cost(p, w, update);
  return sum;
}

/* What is due after this update, if it is not the last. */
static double due(const Pace *p, int64_t done, double update) {
  double sum = 0;
  for (PaceWork w = 0; w < PACE_WORKS; w++)
    if (is_done(p, w) && p->works[w].every && done % p->works[w].every == 0) sum += cost(p, w, update);
  return sum;
}

/* An update with its share of the work between updates. */
static double whole_update(const Pace *p, double update) {
  double sum = update;
  for (PaceWork w = 0; w < PACE_WORKS; w++)
    if (is_done(p, w) && p->works[w].every) sum += cost(p, w, update) / (double)p->works[w].every;
  return sum;
}

/* ---- decisions ---- */

static int64_t fitting(const Pace *p, double now, int64_t done) {
  const double update = mean_update(&p->usual);
  const double left = p->deadline - now - due(p, done, update) - closing(p, update);
  return done + (left > 0 ? (int64_t)(left / whole_update(p, update)) : 0);
}

/* Ever closer together towards the end, where the same error is a larger part of what is left. */
static double interval(const Pace *p, double left) {
  return fmax(least_interval * budget(p), fmin(look_interval * budget(p), left / 4));
}

int64_t pace_steps(Pace *p, double now, int64_t done, int64_t steps) {
  const double update = mean_update(&p->recent), left = p->deadline - now;
  if (p->deadline <= 0 || done >= steps) return steps;
  if (left < due(p, done, update) + update + closing(p, update)) return done;
  if (now < p->next_look) return steps;
  p->next_look = now + interval(p, left);
  const int64_t fit = fitting(p, now, done);
  const double wrong = fabs((double)(fit - steps)) / (double)(steps - done);
  return wrong <= tolerance ? steps : fit > done ? fit : done + 1;
}

bool pace_is_over(const Pace *p, double now) {
  const double update = mean_update(&p->recent);
  if (p->deadline <= 0) return false;
  return !pace_affords_evaluation(p) || p->deadline - now < update + closing(p, update);
}

double pace_results_share(const Pace *p, double now) {
  const double whole = whole_cost(p, PACE_RESULTS, mean_update(&p->recent));
  return p->deadline > 0 && whole > 0 ? fmax(0, fmin(1, (p->deadline - now) / whole)) : 1;
}

double pace_seconds_left(const Pace *p, double now, int64_t done, int64_t steps) {
  const double update = mean_update(&p->usual);
  const double left = (double)(steps - done) * whole_update(p, update) + closing(p, update);
  return p->deadline > 0 ? fmax(0, fmin(left, p->deadline - now)) : left;
}
