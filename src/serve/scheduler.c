#include "serve/scheduler.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "base/threads.h"

struct Scheduler {
  ServedModel *models;
  int count;
  const ServeSettings *settings;
  ink_call call; /* of the steps, which a signal does not stop: */
  ink_stop never;
  const ink_stop *stop;
  Counts counts;
  Job *running;
  pthread_mutex_t lock; /* of what follows */
  pthread_cond_t arrived;
  Job *inbox, **last;
  int64_t unfinished;
  bool stopping;
};

/* ---- jobs ---- */

static void free_job(Job *job) {
  exchange_release(job->exchange);
  json_decref(job->values);
  mem_free(job);
}

void job_end(Job *job) {
  CHECK(!job->ended);
  job->ended = true;
  Scheduler *s = job->scheduler;
  const double took = clock_seconds() - job->since;
  static const double bounds[] = {0.01, 0.1, 0.5, 1, 5, 20, 60};
  int i = 0;
  while (i < 7 && took > bounds[i]) i++;
  s->counts.waits[i]++;
  s->counts.waited++;
  s->counts.wait_seconds += took;
}

void job_text(Job *job, const char *type, const char *text) {
  exchange_respond(job->exchange, HTTP_OK, type, text, strlen(text));
  job_end(job);
}

void job_json(Job *job, json_t *json) {
  char *text = json_text(json, JSON_COMPACT);
  json_decref(json);
  job_text(job, "application/json", text);
  mem_free(text);
}

void job_fail(Job *job, const Problem *p) {
  if (p->status >= HTTP_FAILED)
    job->scheduler->counts.failed++;
  else
    job->scheduler->counts.refused++;
  exchange_fail(job->exchange, p);
  job_end(job);
}

const ServedModel *job_model(const Job *job, Problem *p) {
  const char *name = json_string_value(json_object_get(job->values, "model"));
  const Scheduler *s = job->scheduler;
  for (int i = 0; i < s->count; i++)
    if (!strcmp(s->models[i].name, name)) return &s->models[i];
  problem_set(p, HTTP_NOT_FOUND, "model", "model_not_found", "there is no model \"%.200s\": see /v1/models",
              name);
  return NULL;
}

/* ---- from the HTTP thread ---- */

static bool accepts(const Scheduler *s, Problem *p) {
  if (s->stopping) return problem_set(p, HTTP_STOPPING, NULL, "stopping", "the server is stopping");
  return s->unfinished < s->settings->max_requests ||
         problem_set(p, HTTP_TOO_MANY, NULL, "overloaded", "the server has %lld requests already: try later",
                     (long long)s->unfinished);
}

void scheduler_submit(Scheduler *s, Exchange *x, const Route *route, json_t *values) {
  Problem p = {0};
  Job *job = mem_alloc_zeroed(1, sizeof *job);
  *job = (Job){.scheduler = s,
               .exchange = exchange_keep(x),
               .route = route,
               .values = values,
               .since = clock_seconds()};
  pthread_mutex_lock(&s->lock);
  if (accepts(s, &p)) {
    *s->last = job;
    s->last = &job->next;
    s->unfinished++;
    pthread_cond_signal(&s->arrived);
  }
  pthread_mutex_unlock(&s->lock);
  if (!p.status) return;
  exchange_fail(x, &p);
  free_job(job);
}

int64_t scheduler_unfinished(const Scheduler *s) {
  pthread_mutex_lock((pthread_mutex_t *)(uintptr_t)&s->lock);
  const int64_t count = s->unfinished;
  pthread_mutex_unlock((pthread_mutex_t *)(uintptr_t)&s->lock);
  return count;
}

Counts *scheduler_counts(Scheduler *s) {
  return &s->counts;
}

const ServeSettings *scheduler_settings(const Scheduler *s) {
  return s->settings;
}

const ServedModel *scheduler_models(const Scheduler *s, int *count) {
  *count = s->count;
  return s->models;
}

/* ---- the loop ---- */

static void wait_until(Scheduler *s, double seconds) {
  struct timespec at;
  clock_gettime(CLOCK_REALTIME, &at);
  at.tv_nsec += (long)(seconds * 1e9);
  at.tv_sec += at.tv_nsec / 1000000000;
  at.tv_nsec %= 1000000000;
  pthread_cond_timedwait(&s->arrived, &s->lock, &at);
}

/* The jobs that have arrived, in order; waits for some if there is nothing else to do. */
static Job *take_inbox(Scheduler *s, bool idle) {
  pthread_mutex_lock(&s->lock);
  if (!s->inbox && idle) wait_until(s, 0.2);
  Job *jobs = s->inbox;
  s->inbox = NULL;
  s->last = &s->inbox;
  pthread_mutex_unlock(&s->lock);
  return jobs;
}

