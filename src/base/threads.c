#include "base/threads.h"

#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

#include "base/engine.h"
#include "base/memory.h"

/* ---- how many ---- */

static int processors(void) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set)) return 1;
  const int count = CPU_COUNT(&set);
  return count < 1 ? 1 : count > MOST_THREADS ? MOST_THREADS : count;
}

void threads_set(int count) {
  CHECK(count >= 0);
  const int limit = engine_now()->threads;
  if (!count) count = limit ? limit : processors();
  if (limit && count > limit) count = limit;
  work_context.threads = count > MOST_THREADS ? MOST_THREADS : count;
}

int threads_count(void) {
  if (!work_context.threads) threads_set(0);
  return work_context.threads;
}

/* ---- parallel_for ---- */

/* A custom pool rather than OpenMP, which busy-waits and gives each thread a fixed share: on two cores
 * shared with other programs that costs most of the time (docs/decisions/0005-threads.md). */

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

/* ---- scratch memory ---- */

static _Thread_local void *scratch;
static pthread_key_t scratch_key; /* frees it at the end of a thread that the program started */
static pthread_once_t scratch_once = PTHREAD_ONCE_INIT;

static void make_scratch_key(void) {
  CHECK(!pthread_key_create(&scratch_key, mem_free));
}

void *thread_scratch(void) {
  if (scratch) return scratch;
  pthread_once(&scratch_once, make_scratch_key);
  void *block = mem_alloc(SCRATCH_BYTES);
  if (pthread_setspecific(scratch_key, block)) {
    mem_free(block);
    mem_exhausted(SCRATCH_BYTES);
  }
  return scratch = block;
}

/* ---- jobs ---- */

/* The range is cut into parts, several per thread. A thread runs its own in order, then those that other
 * threads have not started, so that a thread delayed by another program does not delay the loop. */
enum { PARTS_EACH = 8 };

static void run_part(Pool *p, int part) {
  const int64_t begin = p->n * part / p->parts, end = p->n * (part + 1) / p->parts;
  if (begin < end) p->body(p->arg, begin, end);
  if (atomic_fetch_add(&p->finished, 1) + 1 == p->parts && p->waiting) futex_wake(&p->finished);
}

/* A thread's own parts are contiguous and the same in the next loop over the same rows, which are then in
 * its cache. */
static void run_parts_of(Pool *p, int owner) {
  const int first = p->parts * owner / p->threads, last = p->parts * (owner + 1) / p->threads;
  for (int i; (i = first + atomic_fetch_add(&p->next[owner], 1)) < last;) run_part(p, i);
}

static void work(Pool *p, int index) {
  worker = index;
  inside = true;
  for (int i = 0; i < p->threads; i++) run_parts_of(p, (index + i) % p->threads);
  inside = false;
  worker = 0;
}

/* A thread polls for a tenth of a millisecond, longer than the time between two loops of a step, before it
 * sleeps: waking up is slow, and often happens on the waker's processor. */
enum { POLLS = 8000 };

static int await_change(atomic_int *value, int old, atomic_int *sleepers) {
  for (int i = 0; i < POLLS; i++) {
    if (atomic_load(value) != old) return atomic_load(value);
    pause_briefly();
  }
  atomic_fetch_add(sleepers, 1);
  while (atomic_load(value) == old) futex_wait(value, old);
  atomic_fetch_sub(sleepers, 1);
  return atomic_load(value);
}

/* ---- where the workers run ---- */

/* The system may run two threads of a job on one processor for seconds while another is idle. Workers are
 * not pinned: every process would pin its first worker to the same processor. Instead, a worker that
 * shares a processor with another thread of its job for some time moves to a free one within its affinity
 * mask, which is restored at once. The caller's thread is never moved. If more threads are runnable than
 * there are processors, none is idle and scheduling is left to the system (docs/decisions/0014-engine.md). */
static const double patience = 0.02, pause_between_moves = 0.2;

/* By the load average of the last minute. */
static bool machine_is_busy(void) {
  struct sysinfo now;
  const unsigned long processors_there = (unsigned long)sysconf(_SC_NPROCESSORS_ONLN);
  return sysinfo(&now) == 0 && now.loads[0] > (2 * processors_there + 1) << (SI_LOAD_SHIFT - 1);
}

