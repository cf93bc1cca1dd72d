/* pool.h - the worker threads of one engine, shared by threads.c and engine.c. */
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
  int index; /* from 1; 0 is the caller */
  pthread_t handle;
} PoolWorker;

/* Zero-initialized: no threads yet. */
struct Pool {
  /* the job: */
  ParallelBody *body;
  void *arg;
  int64_t n;
  Context context;               /* of the caller */
  int threads, parts;            /* taking part; parts of the range */
  atomic_int next[MOST_THREADS]; /* per thread: the next of its own parts to start */
  atomic_int finished;           /* number of parts; futex of the caller */
  /* the threads: */
  atomic_int present;           /* threads inside the job: the fields above may change only if 0 */
  atomic_int open;              /* may threads enter? */
  atomic_int round;             /* incremented per job; futex of the threads */
  atomic_int sleepers, waiting; /* threads waiting on round; callers on finished */
  atomic_int closing;
  atomic_flag taken;                  /* set while a thread runs a job */
  atomic_int processor[MOST_THREADS]; /* where each last ran; -1: unknown */
  PoolWorker workers[MOST_THREADS];
  int started;
  bool detached;    /* the threads end with the process */
  atomic_int forks; /* number of forks when these threads were started */
};

/* Stops and joins the threads. No job may be running. */
void pool_close(Pool *);

#endif
