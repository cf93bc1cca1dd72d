/* fetch.h - GET with retries, resumed where a connection broke; what a hub refuses, told with the remedy. */
#ifndef HUB_FETCH_H
#define HUB_FETCH_H

#include "base/buffer.h"
#include "base/news.h"
#include "hub/http.h"

typedef struct Hub {
  Http *http;
  const char *endpoint; /* "https://huggingface.co" */
  const char *token;    /* "": none */
  int64_t retries;      /* in succession without progress */
  const News *news;
} Hub;

typedef struct Fetch {
  const char *id;   /* of the repository, for messages */
  const char *what; /* what is fetched, for messages */
  const char *url;
  int64_t have;     /* bytes there; the sink counts them */
  int64_t promised; /* bytes in all; -1: unknown */
  HttpSink sink;
} Fetch;

/* Appends a text percent-encoded (RFC 3986), without '/' if `whole`. */
void fetch_escape(Buffer *, const char *text, bool whole);

/* Until all bytes are there. */
bool fetch(const Hub *, Fetch *, Error *);

#endif
