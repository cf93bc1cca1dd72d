/* error.h - the two kinds of error.
 *
 * The program is wrong: CHECK aborts with file, line and expression.
 * The world is wrong: a function returns false (or NULL) and leaves one sentence in its Error that says
 * where and what to do. The first error wins. */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include "inkstone.h"

typedef ink_error Error;

#define PRINTF(text, first) __attribute__((format(printf, text, first)))

/* Both return false always, so that `return fail(err, ...)` reads well. `err` may be NULL. */
bool fail(Error *err, const char *format, ...) PRINTF(2, 3);       /* INK_FAILED */
bool fail_usage(Error *err, const char *format, ...) PRINTF(2, 3); /* INK_USAGE */

bool fail_as(Error *err, int code, const char *format, ...) PRINTF(3, 4);
bool fail_damaged(Error *err, const char *format, ...) PRINTF(2, 3);   /* INK_DAMAGED */
bool fail_not_found(Error *err, const char *format, ...) PRINTF(2, 3); /* INK_NOT_FOUND */
bool fail_interrupted(Error *err);                                     /* "interrupted" */
bool fail_from(Error *err, const Error *elsewhere); /* what failed with an error of its own */

/* Puts "prefix: " before the text of an error that happened below: the place, seen from further up. */
bool fail_prefix(Error *err, const char *format, ...) PRINTF(2, 3);

_Noreturn void check_failed(const char *file, int line, const char *expression);
#define CHECK(condition) ((condition) ? (void)0 : check_failed(__FILE__, __LINE__, #condition))

#endif
