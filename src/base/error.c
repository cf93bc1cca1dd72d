#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/language.h"

static void set(Error *err, int code, const char *format, va_list args) {
  if (!err || err->code) return;
  err->code = code;
  vsnprintf(err->text, sizeof err->text, language_text(format), args);
}

#define FAILING(name, code)                        \
  bool name(Error *err, const char *format, ...) { \
    va_list args;                                  \
    va_start(args, format);                        \
    set(err, code, format, args);                  \
    va_end(args);                                  \
    return false;                                  \
  }
FAILING(fail, INK_FAILED)
FAILING(fail_usage, INK_USAGE)
FAILING(fail_damaged, INK_DAMAGED)
FAILING(fail_not_found, INK_NOT_FOUND)

bool fail_as(Error *err, int code, const char *format, ...) {
  va_list args;
  va_start(args, format);
  set(err, code, format, args);
  va_end(args);
  return false;
}

bool fail_interrupted(Error *err) {
  return fail_as(err, INK_INTERRUPTED, "interrupted");
}

bool fail_from(Error *err, const Error *elsewhere) {
  return fail_as(err, elsewhere->code, "%s", elsewhere->text);
}

bool fail_value(Error *err, const char *where, const char *advice, const char *format, ...) {
  char fact[sizeof err->text];
  va_list args;
  va_start(args, format);
  vsnprintf(fact, sizeof fact, language_text(format), args);
  va_end(args);
  return where ? fail(err, "%s: %s: the file is damaged", where, fact)
               : fail_usage(err, "%s: %s", fact, language_text(advice));
}

bool fail_prefix(Error *err, const char *format, ...) {
  char text[sizeof err->text], prefix[512];
  va_list args;
  if (!err || !err->code) return false;
  va_start(args, format);
  vsnprintf(prefix, sizeof prefix, language_text(format), args);
  va_end(args);
  memcpy(text, err->text, sizeof text);
  const int left = (int)(sizeof text - strlen(prefix) - sizeof "：");
  snprintf(err->text, sizeof err->text, language_text("%s: %.*s"), prefix, left, text);
  return false;
}

void check_failed(const char *file, int line, const char *expression) {
  fprintf(stderr, _("inkstone: bug: %s:%d: check failed: %s; please report it\n"), file, line, expression);
  abort();
}

const char *ink_version(void) {
  return INK_VERSION;
}

int ink_version_number(void) {
  return INK_VERSION_NUMBER;
}
