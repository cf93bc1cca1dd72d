#include "serve/problem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"

bool problem_set(Problem *p, int status, const char *param, const char *code, const char *format, ...) {
  if (p->status) return false;
  p->status = status;
  p->code = code;
  snprintf(p->param, sizeof p->param, "%s", param ? param : "");
  va_list args;
  va_start(args, format);
  vsnprintf(p->error.text, sizeof p->error.text, format, args);
  va_end(args);
  return false;
}

bool problem_from(Problem *p, const char *param, const Error *why) {
  const bool theirs = why->code == INK_USAGE;
  return problem_set(p, theirs ? HTTP_BAD : HTTP_FAILED, param, NULL, "%s", why->text);
}

static const char *type_of(int status) {
  switch (status) {
    case HTTP_NO_KEY:
      return "authentication_error";
    case HTTP_FORBIDDEN:
      return "permission_error";
    case HTTP_TOO_MANY:
      return "rate_limit_error";
    default:
      return status < HTTP_FAILED ? "invalid_request_error" : "server_error";
  }
}

char *problem_text(const Problem *p) {
  json_t *json = json_build("{s:{s:o, s:s, s:s?, s:s?}}", "error", "message",
                            json_bytes(p->error.text, strlen(p->error.text)), "type", type_of(p->status),
                            "param", *p->param ? p->param : NULL, "code", p->code);
  char *text = json_text(json, JSON_COMPACT);
  json_decref(json);
  return text;
}

/* The length of the character that the bytes begin with; 0: they begin with none. */
static size_t character(const char *bytes, size_t length) {
  for (size_t n = 1; n <= 4 && n <= length; n++)
    if (json_is_utf8(bytes, n)) return n;
  return 0;
}

json_t *json_bytes(const char *bytes, size_t length) {
  if (json_is_utf8(bytes, length)) return json_build("s#", bytes, (int)length);
  Buffer whole = {0};
  for (size_t i = 0, n; i < length; i += n ? n : 1) {
    n = character(bytes + i, length - i);
    buffer_add(&whole, n ? bytes + i : "\xEF\xBF\xBD", n ? n : 3);
  }
  json_t *json = json_build("s#", whole.data, (int)whole.length);
  buffer_free(&whole);
  return json;
}