/* If memory runs out, the job fails, and only it. */
static void start(Job *job) {
  Problem p = {0};
  Error why = {0};
  job->scheduler->counts.requests++;
  MEM_GUARD(&why, {
    problem_from(&p, NULL, &why);
    if (!job->ended) job_fail(job, &p);
    return;
  });
  job->route->answer(job);
  MEM_GUARD_END();
}

static void start_all(Scheduler *s, Job *jobs) {
  for (Job *next; jobs; jobs = next) {
    next = jobs->next;
    jobs->next = s->running;
    s->running = jobs;
    start(jobs);
  }
}

/* All requests of a queue that fails have ended. */
static void replace_queue(ServedModel *m, const ink_call *call) {
  Error err = {0};
  ink_queue_close(m->queue);
  m->queue = ink_queue_open(m->model, call, &err);
}

static bool step_all(Scheduler *s) {
  bool any = false;
  const double begin = clock_seconds();
  for (int i = 0; i < s->count; i++) {
    Error err = {0};
    ServedModel *m = &s->models[i];
    if (!m->queue) replace_queue(m, &s->call);
    if (!m->queue || !ink_queue_unfinished(m->queue)) continue;
    any = true;
    s->counts.steps++;
    if (!ink_queue_step(m->queue, &s->call, &err)) replace_queue(m, &s->call);
  }
  if (any) s->counts.seconds += clock_seconds() - begin;
  return any;
}

static void watch(Job *job, bool stopped) {
  Problem p = {0};
  if (job->ended || !job->cancel) return;
  if (exchange_is_gone(job->exchange)) {
    job->scheduler->counts.left++;
    problem_set(&p, HTTP_TOO_LATE, NULL, "client_left", "the client has left");
  } else if (stopped)
    problem_set(&p, HTTP_STOPPING, NULL, "stopping", "the server has stopped");
  else if (clock_seconds() - job->since > job->scheduler->settings->deadline)
    problem_set(&p, HTTP_TOO_LATE, NULL, "deadline", "the request took longer than %g seconds (--deadline)",
                job->scheduler->settings->deadline);
  if (p.status) job->cancel(job, &p);
}

static void free_ended(Scheduler *s) {
  int64_t count = 0;
  for (Job **at = &s->running; *at;) {
    Job *job = *at;
    if (!job->ended) {
      at = &job->next;
      continue;
    }
    *at = job->next;
    free_job(job);
    count++;
  }
  pthread_mutex_lock(&s->lock);
  s->unfinished -= count;
  pthread_mutex_unlock(&s->lock);
}

/* `stopped`: all jobs end now. */
static void turn(Scheduler *s, bool idle, bool stopped) {
  start_all(s, take_inbox(s, idle));
  for (Job *job = s->running; job; job = job->next) watch(job, stopped);
  step_all(s);
  free_ended(s);
}

static void set_stopping(Scheduler *s) {
  pthread_mutex_lock(&s->lock);
  s->stopping = true;
  pthread_mutex_unlock(&s->lock);
}

void scheduler_run(Scheduler *s, void (*tick)(void *), void *user) {
  double ticked = clock_seconds(), stopped = 0;
  while (!stopped || s->running || s->inbox) {
    const double now = clock_seconds();
    if (!stopped && ink_stop_requested(s->stop)) {
      set_stopping(s);
      stopped = now;
      tick(user);
    }
    turn(s, !s->running, stopped && now - stopped > s->settings->drain);
    if (now - ticked < 1) continue;
    tick(user);
    ticked = now;
  }
}

/* ---- opening ---- */

static bool open_queues(Scheduler *s, Error *err) {
  for (int i = 0; i < s->count; i++)
    if (!(s->models[i].queue = ink_queue_open(s->models[i].model, &s->call, err))) return false;
  return true;
}

Scheduler *scheduler_open(ServedModel *models, int count, const ServeSettings *settings, const ink_call *call,
                          Error *err) {
  Scheduler *s = mem_alloc_zeroed(1, sizeof *s);
  *s = (Scheduler){.models = models, .count = count, .settings = settings, .call = *call, .stop = call->stop};
  s->call.stop = &s->never; /* NULL would be that of the thread */
  s->last = &s->inbox;
  pthread_mutex_init(&s->lock, NULL);
  pthread_cond_init(&s->arrived, NULL);
  if (open_queues(s, err)) return s;
  scheduler_close(s);
  return NULL;
}

void scheduler_close(Scheduler *s) {
  if (!s) return;
  for (int i = 0; i < s->count; i++) ink_queue_close(s->models[i].queue);
  pthread_mutex_destroy(&s->lock);
  pthread_cond_destroy(&s->arrived);
  mem_free(s);
}
