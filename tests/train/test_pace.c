/* A run with a budget ends in time, on machines and with evaluations that are not as they were expected to
 * be. Nothing here looks at a real clock. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "train/pace.h"

#include <cmocka.h> /* last: it defines fail() */

/* A machine, and what was expected of it. Seconds; 0 where nothing is said. */
typedef struct Machine {
  double budget;
  double update;             /* seconds an update takes */
  double slow_from, slow_to; /* between these instants all takes `slower` times as long */
  double slower;
  double evaluation, expected_evaluation; /* in updates */
  double results;                         /* in evaluations */
  double sample;                          /* in updates, as many as there are evaluations */
  int64_t steps;                          /* planned */
  int64_t most;                           /* updates that are worth making; 0: any number */
  bool rare;                              /* one evaluation, at the end */
} Machine;

typedef struct Outcome {
  double end, longest_update, first_change, left_at_once;
  int64_t steps, evaluations, changes;
  double trained; /* seconds of updates */
} Outcome;

typedef struct Run {
  const Machine *m;
  Pace pace;
  double now;
  Outcome out;
} Run;

static double factor(const Machine *m, double now) {
  return m->slower > 0 && now >= m->slow_from && now < m->slow_to ? m->slower : 1;
}

static double spend(Run *r, double updates) {
  const double seconds = updates * r->m->update * factor(r->m, r->now);
  r->now += seconds;
  return seconds;
}

static void evaluate(Run *r) {
  const double seconds = spend(r, r->m->evaluation);
  pace_worked(&r->pace, PACE_EVALUATION, seconds);
  pace_worked(&r->pace, PACE_RESULTS, r->m->results * seconds);
  r->out.evaluations++;
}

static void show(Run *r) {
  if (r->m->sample) pace_worked(&r->pace, PACE_SAMPLE, spend(r, r->m->sample));
}

static int64_t evaluations_every(const Machine *m) {
  return m->rare ? 4 * m->steps : m->steps < 20 ? 1 : m->steps / 20;
}

static void begin(Run *r, const Machine *m) {
  *r = (Run){.m = m, .now = 1000, .out.steps = m->steps, .out.first_change = INFINITY};
  const int64_t every = evaluations_every(m);
  pace_open(&r->pace, r->now, r->now + m->budget);
  r->pace.most = m->most;
  pace_worked(&r->pace, PACE_CHECKPOINT, spend(r, 1));
  pace_expect(&r->pace, PACE_EVALUATION, every, 1, m->expected_evaluation);
  pace_expect(&r->pace, PACE_RESULTS, 0, 1, m->results * m->expected_evaluation);
  if (m->sample) pace_expect(&r->pace, PACE_SAMPLE, every, 1, m->sample);
}

static void update(Run *r) {
  const double seconds = spend(r, 1);
  r->out.trained += seconds;
  r->out.longest_update = fmax(r->out.longest_update, seconds);
  pace_updated(&r->pace, seconds);
}

static void change(Run *r, int64_t steps) {
  if (steps == r->out.steps) return;
  r->out.steps = steps;
  if (!r->out.changes++) r->out.first_change = r->now - 1000;
}

/* As trainer.c goes: an update, how many there will be, an evaluation where one is due. */
static Outcome simulate(const Machine *m) {
  Run r;
  begin(&r, m);
  for (int64_t step = 1; step <= r.out.steps; step++) {
    update(&r);
    change(&r, pace_steps(&r.pace, r.now, step, r.out.steps));
    assert_in_range(r.out.steps, step, INT64_MAX);
    if (step < r.out.steps && step % evaluations_every(m)) continue;
    if (r.out.evaluations == 0 && !pace_affords_evaluation(&r.pace)) continue;
    evaluate(&r);
    if (pace_is_over(&r.pace, r.now)) change(&r, step);
    show(&r);
  }
  if (r.out.evaluations) spend(&r, m->results * m->evaluation * pace_results_share(&r.pace, r.now));
  r.out.end = r.now - 1000;
  return r.out;
}

