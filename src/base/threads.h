/* threads.h - loops on several threads: the workers of the engine that the caller works in (engine.h).
 *
 * parallel_for(n, body, arg) calls body(arg, begin, end) for disjoint ranges that cover 0..n-1.
 * How the range is cut depends on the number of threads, so a body must give each index its own result:
 * anything summed over indices is first cut into pieces whose number depends on the data only. */
#ifndef BASE_THREADS_H
#define BASE_THREADS_H

#include <stdbool.h>
#include <stdint.h>

typedef void ParallelBody(void *arg, int64_t begin, int64_t end);
/* A call from inside of a body runs in place on that thread, and so does one while another thread has the
 * same engine's workers. */
void parallel_for(int64_t n, ParallelBody *body, void *arg);
/* The same for a body that allocates: where memory runs out on any thread, the caller unwinds (memory.h) once
 * all have come to an end. */
void parallel_guarded(int64_t n, ParallelBody *body, void *arg);
/* The worker a body runs on, 0..threads_count()-1: for scratch memory made before parallel_for. */
int parallel_worker(void);

/* A function on a thread of its own, beside what the caller does until thread_join; on the caller's, there,
 * if the system gives no other. Memory that runs out in it ends the program, unless it has a guard of its
 * own. */
typedef struct Thread Thread;
Thread *thread_start(void (*body)(void *arg), void *arg);
void thread_join(Thread *);
/* Memory ran out on the thread that started others in this guard: waits for them, as they may use what lies
 * on its stack. */
struct MemGuard;
void threads_unwind(const struct MemGuard *);

/* How many work for the thread that says so, and for threads it starts, until the guard ends that it says so
 * in. 0: the engine's number, or else as many as the thread may run on. An engine's number is also the most.
 */
void threads_set(int count);
int threads_count(void);

/* Seconds since some fixed instant, monotonic; and since 1970. */
double clock_seconds(void);
double clock_unix(void);

/* Was the call stopped that this thread works for (ink_stop)? Long activities look at it between steps. */
bool interrupted(void);

#endif
