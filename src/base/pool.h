/* pool.h - the worker threads of one engine: what threads.c shares with engine.c. */
#ifndef BASE_POOL_H
#define BASE_POOL_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/context.h"
#include "base/threads.h"

enum { MOST_THREADS = 256 };

typedef struct Pool Pool;

typedef struct PoolWorker {
  Pool *pool;
  int index; /* from 1 on: 0 is the caller */
  pthread_t handle;
} PoolWorker;

/* Zero: without threads yet. */
struct Pool {
  /* the job: */
  ParallelBody *body;
  void *arg;
  int64_t n;
  Context context;               /* of the caller */
  int threads, parts;            /* that take part */
  atomic_int next[MOST_THREADS]; /* of its own parts, the first that a thread has not begun */
  atomic_int finished;           /* parts; the caller may sleep on it */
  /* the threads: */
  atomic_int present;           /* inside of the job: while there is one, nothing above may change */
  atomic_int open;              /* may threads enter? */
  atomic_int round;             /* threads sleep on it */
  atomic_int sleepers, waiting; /* threads asleep on round; callers on finished */
  atomic_int closing;
  atomic_flag taken;                  /* by a thread that runs a job */
  atomic_int processor[MOST_THREADS]; /* where each was seen last; -1: not yet */
  PoolWorker workers[MOST_THREADS];
  int started;
  bool lasting;     /* the threads are never joined: they end with the process */
  atomic_int forks; /* of the process when these threads were started */
};

/* Ends and joins the threads. None of them may have a job. */
void pool_close(Pool *);

#endif