static Outcome in_time(const Machine *m) {
  const Outcome o = simulate(m);
  if (o.end > m->budget + o.longest_update)
    fail_msg("took %g s of %g, with updates of %g", o.end, m->budget, o.longest_update);
  return o;
}

/* A machine of 1,000 updates in four minutes, of which 1,000 are planned. */
static Machine usual(void) {
  return (Machine){
      .budget = 240, .update = 0.2, .evaluation = 4, .expected_evaluation = 4, .results = 1, .steps = 1000};
}

static void a_steady_machine_uses_its_time(void **state) {
  const Machine m = usual();
  const Outcome o = in_time(&m);
  assert_true(o.end > 0.93 * m.budget);
  assert_in_range(o.evaluations, 20, 25);
  assert_in_range(o.changes, 0, 12);
}

/* Where further updates teach nothing, there are no more than that, however much time is left. */
static void there_is_a_number_of_updates_worth_making(void **state) {
  Machine m = usual();
  m.steps = m.most = 300;
  const Outcome o = in_time(&m);
  assert_int_equal(o.steps, 300);
  assert_true(o.end < 0.5 * m.budget);
}

static void a_machine_grows_slower_in_the_middle(void **state) {
  Machine m = usual();
  m.slow_from = 1120, m.slow_to = INFINITY, m.slower = 3;
  const Outcome o = in_time(&m);
  assert_true(o.end > 0.9 * m.budget);
  /* Shortly before the end, too, so that the next evaluation is the last. */
  for (; m.slow_from < 1215; m.slow_from++) in_time(&m);
  m.evaluation = m.expected_evaluation = 20;
  m.results = 0;
  for (m.slow_from = 1170; m.slow_from < 1210; m.slow_from++) in_time(&m);
}

static void a_machine_grows_faster(void **state) {
  Machine m = usual();
  m.slow_from = 0, m.slow_to = 1100, m.slower = 3;
  const Outcome o = in_time(&m);
  assert_true(o.end > 0.93 * m.budget);
}

static void first_updates_are_slow(void **state) {
  Machine m = usual();
  m.slow_from = 0, m.slow_to = 1010, m.slower = 10;
  const Outcome o = in_time(&m);
  assert_true(o.end > 0.93 * m.budget);
}

static void the_plan_was_wrong(void **state) {
  Machine m = usual();
  for (m.steps = 10; m.steps <= 1000000; m.steps *= 10) {
    const Outcome o = in_time(&m);
    if (m.steps > 100) assert_true(o.end > 0.93 * m.budget);
  }
}

/* Before a first evaluation nobody knows what it costs. */
static void an_evaluation_takes_longer_than_expected(void **state) {
  Machine m = usual();
  for (m.evaluation = 5; m.evaluation < 500; m.evaluation *= 1.5) in_time(&m);
  m.results = 0; /* one comes after 12 s, and then there is no time for another one: it was the last */
  for (m.evaluation = 590; m.evaluation < 1100; m.evaluation += 30) {
    const Outcome o = in_time(&m);
    assert_int_equal(o.evaluations, 1);
  }
}

/* Which are due shortly before the end, and would be shown twice. */
static void samples_take_long(void **state) {
  Machine m = usual();
  m.evaluation = m.expected_evaluation = m.results = 0;
  m.sample = 40;
  for (m.update = 0.15; m.update < 0.3; m.update += 0.001) in_time(&m);
}

/* Expected: a run that was planned with one evaluation leaves time for it. */
static void a_single_evaluation_is_left_time_for(void **state) {
  Machine m = usual();
  m.rare = true;
  m.evaluation = m.expected_evaluation = 400;
  m.results = 0.2;
  const Outcome o = in_time(&m);
  assert_int_equal(o.evaluations, 1);
  assert_true(o.end > 0.93 * m.budget);
  assert_true(o.trained > 0.45 * m.budget);
}

