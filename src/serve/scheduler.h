/* scheduler.h - the one thread that uses models: takes jobs from the HTTP thread, submits their texts to the
 * queues of the models, and steps these as long as there is anything to do. Continuous batching: each step
 * advances all texts by a token, whichever requests they belong to, and a text does not depend on the others.
 */
#ifndef SERVE_SCHEDULER_H
#define SERVE_SCHEDULER_H

#include "serve/params.h"
#include "serve/serve.h"
#include "serve/web.h"

typedef struct Scheduler Scheduler;
typedef struct Job Job;

/* An endpoint: routes.def. */
typedef struct Route {
  const char *method, *path;
  const Param *params; /* NULL: it has no body */
  bool now;            /* answered by the HTTP thread, without a key */
  void (*answer)(Job *);
  const char *help;
} Route;
extern const Route routes[]; /* ends with one without a path */

/* A request on its way. It belongs to the scheduler's thread, after the HTTP thread has passed it on. */
struct Job {
  Scheduler *scheduler;
  Exchange *exchange;
  const Route *route;
  json_t *values; /* of the parameters */
  double since;
  void *state; /* of the endpoint */
  /* Ends what runs for the job, which then responds with the problem. NULL: it never waits. */
  void (*cancel)(Job *, const Problem *);
  bool ended;
  Job *next;
};

/* What is counted, for /metrics and /health. */
typedef struct Counts {
  int64_t requests, refused, failed, left; /* left: by their clients */
  int64_t prompt_tokens, new_tokens, steps;
  double seconds;           /* of steps */
  int64_t waits[8], waited; /* requests by how long they took: see metrics.c */
  double wait_seconds;
} Counts;

Scheduler *scheduler_open(ServedModel *, int count, const ServeSettings *, const ink_call *, Error *);
void scheduler_close(Scheduler *);
/* From the HTTP thread. The job is the scheduler's afterwards; it answers at once if there are too many. */
void scheduler_submit(Scheduler *, Exchange *, const Route *, json_t *values);
/* Until the stop is requested; calls `tick` about every second. Then ends all jobs. */
void scheduler_run(Scheduler *, void (*tick)(void *), void *user);

int64_t scheduler_unfinished(const Scheduler *); /* from any thread */
Counts *scheduler_counts(Scheduler *);
const ServeSettings *scheduler_settings(const Scheduler *);
const ServedModel *scheduler_models(const Scheduler *, int *count);
/* The model of the parameter "model"; NULL: refused. */
const ServedModel *job_model(const Job *, Problem *);

/* Each ends the job. */
void job_json(Job *, json_t *); /* takes the value over */
void job_text(Job *, const char *type, const char *text);
void job_fail(Job *, const Problem *);
void job_end(Job *); /* its response is complete */

#endif
