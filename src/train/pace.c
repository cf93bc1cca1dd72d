#include "train/pace.h"

#include <math.h>

/* As shares of the budget. */
static const double usual_window = 0.05, recent_window = 0.01, look_interval = 0.05, least_interval = 0.002,
                    spare = 0.005, results_most = 0.1, evaluation_most = 0.5;
/* In seconds. */
static const double first_look = 30, least_window = 1, window_without_budget = 30;
/* The number of updates is changed if it is off by more than this share of the remaining ones. */
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

/* The factor is at least 0.5: the last two or three updates count even if each exceeds the window. */
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

/* ---- estimates ---- */

/* The last duration of this work, scaled by how much slower updates have become since. */
static double whole_cost(const Pace *p, PaceWork work, double update) {
  const double then = p->works[work].update, seconds = p->works[work].seconds;
  return then > 0 && update > 0 ? seconds * update / then : seconds;
}

/* Results are measured on less text if scoring would take too large a share of the budget. */
static double cost(const Pace *p, PaceWork work, double update) {
  const double whole = whole_cost(p, work, update);
  return work == PACE_RESULTS && p->deadline > 0 ? fmin(whole, results_most * budget(p)) : whole;
}

bool pace_affords_evaluation(const Pace *p) {
  return p->deadline <= 0 || cost(p, PACE_EVALUATION, mean_update(&p->recent)) <= evaluation_most * budget(p);
}

/* Without time for evaluations, the finished model is not scored either. */
static bool is_planned(const Pace *p, PaceWork work) {
  return (work != PACE_EVALUATION && work != PACE_RESULTS) || pace_affords_evaluation(p);
}

/* Seconds of all work after the last update. */
static double closing(const Pace *p, double update) {
  double sum = p->deadline > 0 ? spare * budget(p) : 0;
  for (PaceWork w = 0; w < PACE_WORKS; w++)
    if (is_planned(p, w)) sum += p->works[w].closing * cost(p, w, update);
  return sum;
}

/* Seconds of the work due after this update, if it is not the last. */
static double due(const Pace *p, int64_t done, double update) {
  double sum = 0;
  for (PaceWork w = 0; w < PACE_WORKS; w++)
    if (is_planned(p, w) && p->works[w].every && done % p->works[w].every == 0) sum += cost(p, w, update);
  return sum;
}

/* Seconds of an update including its share of the work between updates. */
static double whole_update(const Pace *p, double update) {
  double sum = update;
  for (PaceWork w = 0; w < PACE_WORKS; w++)
    if (is_planned(p, w) && p->works[w].every) sum += cost(p, w, update) / (double)p->works[w].every;
  return sum;
}

/* ---- decisions ---- */

static int64_t fitting(const Pace *p, double now, int64_t done) {
  const double update = mean_update(&p->usual);
  const double left = p->deadline - now - due(p, done, update) - closing(p, update);
  return done + (left > 0 ? (int64_t)(left / whole_update(p, update)) : 0);
}

/* Checks become more frequent towards the end, where the same error is a larger share of the time left. */
static double interval(const Pace *p, double left) {
  return fmax(least_interval * budget(p), fmin(look_interval * budget(p), left / 4));
}

int64_t pace_steps(Pace *p, double now, int64_t done, int64_t steps) {
  const double update = mean_update(&p->recent), left = p->deadline - now;
  if (p->deadline <= 0 || done >= steps) return steps;
  if (left < due(p, done, update) + update + closing(p, update)) return done;
  if (now < p->next_look) return steps;
  p->next_look = now + interval(p, left);
  const int64_t all = fitting(p, now, done), fit = p->most && p->most < all ? p->most : all;
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