static void a_budget_is_too_short_for_an_evaluation(void **state) {
  Machine m = usual();
  m.rare = true;
  m.evaluation = m.expected_evaluation = 1300;
  const Outcome o = in_time(&m);
  assert_int_equal(o.evaluations, 0);
  assert_true(o.trained > 0.9 * m.budget);
}

/* Scoring a huge held-out text takes a tenth of the time, not most of it. */
static void results_take_a_part_of_the_time(void **state) {
  Machine m = usual();
  m.results = 200; /* 160 s */
  const Outcome o = in_time(&m);
  assert_true(o.trained > 0.6 * m.budget);
  assert_true(o.end > 0.93 * m.budget);
}

static void the_first_look_comes_within_a_minute(void **state) {
  Machine m = usual();
  m.budget = 36000;
  m.steps = 100000000; /* a fourth of which fits into ten hours is far less */
  const Outcome o = in_time(&m);
  assert_true(o.first_change < 60);
}

/* Something else had the machine for five seconds: training goes on, and to the end of the time. */
static void a_stall_does_not_end_a_run(void **state) {
  Machine m = usual();
  m.slower = 25;
  for (m.slow_from = 1100; m.slow_from < 1230; m.slow_from += 10) {
    m.slow_to = m.slow_from + 0.1;
    const Outcome o = in_time(&m);
    assert_true(o.end > 0.9 * m.budget);
  }
}

static void what_is_left_is_at_most_the_time_to_the_deadline(void **state) {
  Pace p;
  pace_open(&p, 50, 100);
  pace_updated(&p, 1);
  assert_float_equal(pace_seconds_left(&p, 60, 1, 11), 10.25, 0.01); /* ten updates, the spare */
  assert_float_equal(pace_seconds_left(&p, 60, 1, 1001), 40, 0.01);
  assert_float_equal(pace_seconds_left(&p, 110, 1, 1001), 0, 0.01);
}

/* Of updates longer than the window that is averaged over, the last few count. */
static void long_updates_are_averaged(void **state) {
  Pace p;
  pace_open(&p, 0, 100);
  pace_updated(&p, 10);
  pace_updated(&p, 20);
  assert_float_equal(pace_seconds_left(&p, 30, 2, 3), (5 + 20) / 1.5 + 0.5, 0.01);
}

static void without_a_budget_nothing_is_changed(void **state) {
  Pace p;
  pace_open(&p, 50, 0);
  pace_expect(&p, PACE_EVALUATION, 10, 1, 5);
  pace_updated(&p, 2);
  assert_int_equal(pace_steps(&p, 1e9, 1, 1000), 1000);
  assert_false(pace_is_over(&p, 1e9));
  assert_true(pace_affords_evaluation(&p));
  assert_float_equal(pace_results_share(&p, 1e9), 1, 0);
  assert_float_equal(pace_seconds_left(&p, 60, 1, 101), 100 * (2 + 1) + 10, 0.01);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_steady_machine_uses_its_time),
      cmocka_unit_test(there_is_a_number_of_updates_worth_making),
      cmocka_unit_test(a_machine_grows_slower_in_the_middle),
      cmocka_unit_test(a_machine_grows_faster),
      cmocka_unit_test(first_updates_are_slow),
      cmocka_unit_test(the_plan_was_wrong),
      cmocka_unit_test(an_evaluation_takes_longer_than_expected),
      cmocka_unit_test(samples_take_long),
      cmocka_unit_test(a_single_evaluation_is_left_time_for),
      cmocka_unit_test(a_budget_is_too_short_for_an_evaluation),
      cmocka_unit_test(results_take_a_part_of_the_time),
      cmocka_unit_test(the_first_look_comes_within_a_minute),
      cmocka_unit_test(a_stall_does_not_end_a_run),
      cmocka_unit_test(what_is_left_is_at_most_the_time_to_the_deadline),
      cmocka_unit_test(long_updates_are_averaged),
      cmocka_unit_test(without_a_budget_nothing_is_changed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
