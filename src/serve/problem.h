/* problem.h - why a request is refused or has failed, in the form of OpenAI's API. */
#ifndef SERVE_PROBLEM_H
#define SERVE_PROBLEM_H

#include "base/json.h"

enum {
  HTTP_OK = 200,
  HTTP_BAD = 400,
  HTTP_NO_KEY = 401,
  HTTP_FORBIDDEN = 403,
  HTTP_NOT_FOUND = 404,
  HTTP_NO_METHOD = 405,
  HTTP_TOO_LARGE = 413,
  HTTP_TOO_MANY = 429,
  HTTP_FAILED = 500,
  HTTP_STOPPING = 503,
  HTTP_TOO_LATE = 504
};

typedef struct Problem {
  int status;       /* of HTTP; 0: none */
  char param[64];   /* the parameter; "": none */
  const char *code; /* for programs, "model_not_found"; NULL: none */
  Error error;
} Problem;

/* Both return false. The first problem is kept. `param` may be NULL. */
bool problem_set(Problem *, int status, const char *param, const char *code, const char *format, ...)
    PRINTF(5, 6);
/* Of a call of the library: INK_USAGE is the request's fault, all else the server's. */
bool problem_from(Problem *, const char *param, const Error *);
/* {"error": {"message", "type", "param", "code"}}; the caller frees with mem_free. */
char *problem_text(const Problem *);

/* A text for JSON; bytes that are no UTF-8 become U+FFFD. */
json_t *json_bytes(const char *bytes, size_t length);

#endif
