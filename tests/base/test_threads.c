/* parallel_for covers each index once, whatever the number of threads; nested calls run in place. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/engine.h"
#include "base/memory.h"
#include "base/threads.h"

#include <cmocka.h> /* last: it defines fail() */

enum { MOST = 1000, WORKERS = 8 };

typedef struct Cover {
  int times[MOST];  /* how often each index was done */
  int worker[MOST]; /* and by whom */
} Cover;

static void cover(void *arg, int64_t begin, int64_t end) {
  Cover *c = arg;
  for (int64_t i = begin; i < end; i++) {
    c->times[i]++;
    c->worker[i] = parallel_worker();
  }
}

static void check_cover(int64_t n, int threads) {
  static Cover c;
  memset(&c, 0, sizeof c);
  parallel_for(n, cover, &c);
  for (int64_t i = 0; i < MOST; i++) assert_int_equal(c.times[i], i < n);
  for (int64_t i = 0; i < n; i++) assert_in_range(c.worker[i], 0, threads - 1);
}

static void each_index_is_done_once(void **state) {
  const int threads[] = {1, 2, 3, 8, 2, 1, 8};
  const int64_t sizes[] = {0, 1, 2, 3, 7, 8, 9, 100, 1, MOST};
  for (size_t t = 0; t < sizeof threads / sizeof *threads; t++) {
    threads_set(threads[t]);
    assert_int_equal(threads_count(), threads[t]);
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++)
      if (sizes[k] >= threads[t] || sizes[k] <= 1)
        check_cover(sizes[k], sizes[k] == 1 ? 1 : threads[t]);
      else
        check_cover(sizes[k], (int)sizes[k]);
  }
  threads_set(2);
  for (int round = 0; round < 100; round++) check_cover(round % 50 + 2, 2);
}

static void note_thread(void *arg, int64_t begin, int64_t end) {
  *(pthread_t *)arg = pthread_self();
}

static void a_single_index_wakes_nobody(void **state) {
  pthread_t ran;
  threads_set(4);
  parallel_for(1, note_thread, &ran);
  assert_true(pthread_equal(ran, pthread_self()));
}

typedef struct Nest {
  int done[WORKERS][100];
  int elsewhere[WORKERS];
  pthread_t thread[WORKERS];
} Nest;

static void inner(void *arg, int64_t begin, int64_t end) {
  Nest *nest = arg;
  const int w = parallel_worker();
  nest->elsewhere[w] += !pthread_equal(nest->thread[w], pthread_self()) || begin != 0 || end != 100;
  for (int64_t i = begin; i < end; i++) nest->done[w][i]++;
}

static void outer(void *arg, int64_t begin, int64_t end) {
  Nest *nest = arg;
  const int w = parallel_worker();
  nest->thread[w] = pthread_self();
  for (int64_t i = begin; i < end; i++) parallel_for(100, inner, nest);
  nest->elsewhere[w] += parallel_worker() != w; /* still who it was */
}

static void nested_calls_run_in_place(void **state) {
  static Nest nest;
  threads_set(4);
  parallel_for(8, outer, &nest);
  for (int w = 0; w < 4; w++) {
    assert_int_equal(nest.elsewhere[w], 0);
  }
  for (int i = 0; i < 100; i++) {
    int done = 0;
    for (int w = 0; w < 4; w++) done += nest.done[w][i];
    assert_int_equal(done, 8);
  }
  assert_int_equal(parallel_worker(), 0);
}

/* Each of two waits for the other to have begun: no thread can do both. */
typedef struct Meeting {
  atomic_int there;
  int worker[2];
} Meeting;

static void meet(void *arg, int64_t begin, int64_t end) {
  Meeting *m = arg;
  assert_int_equal(end, begin + 1);
  m->worker[begin] = parallel_worker();
  atomic_fetch_add(&m->there, 1);
  while (atomic_load(&m->there) < 2) sched_yield();
}

static void those_at_work_together_are_numbered_apart(void **state) {
  Meeting m = {.worker = {-1, -1}};
  threads_set(2);
  parallel_for(2, meet, &m);
  assert_int_equal(m.worker[0] + m.worker[1], 1);
}

static void all_processors_by_default(void **state) {
  threads_set(0);
  assert_true(threads_count() >= 1);
}

static ink_stop stop;

static void on_signal(int number) {
  ink_stop_request(&stop);
}

static bool enter_and_look(const ink_call *call, bool *stopped, Error *err) {
  News news;
  MEM_GUARD(err, return false);
  const bool ok = call_enter(call, NULL, &news, err);
  *stopped = interrupted();
  if (ok) raise(SIGUSR1);
  *stopped = interrupted();
  MEM_GUARD_END();
  return ok;
}