static bool shares_processor(const Pool *p, int index, int cpu) {
  for (int i = 0; i < index; i++)
    if (atomic_load_explicit(&p->processor[i], memory_order_relaxed) == cpu) return true;
  return false;
}

static void move_to_vacant_processor(const Pool *p, int index) {
  cpu_set_t allowed, vacant;
  if (sched_getaffinity(0, sizeof allowed, &allowed)) return;
  vacant = allowed;
  for (int i = 0; i < p->threads; i++) {
    const int cpu = atomic_load_explicit(&p->processor[i], memory_order_relaxed);
    if (i != index && cpu >= 0 && cpu < CPU_SETSIZE) CPU_CLR(cpu, &vacant);
  }
  if (!CPU_COUNT(&vacant) || CPU_COUNT(&vacant) == CPU_COUNT(&allowed)) return;
  if (pthread_setaffinity_np(pthread_self(), sizeof vacant, &vacant) == 0)
    pthread_setaffinity_np(pthread_self(), sizeof allowed, &allowed);
}

static void note_processor(Pool *p, int index) {
  atomic_store_explicit(&p->processor[index], sched_getcpu(), memory_order_relaxed);
}

static void choose_processor(Pool *p, int index) {
  static _Thread_local double since, moved; /* times: sharing since (0: not), last moved */
  note_processor(p, index);
  if (!shares_processor(p, index, p->processor[index])) {
    since = 0;
    return;
  }
  const double now = clock_seconds();
  if (!since) since = now;
  if (now - since < patience || now - moved < pause_between_moves) return;
  moved = now;
  if (machine_is_busy()) return;
  move_to_vacant_processor(p, index);
}

/* ---- the pool's threads ---- */

/* Of threads that are started here, whatever the limit of the process; their scratch memory lies there, too.
 */
enum { STACK_BYTES = (1 << 20) + SCRATCH_BYTES };

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wframe-larger-than="
static void with_scratch(void body(void *), void *arg) {
  _Alignas(64) char block[SCRATCH_BYTES];
  scratch = block;
  body(arg);
}
#pragma GCC diagnostic pop

static void serve_jobs(void *arg) {
  const PoolWorker *self = arg;
  Pool *p = self->pool;
  for (int seen = 0; !atomic_load(&p->closing);) {
    seen = await_change(&p->round, seen, &p->sleepers);
    atomic_fetch_add(&p->present, 1);
    if (atomic_load(&p->open) && self->index < p->threads) {
      work_context = p->context;
      choose_processor(p, self->index);
      work(p, self->index);
    }
    atomic_fetch_sub(&p->present, 1);
  }
}

static void *serve(void *arg) {
  with_scratch(serve_jobs, arg);
  return NULL;
}

/* Blocks signals in workers, except synchronous ones: the program's own threads handle them. */
static int create_thread(pthread_t *thread, void *(*body)(void *), void *arg) {
  static const int own[] = {SIGBUS, SIGSEGV, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS, SIGPROF};
  sigset_t blocked, before;
  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes)) return -1;
  pthread_attr_setstacksize(&attributes, STACK_BYTES);
  sigfillset(&blocked);
  for (size_t i = 0; i < sizeof own / sizeof *own; i++) sigdelset(&blocked, own[i]);
  pthread_sigmask(SIG_BLOCK, &blocked, &before);
  const int failed = pthread_create(thread, &attributes, body, arg);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pthread_attr_destroy(&attributes);
  return failed;
}

static void start_threads(Pool *p, int count) {
  for (; p->started < count; p->started++) {
    PoolWorker *w = &p->workers[p->started];
    w->pool = p;
    w->index = p->started + 1;
    p->processor[w->index] = -1;
    if (create_thread(&w->handle, serve, w)) return; /* continue with fewer threads */
    if (p->detached) pthread_detach(w->handle);
  }
}

void pool_close(Pool *p) {
  atomic_store(&p->closing, 1);
  atomic_fetch_add(&p->round, 1);
  futex_wake(&p->round);
  for (int i = 0; i < p->started; i++) pthread_join(p->workers[i].handle, NULL);
}

/* A child of fork() has the pool's memory but none of its threads. */
static atomic_int forks;

