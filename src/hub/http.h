/* http.h - GET by HTTP, through libcurl.
 *
 * libcurl is loaded when it is first used: with the thirty libraries that it needs, it would add 4 to 12 ms
 * to the start of every command. */
#ifndef HUB_HTTP_H
#define HUB_HTTP_H

#include "base/error.h"

/* Keeps connections open between requests. */
typedef struct Http Http;
/* `patience`: seconds without a byte after which a connection is given up. NULL: libcurl is missing. */
Http *http_open(double patience, Error *);
void http_close(Http *);

/* Where the body of an answer with status 200 or 206 goes. */
typedef struct HttpSink {
  void *self;
  /* Called once, before the first byte: its position, and how many follow; -1: unknown. */
  bool (*begin)(void *self, int64_t from, int64_t count, Error *);
  bool (*take)(void *self, const void *bytes, size_t count, Error *);
} HttpSink;

typedef struct HttpRequest {
  const char *url;
  const char *token; /* a bearer token for the host of `url`, not for those it redirects to; "": none */
  int64_t from;      /* the first byte wanted; an answer may begin at 0 nevertheless */
  const char *tag;   /* If-Range: only if the entity tag is still this one; "": any */
} HttpRequest;

typedef struct HttpAnswer {
  long status;       /* 0: there was none */
  bool complete;     /* all bytes came */
  bool page;         /* it is an HTML page, which is not passed on */
  bool hopeless;     /* the problem will not go away by itself */
  double wait;       /* Retry-After in seconds; 0: none */
  char tag[200];     /* a strong ETag; "": none */
  char problem[320]; /* of the connection; "": none */
} HttpAnswer;

/* False if the call was stopped or the sink failed; what the network does is told by the answer. */
bool http_get(Http *, const HttpRequest *, const HttpSink *, HttpAnswer *, Error *);

#endif
