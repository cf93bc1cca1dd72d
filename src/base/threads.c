#include "base/threads.h"

#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"

/* ---- how many ---- */

enum { MOST_THREADS = 256 };
/* Of the thread that asks: who calls with other settings on another thread changes nothing here. What helps a
 * thread has its number, as room is made for so many. 0: not asked yet. */
static _Thread_local int count_now;
/* Likewise: those before the activity that this thread works for. */
static _Thread_local unsigned seen_interruptions;

static int processors(void) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set)) return 1;
  const int count = CPU_COUNT(&set);
  return count < 1 ? 1 : count > MOST_THREADS ? MOST_THREADS : count;
}

void threads_set(int count) {
  CHECK(count >= 0);
  count_now = !count ? processors() : count > MOST_THREADS ? MOST_THREADS : count;
}

int threads_count(void) {
  if (!count_now) threads_set(0);
  return count_now;
}

/* ---- parallel_for ---- */

/* A pool of our own rather than OpenMP's: that one waits actively and gives each thread a fixed share, which
 * on two cores that others use too costs most of the time (docs/decisions/0005-threads.md). */

static void futex_wait(atomic_int *at, int old) {
  syscall(SYS_futex, at, FUTEX_WAIT_PRIVATE, old, NULL, NULL, 0);
}
static void futex_wake(atomic_int *at) {
  syscall(SYS_futex, at, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

static void pause_briefly(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

static _Thread_local int worker;
static _Thread_local bool inside;

int parallel_worker(void) {
  return worker;
}

/* The range is cut in parts, some for each thread. A thread does its own, in order, and then those that
 * others have not begun: where the processors are shared with other programs and a thread has to wait, nobody
 * waits for its work. */
enum { PARTS_EACH = 4 };

static struct {
  ParallelBody *body;
  void *arg;
  int64_t n;
  int count;                     /* threads_count of the caller, */
  unsigned seen;                 /* and what interruptions it has seen */
  int threads, parts;            /* that take part */
  atomic_int next[MOST_THREADS]; /* of its own parts, the first that a thread has not begun */
  atomic_int finished;           /* parts; the caller may sleep on it */
  atomic_int present;            /* threads inside of the job: while there is one, nothing here may change */
  atomic_int open;               /* may threads enter? */
  atomic_int round;              /* threads sleep on it */
  atomic_int sleepers, waiting;  /* threads asleep on round; callers on finished */
  int started;
  atomic_flag taken; /* by a thread that runs a job */
} pool = {.taken = ATOMIC_FLAG_INIT};

static void run_part(int part) {
  const int64_t begin = pool.n * part / pool.parts, end = pool.n * (part + 1) / pool.parts;
  if (begin < end) pool.body(pool.arg, begin, end);
  if (atomic_fetch_add(&pool.finished, 1) + 1 == pool.parts && pool.waiting) futex_wake(&pool.finished);
}

/* A thread's own parts are neighbours, the same ones in the next loop over the same rows: they are in its
 * cache. */
static void run_parts_of(int owner) {
  const int first = pool.parts * owner / pool.threads, last = pool.parts * (owner + 1) / pool.threads;
  for (int i; (i = first + atomic_fetch_add(&pool.next[owner], 1)) < last;) run_part(i);
}

static void work(int index) {
  worker = index;
  inside = true;
  count_now = pool.count;
  seen_interruptions = pool.seen;
  for (int i = 0; i < pool.threads; i++) run_parts_of((index + i) % pool.threads);
  inside = false;
  worker = 0;
}

/* A thread looks for work for a tenth of a millisecond, more than the time between two loops of a step,
 * before it sleeps: to be woken takes long, and often happens on the processor of the one that woke it. */
enum { LOOKS = 8000 };

static int await_change(atomic_int *value, int old, atomic_int *sleepers) {
  for (int i = 0; i < LOOKS; i++) {
    if (atomic_load(value) != old) return atomic_load(value);
    pause_briefly();
  }
  atomic_fetch_add(sleepers, 1);
  while (atomic_load(value) == old) futex_wait(value, old);
  atomic_fetch_sub(sleepers, 1);
  return atomic_load(value);
}

/* The processor of thread `index` among those allowed. */
static int processor_of(int index, const cpu_set_t *allowed) {
  int skip = index % CPU_COUNT(allowed), cpu = 0;
  while (!CPU_ISSET(cpu, allowed) || skip-- > 0) cpu++;
  return cpu;
}

static void move_to(int cpu) {
  cpu_set_t own;
  CPU_ZERO(&own);
  CPU_SET(cpu, &own);
  pthread_setaffinity_np(pthread_self(), sizeof own, &own);
}

/* Ties a worker to a processor of its own, else the system may for seconds run two on one and leave another
 * idle. */
static void settle(int index) {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) == 0 && CPU_COUNT(&allowed) > 1)
    move_to(processor_of(index, &allowed));
}

/* The caller is not tied, its thread is not ours. But where the system has put it on a worker's processor it
 * is shown to its own; the worker cannot give way. Not more often than is worth it. */
static void settle_caller(void) {
  static const double pause = 0.01;
  static _Thread_local double last;
  cpu_set_t allowed;
  if (clock_seconds() - last < pause) return;
  last = clock_seconds();
  if (sched_getaffinity(0, sizeof allowed, &allowed) || CPU_COUNT(&allowed) < threads_count()) return;
  const int own = processor_of(0, &allowed);
  if (sched_getcpu() == own) return;
  move_to(own);
  pthread_setaffinity_np(pthread_self(), sizeof allowed, &allowed);
}

static void *serve(void *arg) {
  const int index = (int)(intptr_t)arg;
  settle(index);
  for (int seen = 0;;) {
    seen = await_change(&pool.round, seen, &pool.sleepers);
    atomic_fetch_add(&pool.present, 1);
    if (atomic_load(&pool.open) && index < pool.threads) work(index);
    atomic_fetch_sub(&pool.present, 1);
  }
  return NULL;
}

static void start_threads(int count) {
  for (; pool.started < count; pool.started++) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, serve, (void *)(intptr_t)(pool.started + 1)))
      return; /* fewer do it, too */
    pthread_detach(thread);
  }
}