static void a_stop_ends_the_calls_that_were_given_it(void **state) {
  Error err = {0}, late = {0};
  ink_call given = INK_CALL_INIT;
  bool stopped = false;
  given.stop = &stop;
  signal(SIGUSR1, on_signal);
  assert_true(enter_and_look(NULL, &stopped, &err)); /* nobody's */
  assert_false(stopped);
  ink_stop_clear(&stop);
  assert_true(enter_and_look(&given, &stopped, &err));
  assert_true(stopped);
  assert_false(interrupted()); /* the call is over */
  assert_true(ink_stop_requested(&stop));
  assert_false(enter_and_look(&given, &stopped, &late)); /* it does not even begin */
  assert_int_equal(late.code, INK_INTERRUPTED);
  ink_stop_clear(&stop);
  assert_true(enter_and_look(&given, &stopped, &err));
}

/* An older program's struct is shorter; a newer one's may be longer, where it asks for nothing new. */
static void calls_of_other_versions_are_understood(void **state) {
  Error err = {0}, none = {0}, newer = {0};
  struct {
    ink_call call;
    void *more;
  } longer = {INK_CALL_INIT, NULL};
  ink_call older = INK_CALL_INIT;
  News news;
  ink_stop_request(&stop);
  older.size = offsetof(ink_call, stop);
  older.stop = &stop; /* beyond its end */
  assert_true(call_enter(&older, NULL, &news, &err));
  longer.call.size = sizeof longer;
  assert_true(call_enter(&longer.call, NULL, &news, &err));
  longer.more = &longer;
  assert_false(call_enter(&longer.call, NULL, &news, &newer));
  assert_int_equal(newer.code, INK_USAGE);
  older.size = 0;
  assert_false(call_enter(&older, NULL, &news, &none));
  assert_int_equal(none.code, INK_USAGE);
  ink_stop_clear(&stop);
}

static void allocate(void *arg, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; i++) mem_free(mem_alloc(64));
}

static bool allocate_on_all(Error *err) {
  MEM_GUARD(err, return false);
  parallel_guarded(MOST, allocate, NULL);
  MEM_GUARD_END();
  return true;
}

/* The caller's own guard sees it, whichever thread it was that found no memory. */
static void exhaustion_in_a_body_is_the_callers(void **state) {
  Error err = {0};
  threads_set(WORKERS);
  for (int64_t n = 1; n <= MOST; n += 37) {
    mem_fail_after(n);
    assert_false(allocate_on_all(&err));
    assert_non_null(strstr(err.text, "out of memory"));
  }
  mem_fail_after(0);
  assert_true(allocate_on_all(&err));
  threads_set(0);
}

static void *choose_five(void *arg) {
  threads_set(5);
  return (void *)(intptr_t)threads_count();
}

static void note_count(void *arg) {
  *(int *)arg = threads_count();
}

/* Scratch memory is made for so many workers: another thread that wants more does not bring them here. */
static void each_thread_has_its_number(void **state) {
  pthread_t thread;
  void *five;
  int of_helper = 0;
  threads_set(77);
  assert_int_equal(pthread_create(&thread, NULL, choose_five, NULL), 0);
  pthread_join(thread, &five);
  assert_int_equal((intptr_t)five, 5);
  assert_int_equal(threads_count(), 77);
  thread_join(thread_start(note_count, &of_helper));
  assert_int_equal(of_helper, 77);
  threads_set(0);
}

/* ---- engines ---- */

static ink_engine *engine_of(int threads) {
  Error err = {0};
  ink_engine_options options = INK_ENGINE_OPTIONS_INIT;
  options.threads = threads;
  ink_engine *engine = ink_engine_open(&options, &err);
  assert_non_null(engine);
  return engine;
}

static void an_engine_has_its_number_and_a_call_ends_with_the_callers(void **state) {
  Error err = {0};
  ink_engine *three = engine_of(3);
  threads_set(2);
  MEM_GUARD(&err, return );
  engine_enter(three);
  assert_int_equal(threads_count(), 3);
  threads_set(8); /* it is a limit */
  assert_int_equal(threads_count(), 3);
  check_cover(100, 3);
  MEM_GUARD_END();
  assert_ptr_not_equal(engine_now(), three);
  assert_int_equal(threads_count(), 2);
  ink_engine_close(three);
}

static bool run_out(ink_engine *engine, Error *err) {
  MEM_GUARD(err, return false);
  engine_enter(engine);
  mem_exhausted(1);
}

