/* streams.h - the standard streams and signals, so that every command treats them alike. */
#ifndef CLI_STREAMS_H
#define CLI_STREAMS_H

#include <stdarg.h>

#include "base/buffer.h"

/* Called first. A closed stdin, stdout or stderr gets a place holder: else the next file opened would take
 * its number, and a model be written where the results go. And a file that another program
 * cuts short while it is mapped ends this one with a sentence. */
void streams_open(void);

/* Writes and flushes a piece of a result; false once stdout failed. A terminal is told nothing that controls
 * it. */
bool streams_put(const char *bytes, size_t length);

/* A message on stderr. Names of files and what else comes from outside may hold anything: it is made visible.
 */
void streams_say(const char *format, ...) PRINTF(1, 2);
void streams_vsay(const char *format, va_list) PRINTF(1, 0);

/* Called last: a result that did not arrive is a failure. Returns the exit status. */
int streams_close(int status);

/* Text that comes in, by the library's one reader (ink_text_read); what was done to it is said on stderr. The
 * operand itself, or all of stdin where it is "-" or NULL; a file; bytes that have been read. */
bool streams_text(const char *operand, const ink_settings *, bool quiet, Buffer *, Error *);
bool streams_file(const char *path, const ink_settings *, bool quiet, Buffer *, Error *);
bool streams_bytes(const char *operand, Buffer *, Error *); /* unread: as they are */
bool streams_check(const char *bytes, size_t size, const char *name, const ink_settings *, bool quiet,
                   Buffer *, Error *);

/* From here on SIGINT, SIGTERM and SIGHUP stop the calls that streams_call began; the second one of a kind
 * kills at once. */
void streams_catch_signals(void);
bool streams_stopped(void); /* was there one? */
void streams_go_on(void);   /* it is forgotten */
/* How a call of the library runs that these signals stop. */
ink_call streams_call(void);

#endif