/* Who came late to the last job, and found it done, leaves in no time. */
static void await_empty(void) {
  while (atomic_load(&pool.present)) sched_yield();
}

static void set_job(int64_t n, ParallelBody *body, void *arg) {
  pool.body = body;
  pool.arg = arg;
  pool.n = n;
  pool.count = threads_count();
  pool.seen = seen_interruptions;
  pool.threads = n < pool.count ? (int)n : pool.count;
  pool.parts = n < pool.threads * PARTS_EACH ? (int)n : pool.threads * PARTS_EACH;
  for (int i = 0; i < pool.threads; i++) atomic_store(&pool.next[i], 0);
  atomic_store(&pool.finished, 0);
}

static void run_job(int64_t n, ParallelBody *body, void *arg) {
  start_threads(threads_count() - 1);
  settle_caller();
  await_empty();
  set_job(n, body, arg);
  atomic_store(&pool.open, 1);
  atomic_fetch_add(&pool.round, 1);
  if (atomic_load(&pool.sleepers)) futex_wake(&pool.round);
  work(0);
  for (int done; (done = atomic_load(&pool.finished)) < pool.parts;)
    await_change(&pool.finished, done, &pool.waiting);
  atomic_store(&pool.open, 0);
}

void parallel_for(int64_t n, ParallelBody *body, void *arg) {
  if (n <= 0) return;
  if (inside || n == 1 || threads_count() == 1 || atomic_flag_test_and_set(&pool.taken)) {
    body(arg, 0, n);
    return;
  }
  run_job(n, body, arg);
  atomic_flag_clear(&pool.taken);
}

typedef struct Guarded {
  ParallelBody *body;
  void *arg;
  atomic_bool exhausted;
  atomic_size_t wanted; /* the request that failed then */
} Guarded;

static void run_guarded(void *arg, int64_t begin, int64_t end) {
  Guarded *g = arg;
  Error err = {0};
  MEM_GUARD(&err, {
    g->wanted = mem_guard_.wanted;
    g->exhausted = true;
    return;
  });
  g->body(g->arg, begin, end);
  MEM_GUARD_END();
}

void parallel_guarded(int64_t n, ParallelBody *body, void *arg) {
  Guarded g = {.body = body, .arg = arg};
  parallel_for(n, run_guarded, &g);
  if (g.exhausted) mem_exhausted(g.wanted);
}

/* ---- a thread beside ---- */

struct Thread {
  void (*body)(void *arg);
  void *arg;
  pthread_t handle;
  int count;     /* threads_count of who started it, */
  unsigned seen; /* and what interruptions it has seen */
  bool runs;     /* else it is still to be done */
};

static void *run_beside(void *arg) {
  const Thread *t = arg;
  count_now = t->count;
  seen_interruptions = t->seen;
  t->body(t->arg);
  return NULL;
}

Thread *thread_start(void (*body)(void *arg), void *arg) {
  Thread *t = mem_alloc(sizeof *t);
  *t = (Thread){.body = body, .arg = arg, .count = threads_count(), .seen = seen_interruptions};
  t->runs = threads_count() > 1 && pthread_create(&t->handle, NULL, run_beside, t) == 0;
  return t;
}

void thread_join(Thread *t) {
  if (t->runs)
    pthread_join(t->handle, NULL);
  else
    t->body(t->arg);
  mem_free(t);
}

/* ---- clocks ---- */

static double clock_read(clockid_t id) {
  struct timespec t;
  clock_gettime(id, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double clock_seconds(void) {
  return clock_read(CLOCK_MONOTONIC);
}
double clock_unix(void) {
  return clock_read(CLOCK_REALTIME);
}

/* ---- interruption ---- */

static atomic_uint interruptions; /* lock-free: a signal handler may count one */
static _Thread_local bool watches;

void ink_interrupt(void) {
  interruptions++;
}
bool interrupted(void) {
  return interruptions != seen_interruptions;
}
void interrupt_clear(void) {
  seen_interruptions = interruptions;
}
void interrupt_begin(void) {
  if (!watches) interrupt_clear();
}
void interrupt_watch(void) {
  watches = true;
  interrupt_clear();
}