static void running_out_leaves_the_engine(void **state) {
  Error err = {0};
  ink_engine *engine = engine_of(2);
  assert_false(run_out(engine, &err));
  assert_ptr_not_equal(engine_now(), engine);
  ink_engine_close(engine);
}

/* Each waits for the other: one of them runs on a worker. */
typedef struct Engines {
  ink_engine *seen[2];
  atomic_int there;
} Engines;

static void note_engine(void *arg, int64_t begin, int64_t end) {
  Engines *e = arg;
  e->seen[begin] = engine_now();
  atomic_fetch_add(&e->there, 1);
  while (atomic_load(&e->there) < 2) sched_yield();
}

static void note_engine_beside(void *arg) {
  *(ink_engine **)arg = engine_now();
}

static void threads_that_help_work_in_the_callers_engine(void **state) {
  Error err = {0};
  Engines engines = {0};
  ink_engine *engine = engine_of(2), *beside = NULL;
  MEM_GUARD(&err, return );
  engine_enter(engine);
  parallel_for(2, note_engine, &engines);
  thread_join(thread_start(note_engine_beside, &beside));
  MEM_GUARD_END();
  for (int i = 0; i < 2; i++) assert_ptr_equal(engines.seen[i], engine);
  assert_ptr_equal(beside, engine);
  ink_engine_close(engine);
}

/* Two at once: each has a loop of two bodies that wait for each other, while the other one is in such a loop,
 * too. With one pool for both the second would run its bodies one after the other, and wait for ever. */
typedef struct User {
  pthread_barrier_t *both;
  bool met;
} User;

static void meet_within_time(void *arg, int64_t begin, int64_t end) {
  atomic_int *there = arg;
  const double until = clock_seconds() + 20;
  if (end != begin + 1) return;
  atomic_fetch_add(there, 1);
  while (atomic_load(there) < 2 && clock_seconds() < until) sched_yield();
}

static void meet_in_engine(User *user, Error *err) {
  atomic_int there = 0;
  ink_engine *engine = engine_of(2);
  MEM_GUARD(err, return );
  engine_enter(engine);
  pthread_barrier_wait(user->both);
  parallel_for(2, meet_within_time, &there);
  pthread_barrier_wait(user->both);
  MEM_GUARD_END();
  user->met = there == 2;
  ink_engine_close(engine);
}

static void *be_user(void *arg) {
  Error err = {0};
  meet_in_engine(arg, &err);
  return NULL;
}

static void two_engines_work_at_once(void **state) {
  pthread_t threads[2];
  pthread_barrier_t both;
  User users[2] = {{&both, false}, {&both, false}};
  pthread_barrier_init(&both, NULL, 2);
  for (int i = 0; i < 2; i++) assert_int_equal(pthread_create(&threads[i], NULL, be_user, &users[i]), 0);
  for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
  assert_true(users[0].met && users[1].met);
  pthread_barrier_destroy(&both);
}

/* One of two users runs out of memory on its workers again and again; the other's loops are whole. */
static void run_out_often(void *arg, int64_t begin, int64_t end) {
  if (begin == 0) mem_exhausted(77);
}

static void *fail_often(void *arg) {
  Error err = {0};
  ink_engine *engine = engine_of(3);
  for (int i = 0; i < 200; i++) {
    MEM_GUARD(&err, continue);
    engine_enter(engine);
    parallel_guarded(50, run_out_often, NULL);
    MEM_GUARD_END();
    abort(); /* it did not fail */
  }
  ink_engine_close(engine);
  return NULL;
}

static void what_fails_in_one_engine_is_not_felt_in_another(void **state) {
  pthread_t failing;
  assert_int_equal(pthread_create(&failing, NULL, fail_often, NULL), 0);
  threads_set(2);
  for (int i = 0; i < 200; i++) check_cover(50, 2);
  pthread_join(failing, NULL);
}

static void look_at_mask(void *arg, int64_t begin, int64_t end) {
  const cpu_set_t *allowed = arg;
  cpu_set_t own;
  if (sched_getaffinity(0, sizeof own, &own) || !CPU_EQUAL(&own, allowed)) abort();
}

/* ThreadSanitizer refuses threads in the child of a process that had some. */
static void skip_under_tsan(void) {
#ifdef __SANITIZE_THREAD__
  skip();
#endif
}

/* Workers share processors with others of this process and of others: none is tied to one, nor the caller. */
static void no_thread_is_tied_to_a_processor(void **state) {
  cpu_set_t before;
  assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
  threads_set(WORKERS);
  for (int i = 0; i < 100; i++) parallel_for(MOST, look_at_mask, &before);
}

