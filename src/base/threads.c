#include "base/threads.h"

#include <sched.h>
#include <stdatomic.h>
#include <time.h>

#include "base/error.h"

/* ---- how many ---- */

enum { MOST_THREADS = 256 };
static atomic_int count_now; /* 0: not asked yet */

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

static _Thread_local int worker;
static _Thread_local bool inside;

int parallel_worker(void) {
  return worker;
}

typedef struct Job {
  ParallelBody *body;
  void *arg;
  int64_t n;
  int threads;
} Job;

/* The index-th of `threads` nearly equal parts. */
static void run_part(const Job *job, int index) {
  const int64_t begin = job->n * index / job->threads, end = job->n * (index + 1) / job->threads;
  worker = index;
  inside = true;
  if (begin < end) job->body(job->arg, begin, end);
  inside = false;
  worker = 0;
}

#ifdef INKSTONE_PTHREADS
#include <pthread.h>

/* A pool without OpenMP: for the thread sanitizer, which knows nothing of libgomp's own locks. */
static struct {
  pthread_mutex_t lock;
  pthread_cond_t start, finish;
  const Job *job;
  int started, running; /* workers there are; parts not done yet */
  uint64_t round;
} pool = {
    .lock = PTHREAD_MUTEX_INITIALIZER, .start = PTHREAD_COND_INITIALIZER, .finish = PTHREAD_COND_INITIALIZER};

static void *serve(void *arg) {
  const int index = (int)(intptr_t)arg;
  uint64_t seen = 0;
  pthread_mutex_lock(&pool.lock);
  for (;;) {
    while (pool.round == seen) pthread_cond_wait(&pool.start, &pool.lock);
    seen = pool.round;
    const Job *job = pool.job;
    if (!job || index >= job->threads) continue;
    pthread_mutex_unlock(&pool.lock);
    run_part(job, index);
    pthread_mutex_lock(&pool.lock);
    if (--pool.running == 0) pthread_cond_signal(&pool.finish);
  }
  return NULL;
}

static void start_workers(int count) {
  for (; pool.started < count; pool.started++) {
    pthread_t thread;
    CHECK(!pthread_create(&thread, NULL, serve, (void *)(intptr_t)(pool.started + 1)));
    pthread_detach(thread);
  }
}

static void run_job(const Job *job) {
  pthread_mutex_lock(&pool.lock);
  start_workers(job->threads - 1);
  pool.job = job;
  pool.running = job->threads - 1;
  pool.round++;
  pthread_cond_broadcast(&pool.start);
  pthread_mutex_unlock(&pool.lock);
  run_part(job, 0);
  pthread_mutex_lock(&pool.lock);
  while (pool.running) pthread_cond_wait(&pool.finish, &pool.lock);
  pool.job = NULL;
  pthread_mutex_unlock(&pool.lock);
}
#else
#include <omp.h>

/* Always the whole team, even if some have no part: libgomp ends the threads that a smaller team leaves over
 * and starts them anew for the next large one (4 threads, 3 and 4 parts in turn: 210 us a call; this way 60).
 */
static void run_job(const Job *job) {
#pragma omp parallel num_threads(threads_count())
  for (int i = omp_get_thread_num(); i < job->threads; i += omp_get_num_threads()) run_part(job, i);
}
#endif

void parallel_for(int64_t n, ParallelBody *body, void *arg) {
  Job job = {body, arg, n, threads_count()};
  if (n <= 0) return;
  if (job.threads > n) job.threads = (int)n;
  if (inside || job.threads == 1)
    body(arg, 0, n);
  else
    run_job(&job);
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

static atomic_bool interrupt_flag; /* lock-free: a signal handler may set it */

void ink_interrupt(void) {
  interrupt_flag = true;
}
bool interrupted(void) {
  return interrupt_flag;
}
void interrupt_clear(void) {
  interrupt_flag = false;
}
