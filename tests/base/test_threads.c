/* parallel_for covers each index once, whatever the number of threads; nested calls run in place. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/memory.h"
#include "base/threads.h"
#include "inkstone.h"

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

static void on_signal(int number) {
  ink_interrupt();
}

static void an_interruption_is_seen_until_cleared(void **state) {
  assert_false(interrupted());
  signal(SIGUSR1, on_signal);
  raise(SIGUSR1);
  assert_true(interrupted());
  assert_true(interrupted());
  interrupt_clear();
  assert_false(interrupted());
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

static void clocks_go_forward(void **state) {
  double before = clock_seconds();
  for (int i = 0; i < 1000; i++) {
    const double now = clock_seconds();
    assert_true(now >= before);
    before = now;
  }
  assert_true(clock_unix() > 1.7e9);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_index_is_done_once),
      cmocka_unit_test(a_single_index_wakes_nobody),
      cmocka_unit_test(nested_calls_run_in_place),
      cmocka_unit_test(those_at_work_together_are_numbered_apart),
      cmocka_unit_test(all_processors_by_default),
      cmocka_unit_test(exhaustion_in_a_body_is_the_callers),
      cmocka_unit_test(each_thread_has_its_number),
      cmocka_unit_test(clocks_go_forward),
      cmocka_unit_test(an_interruption_is_seen_until_cleared),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