static void a_process_kept_to_one_processor_stays_there(void **state) {
  skip_under_tsan();
  const pid_t child = fork();
  if (child == 0) {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    if (sched_setaffinity(0, sizeof one, &one)) _exit(2);
    threads_set(0);
    if (threads_count() != 1) _exit(3);
    threads_set(4);
    for (int i = 0; i < 50; i++) parallel_for(MOST, look_at_mask, &one);
    _exit(0);
  }
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
}

/* The child of a process that has used its threads has none of them, and starts its own. */
static void a_child_of_fork_works_on(void **state) {
  skip_under_tsan();
  threads_set(2);
  check_cover(100, 2);
  const pid_t child = fork();
  if (child == 0) {
    Meeting m = {.worker = {-1, -1}};
    alarm(20);
    parallel_for(2, meet, &m);
    _exit(m.worker[0] + m.worker[1] == 1 ? 0 : 1);
  }
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
}

/* A thread beside may look at what lies on the stack of who started it: that waits before it unwinds. */
static void look_later(void *arg) {
  usleep(50000);
  *(atomic_int *)arg = 1;
}

static bool run_out_beside(atomic_int *looked, Error *err) {
  MEM_GUARD(err, return false);
  thread_start(look_later, looked);
  mem_exhausted(1);
}

static void who_unwinds_waits_for_threads_beside(void **state) {
  Error err = {0};
  atomic_int looked = 0;
  threads_set(2);
  assert_false(run_out_beside(&looked, &err));
  assert_int_equal(looked, 1);
}

static void the_engines_memory_is_a_limit(void **state) {
  Error err = {0};
  ink_engine_options options = INK_ENGINE_OPTIONS_INIT;
  options.memory = 64 << 20;
  ink_engine *small = ink_engine_open(&options, &err);
  MEM_GUARD(&err, return );
  assert_true(mem_require(65 << 20, "a model", &err));
  engine_enter(small);
  assert_false(mem_require(65 << 20, "a model", &err));
  MEM_GUARD_END();
  ink_engine_close(small);
  options.threads = -1;
  Error wrong = {0};
  assert_null(ink_engine_open(&options, &wrong));
  assert_int_equal(wrong.code, INK_USAGE);
}

static void clocks_go_forward(void **state) {
  double before = clock_seconds();
  for (int i = 0; i < 1000; i++) {
    const double now = clock_seconds();
    assert_true(now >= before);
    before = now;
  }
  assert_true(clock_unix() > 1.7e9);
}

/* Of each thread its own, the same at every call, and aligned. */
static void note_scratch(void *arg) {
  *(void **)arg = thread_scratch();
}

static void scratch_memory_is_of_one_thread(void **state) {
  (void)state;
  void *other = NULL, *own = thread_scratch();
  threads_set(2);
  thread_join(thread_start(note_scratch, &other));
  assert_ptr_equal(thread_scratch(), own);
  assert_ptr_not_equal(other, own);
  assert_int_equal((uintptr_t)own % 64 + (uintptr_t)other % 64, 0);
  threads_set(0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(scratch_memory_is_of_one_thread),
      cmocka_unit_test(each_index_is_done_once),
      cmocka_unit_test(a_single_index_wakes_nobody),
      cmocka_unit_test(nested_calls_run_in_place),
      cmocka_unit_test(those_at_work_together_are_numbered_apart),
      cmocka_unit_test(all_processors_by_default),
      cmocka_unit_test(exhaustion_in_a_body_is_the_callers),
      cmocka_unit_test(each_thread_has_its_number),
      cmocka_unit_test(an_engine_has_its_number_and_a_call_ends_with_the_callers),
      cmocka_unit_test(running_out_leaves_the_engine),
      cmocka_unit_test(threads_that_help_work_in_the_callers_engine),
      cmocka_unit_test(two_engines_work_at_once),
      cmocka_unit_test(what_fails_in_one_engine_is_not_felt_in_another),
      cmocka_unit_test(no_thread_is_tied_to_a_processor),
      cmocka_unit_test(a_process_kept_to_one_processor_stays_there),
      cmocka_unit_test(a_child_of_fork_works_on),
      cmocka_unit_test(who_unwinds_waits_for_threads_beside),
      cmocka_unit_test(the_engines_memory_is_a_limit),
      cmocka_unit_test(clocks_go_forward),
      cmocka_unit_test(a_stop_ends_the_calls_that_were_given_it),
      cmocka_unit_test(calls_of_other_versions_are_understood),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
