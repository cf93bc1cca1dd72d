/* threads.h - parallel loops on the workers of the caller's engine (engine.h), and single threads.
 *
 * parallel_for(n, body, arg) calls body(arg, begin, end) for disjoint ranges that cover 0..n-1. The ranges
 * depend on the number of threads, so the result for an index must not depend on the range: sums over
 * indices are cut into pieces whose number depends on the data only. */
#ifndef BASE_THREADS_H
#define BASE_THREADS_H

#include <stdbool.h>
#include <stdint.h>

typedef void ParallelBody(void *arg, int64_t begin, int64_t end);
/* Runs on the calling thread alone if called from a body, or while another thread uses the engine's
 * workers. */
void parallel_for(int64_t n, ParallelBody *body, void *arg);
/* For a body that allocates: if memory runs out on any thread, the caller unwinds (memory.h) after all
 * have finished. */
void parallel_guarded(int64_t n, ParallelBody *body, void *arg);
/* The index of the worker running a body, 0..threads_count()-1: selects scratch memory allocated before. */
int parallel_worker(void);

/* Memory of the calling thread for bodies, which need not allocate: 64-byte aligned, contents undefined. Not
 * thread-local storage, which would be a part of the stack of every thread of a program that links this. */
enum { SCRATCH_BYTES = 576 << 10 };
void *thread_scratch(void);

/* Runs a function on a new thread until thread_join; if none can be started, on the caller's in
 * thread_join. Running out of memory in it aborts, unless it has a guard. */
typedef struct Thread Thread;
Thread *thread_start(void (*body)(void *arg), void *arg);
void thread_join(Thread *);
/* When memory runs out: joins the threads started in this guard, since they may use the caller's stack. */
struct MemGuard;
void threads_unwind(const struct MemGuard *);

/* Number of threads for loops of the calling thread and of threads it starts, until its guard ends. 0: the
 * engine's number, or else as many processors as the thread may run on. The engine's number is the
 * maximum. */
void threads_set(int count);
int threads_count(void);

/* Seconds since some fixed instant, monotonic; and since 1970. */
double clock_seconds(void);
double clock_unix(void);

/* Was the call this thread works for stopped (ink_stop)? Long computations check it between steps. */
bool interrupted(void);

#endif
