/* metrics.c - GET /health and /metrics. */
#include <inttypes.h>
#include <string.h>

#include "serve/endpoints.h"

void serve_health(Job *job) {
  json_t *json = json_build("{s:s, s:s, s:I}", "status", "ok", "version", INK_VERSION, "requests",
                            (json_int_t)scheduler_unfinished(job->scheduler));
  char *text = json_text(json, JSON_COMPACT);
  json_decref(json);
  exchange_respond(job->exchange, HTTP_OK, "application/json", text, strlen(text));
  mem_free(text);
}

static void add(Buffer *b, const char *name, const char *type, const char *help, double value) {
  buffer_addf(b, "# HELP inkstone_%s %s\n# TYPE inkstone_%s %s\ninkstone_%s %.17g\n", name, help, name, type,
              name, value);
}

static void add_durations(Buffer *b, const Counts *c) {
  static const char *const bounds[] = {"0.01", "0.1", "0.5", "1", "5", "20", "60", "+Inf"};
  const char *name = "inkstone_request_seconds";
  int64_t count = 0;
  buffer_addf(b, "# HELP %s Time from a request's arrival to its end\n# TYPE %s histogram\n", name, name);
  for (int i = 0; i < 8; i++)
    buffer_addf(b, "%s_bucket{le=\"%s\"} %" PRId64 "\n", name, bounds[i], count += c->waits[i]);
  buffer_addf(b, "%s_sum %.17g\n%s_count %" PRId64 "\n", name, c->wait_seconds, name, c->waited);
}

void serve_metrics(Job *job) {
  const Counts *c = scheduler_counts(job->scheduler);
  Buffer b = {0};
  add(&b, "requests_total", "counter", "Requests that reached the scheduler", (double)c->requests);
  add(&b, "requests_refused_total", "counter", "Requests with errors of their own", (double)c->refused);
  add(&b, "requests_failed_total", "counter", "Requests that failed", (double)c->failed);
  add(&b, "requests_left_total", "counter", "Requests whose client left", (double)c->left);
  add(&b, "requests_unfinished", "gauge", "Requests running and waiting",
      (double)scheduler_unfinished(job->scheduler));
  add(&b, "prompt_tokens_total", "counter", "Tokens read", (double)c->prompt_tokens);
  add(&b, "new_tokens_total", "counter", "Tokens written", (double)c->new_tokens);
  add(&b, "steps_total", "counter", "Steps of models", (double)c->steps);
  add(&b, "step_seconds_total", "counter", "Time in steps", c->seconds);
  add(&b, "resident_bytes", "gauge", "Memory of the process", (double)mem_resident());
  add_durations(&b, c);
  job_text(job, "text/plain; version=0.0.4", b.data);
  buffer_free(&b);
}
