#include "hub/fetch.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/figure.h"
#include "base/language.h"
#include "base/threads.h"

void fetch_escape(Buffer *out, const char *text, bool whole) {
  static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  for (const char *c = text; *c; c++)
    if (strchr(plain, *c) || (*c == '/' && !whole))
      buffer_add(out, c, 1);
    else
      buffer_addf(out, "%%%02X", (unsigned char)*c);
}

/* ---- refusals ---- */

static bool fail_unauthorized(const Hub *h, const Fetch *f, Error *err) {
  if (*h->token)
    return fail(err, "%s: %s does not accept HF_TOKEN (401): it is wrong or expired: make a new one", f->what,
                h->endpoint);
  return fail(
      err,
      "%s: there is no such repository, or it is private or gated (401): check its name; if it is gated, "
      "accept its licence at %s/%s; then set HF_TOKEN to your token",
      f->what, h->endpoint, f->id);
}

static bool fail_status(const Hub *h, const Fetch *f, long status, Error *err) {
  switch (status) {
    case 401:
      return fail_unauthorized(h, f, err);
    case 403:
      return fail(
          err,
          "%s: access denied (403): accept the licence at %s/%s, then set HF_TOKEN to a token that may "
          "read it",
          f->what, h->endpoint, f->id);
    case 404:
      return fail_not_found(err,
                            "%s: there is no such repository, revision or file at %s (404): check the name",
                            f->what, h->endpoint);
    case 429:
      return fail(err, "%s: too many requests, says %s (429): try again in some minutes, or set HF_TOKEN",
                  f->what, h->endpoint);
    default:
      return fail(err, "%s: %s answers with status %ld: try again later", f->what, h->endpoint, status);
  }
}

static bool fail_answer(const Hub *h, const Fetch *f, const HttpAnswer *a, Error *err) {
  if (a->page && a->status < 400)
    return fail(
        err,
        "%s: a web page came instead, perhaps from a proxy or the login of a network: check HF_ENDPOINT "
        "(%s) and the connection",
        f->what, h->endpoint);
  if (a->status >= 400 && a->status != 416) return fail_status(h, f, a->status, err);
  return fail(err, "%s: cannot be downloaded from %s: %s; what came is kept: the same command continues",
              f->what, h->endpoint, *a->problem ? a->problem : _("the connection ended early"));
}

/* ---- retries ---- */

static bool may_change(const HttpAnswer *a) {
  static const long passing[] = {0, 200, 206, 408, 416, 425, 429, 500, 502, 503, 504};
  for (size_t i = 0; i < sizeof passing / sizeof *passing; i++)
    if (a->status == passing[i]) return !a->hopeless && (!a->page || a->status >= 400);
  return false;
}

/* False if it was stopped. */
static bool pause_for(double seconds, Error *err) {
  static const double step = 0.05;
  for (double end = clock_seconds() + seconds; clock_seconds() < end && !interrupted();)
    nanosleep(&(struct timespec){.tv_nsec = (long)(step * 1e9)}, NULL);
  return !interrupted() || fail_interrupted(err);
}

static bool wait_for_retry(const Hub *h, const Fetch *f, const HttpAnswer *a, int64_t tries, Error *err) {
  static const double first = 0.5, longest = 30, most_asked = 300;
  char why[340], time[FIGURE_SIZE];
  double wait = first;
  for (int64_t i = 1; i < tries && wait < longest; i++) wait *= 2;
  if (a->wait > most_asked) return fail_status(h, f, a->status, err);
  if (a->wait > wait) wait = a->wait;
  if (a->status >= 400)
    snprintf(why, sizeof why, _("status %ld"), a->status);
  else
    snprintf(why, sizeof why, "%s", *a->problem ? a->problem : _("the connection ended early"));
  news_note(h->news, "%s: %s: trying again in %s (%lld of %lld)", f->what, why, figure_time(time, wait),
            (long long)tries, (long long)h->retries);
  return pause_for(wait, err);
}

/* Attempts that brought this much do not count, so that a long download survives any number of breaks. */
static const int64_t enough = 1 << 20;

bool fetch(const Hub *h, Fetch *f, Error *err) {
  HttpAnswer a = {.tag = ""};
  for (int64_t tries = 1;; tries++) {
    const int64_t before = f->have;
    char tag[sizeof a.tag];
    memcpy(tag, a.tag, sizeof tag);
    const HttpRequest request = {f->url, h->token, f->have, tag};
    if (!http_get(h->http, &request, &f->sink, &a, err)) return false;
    if (f->promised < 0 ? a.complete : f->have == f->promised) return true;
    if (f->have - before >= enough) tries = 1;
    if (!may_change(&a) || tries > h->retries) return fail_answer(h, f, &a, err);
    if (!wait_for_retry(h, f, &a, tries, err)) return false;
  }
}
