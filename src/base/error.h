/* error.h - the two kinds of error.
 *
 * A bug: CHECK aborts with file, line and expression. A run-time failure: the function returns false (or
 * NULL) and sets its Error to one sentence: place, fact, remedy. The first error wins. */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include "inkstone.h"

typedef ink_error Error;

#define PRINTF(text, first) __attribute__((format(printf, text, first)))

/* All return false, so that `return fail(err, ...)` works. `err` may be NULL. */
bool fail(Error *err, const char *format, ...) PRINTF(2, 3);       /* INK_FAILED */
bool fail_usage(Error *err, const char *format, ...) PRINTF(2, 3); /* INK_USAGE */

bool fail_as(Error *err, int code, const char *format, ...) PRINTF(3, 4);
bool fail_damaged(Error *err, const char *format, ...) PRINTF(2, 3);   /* INK_DAMAGED */
bool fail_not_found(Error *err, const char *format, ...) PRINTF(2, 3); /* INK_NOT_FOUND */
bool fail_interrupted(Error *err);                                     /* "interrupted" */
bool fail_from(Error *err, const Error *elsewhere);                    /* copies an error */

/* Of a check that serves files and settings. A file `where` is damaged: INK_FAILED, with its name. NULL: the
 * caller's settings, INK_USAGE, followed by the advice on them. */
bool fail_value(Error *err, const char *where, const char *advice, const char *format, ...) PRINTF(4, 5);

/* Prepends "prefix: ", the place as the caller knows it, to the text of an error. */
bool fail_prefix(Error *err, const char *format, ...) PRINTF(2, 3);

_Noreturn void check_failed(const char *file, int line, const char *expression);
#define CHECK(condition) ((condition) ? (void)0 : check_failed(__FILE__, __LINE__, #condition))

#endif