static void count_fork(void) {
  atomic_fetch_add(&forks, 1);
}

__attribute__((constructor)) static void watch_forks(void) {
  pthread_atfork(NULL, NULL, count_fork);
}

static void forget_threads_of_parent(Pool *p) {
  static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  if (atomic_load(&p->forks) == atomic_load(&forks)) return;
  pthread_mutex_lock(&lock);
  if (atomic_load(&p->forks) != atomic_load(&forks)) {
    p->started = 0;
    p->present = p->open = p->sleepers = p->waiting = 0;
    atomic_flag_clear(&p->taken);
    atomic_store(&p->forks, atomic_load(&forks));
  }
  pthread_mutex_unlock(&lock);
}

/* ---- a job ---- */

/* Waits for threads that joined the last job too late; they leave at once. */
static void await_empty(Pool *p) {
  while (atomic_load(&p->present)) sched_yield();
}

static void set_job(Pool *p, int64_t n, ParallelBody *body, void *arg) {
  const int count = threads_count();
  p->body = body;
  p->arg = arg;
  p->n = n;
  p->context = work_context;
  p->threads = n < count ? (int)n : count;
  p->parts = n < p->threads * PARTS_EACH ? (int)n : p->threads * PARTS_EACH;
  for (int i = 0; i < p->threads; i++) atomic_store(&p->next[i], 0);
  atomic_store(&p->finished, 0);
}

static void run_job(Pool *p, int64_t n, ParallelBody *body, void *arg) {
  await_empty(p);
  set_job(p, n, body, arg);
  note_processor(p, 0);
  atomic_store(&p->open, 1);
  atomic_fetch_add(&p->round, 1);
  if (atomic_load(&p->sleepers)) futex_wake(&p->round);
  work(p, 0);
  for (int done; (done = atomic_load(&p->finished)) < p->parts;)
    await_change(&p->finished, done, &p->waiting);
  atomic_store(&p->open, 0);
}

void parallel_for(int64_t n, ParallelBody *body, void *arg) {
  if (n <= 0) return;
  thread_scratch(); /* may unwind here, but not within a job */
  Pool *p = &engine_now()->pool;
  forget_threads_of_parent(p);
  if (inside || n == 1 || threads_count() == 1 || atomic_flag_test_and_set(&p->taken)) {
    body(arg, 0, n);
    return;
  }
  start_threads(p, threads_count() - 1);
  run_job(p, n, body, arg);
  atomic_flag_clear(&p->taken);
}

typedef struct Guarded {
  ParallelBody *body;
  void *arg;
  atomic_bool exhausted;
  atomic_size_t wanted; /* size of the failed request */
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

/* ---- single threads ---- */

struct Thread {
  void (*body)(void *arg);
  void *arg;
  pthread_t handle;
  Context context;              /* of the starting thread */
  bool runs;                    /* false: the body runs in thread_join */
  const struct MemGuard *guard; /* in which it was started */
  Thread *earlier;
};

static _Thread_local Thread *started; /* by this thread and not joined, latest first */

static void *run_thread(void *arg) {
  const Thread *t = arg;
  work_context = t->context;
  with_scratch(t->body, t->arg);
  return NULL;
}

Thread *thread_start(void (*body)(void *arg), void *arg) {
  Thread *t = mem_alloc(sizeof *t);
  const int count = threads_count(); /* sets work_context.threads, which the new thread inherits */
  *t = (Thread){body, arg, .context = work_context, .guard = mem_guard_now(), .earlier = started};
  started = t;
  t->runs = count > 1 && create_thread(&t->handle, run_thread, t) == 0;
  return t;
}

static void forget(const Thread *t) {
  for (Thread **at = &started; *at; at = &(*at)->earlier)
    if (*at == t) {
      *at = t->earlier;
      return;
    }
}

void thread_join(Thread *t) {
  if (t->runs)
    pthread_join(t->handle, NULL);
  else
    t->body(t->arg);
  forget(t);
  mem_free(t);
}

void threads_unwind(const struct MemGuard *guard) {
  for (Thread *t; (t = started) && t->guard == guard;) {
    if (t->runs) pthread_join(t->handle, NULL);
    started = t->earlier;
    mem_free(t);
  }
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
