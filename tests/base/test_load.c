/* What others do on this machine, read from texts of /proc of quiet, busy and stolen ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/load.h"

#include <cmocka.h> /* last: it defines fail() */

static const char quiet[] = "0.04 0.03 0.00 1/188 13431\n";
static const char loaded[] = "16.04 14.42 9.61 16/188 13431\n";
static const char rest[] = "cpu0 1 2 3 4 5 6 7 8 9 10\nintr 12345 0 0\n";

/* A machine's line of so many ticks each. */
static MachineLoad at(const char *loadavg, const char *cpu, double own) {
  char stat[256];
  snprintf(stat, sizeof stat, "%s\n%s", cpu, rest);
  MachineLoad load = load_of_texts(loadavg, stat, 100);
  load.own = own;
  return load;
}

/* Ten seconds of two processors, on which this process had both all the time. */
static void a_quiet_machine(void **state) {
  const MachineLoad before = at(quiet, "cpu  1000 200 300 90000 50 10 20 0 0 0", 1),
                    after = at(loaded, "cpu  2990 200 310 90002 50 10 20 0 0 0", 20.9);
  assert_float_equal(before.average, 0.04, 1e-9);
  assert_float_equal(before.all, 915.8, 1e-9);
  assert_float_equal(before.busy, 15.3, 1e-9);
  const Disturbance d = load_between(&before, &after);
  assert_float_equal(d.others, 0, 1e-9);
  assert_float_equal(d.stolen, 0, 1e-9);
  assert_float_equal(d.average, 0.04, 1e-9); /* ours do not count, however many */
  assert_false(load_disturbs(&d, 2));
}

/* As many ticks, of which others had a quarter: as users, niced, as the system, for interrupts. */
static void a_busy_machine(void **state) {
  static const char *const cpus[] = {
      "cpu  3000 200 300 90000 50 10 20 0", "cpu  2500 700 300 90000 50 10 20 0",
      "cpu  2500 200 800 90000 50 10 20 0", "cpu  2500 200 300 90000 50 510 20 0",
      "cpu  2500 200 300 90000 50 10 520 0"};
  const MachineLoad before = at(quiet, "cpu  1000 200 300 90000 50 10 20 0", 1);
  for (int i = 0; i < 5; i++) {
    const MachineLoad after = at(quiet, cpus[i], 16);
    const Disturbance d = load_between(&before, &after);
    assert_float_equal(d.others, (5 - 0.1) / 20, 1e-9);
    assert_true(load_disturbs(&d, 2));
  }
}

/* Waiting for a disk is no work. */
static void waiting_is_idle(void **state) {
  const MachineLoad before = at(quiet, "cpu  1000 200 300 90000 50 10 20 0", 1),
                    after = at(quiet, "cpu  2000 200 300 90000 1050 10 20 0", 11);
  const Disturbance d = load_between(&before, &after);
  assert_false(load_disturbs(&d, 2));
}

static void a_stolen_machine(void **state) {
  const MachineLoad before = at(quiet, "cpu  1000 200 300 90000 50 10 20 7 0 0", 1),
                    after = at(quiet, "cpu  2500 200 300 90000 50 10 20 507 0 0", 16);
  const Disturbance d = load_between(&before, &after);
  assert_float_equal(d.others, 0, 1e-9);
  assert_float_equal(d.stolen, (5 - 0.1) / 20, 1e-9);
  assert_true(load_disturbs(&d, 2));
}

/* Ticks of a measurement of half a second say little. */
static void a_few_ticks_are_no_disturbance(void **state) {
  const MachineLoad before = at(quiet, "cpu  1000 200 300 90000 50 10 20 0", 1),
                    after = at(quiet, "cpu  1095 200 300 90000 50 10 20 5", 1.88);
  const Disturbance d = load_between(&before, &after);
  assert_false(load_disturbs(&d, 2));
}

/* Kernels without the later columns; guests counted among users already; all processors at once. */
static void other_forms_are_read(void **state) {
  MachineLoad load = load_of_texts(quiet, "cpu 100 100 100 600\n", 100);
  assert_float_equal(load.all, 9, 1e-9);
  assert_float_equal(load.busy, 3, 1e-9);
  assert_float_equal(load.stolen, 0, 1e-9);
  load = load_of_texts(quiet, "cpu  100 100 100 600 0 0 0 0 50 50\n", 100);
  assert_float_equal(load.all, 9, 1e-9);
}

/* Then the average of the minute before decides, by the processors. */
static void where_the_system_does_not_tell(void **state) {
  static const char *const none[] = {"", "cpu", "cpu0 1 2 3 4\n", "intr 1 2 3 4 5\n", "cpu  1 2 3\n"};
  for (int i = 0; i < 5; i++) {
    const MachineLoad a = load_of_texts(loaded, none[i], 100), b = load_of_texts(quiet, none[i], 100);
    assert_true(a.all < 0);
    const Disturbance busy = load_between(&a, &b), idle = load_between(&b, &a);
    assert_true(busy.others < 0 && busy.stolen < 0);
    assert_true(load_disturbs(&busy, 2));
    assert_false(load_disturbs(&busy, 64));
    assert_false(load_disturbs(&idle, 2));
  }
  const MachineLoad zeros = at(loaded, "cpu  0 0 0 0 0 0 0 0", 1); /* a sandbox that counts nothing */
  const Disturbance d = load_between(&zeros, &zeros);
  assert_true(d.others < 0);
  const MachineLoad nothing = load_of_texts("", "", 100);
  const Disturbance unknown = load_between(&nothing, &nothing);
  assert_true(unknown.average < 0);
  assert_false(load_disturbs(&unknown, 2));
}

/* Whatever the system says: what was measured twice has to be the same. */
static void a_ceiling_that_moved(void **state) {
  Disturbance d = {0.1, 0, 0, 0.09};
  assert_false(load_disturbs(&d, 2));
  d.moved = -0.09;
  assert_false(load_disturbs(&d, 2));
  d.moved = 0.11;
  assert_true(load_disturbs(&d, 2));
  d.moved = -0.11;
  assert_true(load_disturbs(&d, 2));
}

static void this_machine_is_read(void **state) {
  const MachineLoad load = load_now();
  assert_true(load.average >= 0);
  assert_true(load.all >= load.busy);
  assert_true(load.own > 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_quiet_machine),
      cmocka_unit_test(a_busy_machine),
      cmocka_unit_test(waiting_is_idle),
      cmocka_unit_test(a_stolen_machine),
      cmocka_unit_test(a_few_ticks_are_no_disturbance),
      cmocka_unit_test(other_forms_are_read),
      cmocka_unit_test(where_the_system_does_not_tell),
      cmocka_unit_test(a_ceiling_that_moved),
      cmocka_unit_test(this_machine_is_read),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
