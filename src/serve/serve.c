#include "serve/serve.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "serve/endpoints.h"
#include "serve/guard.h"

#include "base/settings_table.h"

#include "serve/serve.def"

typedef struct Server {
  Web *http;
  Scheduler *scheduler;
  Keys keys;
} Server;

ink_settings *serve_settings(void) {
  static const SettingTable *const tables[] = {&web_settings_table, &serve_settings_table};
  return settings_new(tables, 2);
}

/* ---- requests, on the HTTP thread ---- */

static const Route *find_route(const Exchange *x, Problem *p) {
  const char *path = exchange_path(x);
  bool other = false;
  for (const Route *r = routes; r->path; r++) {
    if (strcmp(r->path, path)) continue;
    if (!strcmp(r->method, exchange_method(x))) return r;
    other = true;
  }
  if (other)
    problem_set(p, HTTP_NO_METHOD, NULL, NULL, "%s does not know the method %.20s", path, exchange_method(x));
  else
    problem_set(p, HTTP_NOT_FOUND, NULL, NULL, "there is no %.200s: see /openapi.json", path);
  return NULL;
}

static bool read_params(const Exchange *x, const Route *r, json_t **values, Problem *p) {
  size_t length;
  const char *body = exchange_body(x, &length);
  if (r->params) return params_read(r->params, body, length, values, p);
  *values = NULL;
  return !length || problem_set(p, HTTP_BAD, NULL, NULL, "%s takes no body", r->path);
}

static void route(Server *s, Exchange *x) {
  Problem p = {0};
  json_t *values = NULL;
  const Route *r = find_route(x, &p);
  if (r && !r->now && !keys_accept(&s->keys, exchange_key(x)))
    problem_set(&p, HTTP_NO_KEY, NULL, "invalid_api_key",
                "the API key is missing or wrong: send \"Authorization: Bearer KEY\"");
  if (!p.status && read_params(x, r, &values, &p)) {
    if (r->now)
      r->answer(&(Job){.scheduler = s->scheduler, .exchange = x, .route = r});
    else
      scheduler_submit(s->scheduler, x, r, values);
    return;
  }
  json_decref(values);
  exchange_fail(x, &p);
}

static void on_request(void *user, Exchange *x) {
  if (strcmp(exchange_method(x), "OPTIONS"))
    route(user, x);
  else
    exchange_respond(x, HTTP_OK, "text/plain", "", 0); /* a browser asks first; its Origin was checked */
}

/* ---- a server ---- */

static void tick(void *user) {
  Server *s = user;
  web_tick(s->http);
}

/* Responses that have been given to HTTP may still be on their way. */
static void flush(Web *http) {
  for (int i = 0; i < 200 && web_unfinished(http); i++) {
    const struct timespec pause = {.tv_nsec = 10000000};
    nanosleep(&pause, NULL);
  }
}

static bool run(Server *s, const WebSettings *settings, void (*ready)(const char *, bool), Error *err) {
  char address[320];
  s->http = web_open(settings, on_request, s, err);
  if (!s->http) return false;
  const bool v6 = strchr(settings->host, ':');
  snprintf(address, sizeof address, "http://%s%.256s%s:%d", v6 ? "[" : "", settings->host, v6 ? "]" : "",
           web_port(s->http));
  ready(address, !s->keys.digests.count && !web_is_local(s->http));
  scheduler_run(s->scheduler, tick, s);
  web_stop_listening(s->http);
  flush(s->http);
  return true;
}

bool serve_run(ServedModel *models, int count, const ink_settings *settings, const ink_call *call,
               void (*ready)(const char *, bool), Error *err) {
  const WebSettings *http = settings_part(settings, &web_settings_table);
  Server s = {0};
  bool ok = keys_open(&s.keys, &http->api_key, http->api_key_file, err);
  if (ok)
    s.scheduler = scheduler_open(models, count, settings_part(settings, &serve_settings_table), call, err);
  ok = s.scheduler && run(&s, http, ready, err);
  web_close(s.http);
  scheduler_close(s.scheduler);
  keys_close(&s.keys);
  return ok;
}
