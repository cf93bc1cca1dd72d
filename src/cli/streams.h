/* streams.h - standard streams and signals, shared by all commands. */
#ifndef CLI_STREAMS_H
#define CLI_STREAMS_H

#include <stdarg.h>

#include "base/buffer.h"

/* Called first. Opens /dev/null in place of a closed stdin, stdout or stderr: otherwise the next file opened
 * would get its descriptor and receive the results. Reading a closed stdin is an error. Installs a handler
 * that reports a mapped file truncated by another program (SIGBUS). */
void streams_open(void);

/* Writes and flushes a piece of a result; false once stdout failed. On a terminal, control characters are
 * made visible. */
bool streams_put(const char *bytes, size_t length);

/* Prints a message on stderr. Control characters, for example in file names, are made visible. */
void streams_say(const char *format, ...) PRINTF(1, 2);
void streams_vsay(const char *format, va_list) PRINTF(1, 0);

/* Called last. Returns the exit status, which is a failure if stdout could not be written. */
int streams_close(int status);

/* Input text, read by ink_text_read; notes about it are printed on stderr. streams_text: the operand itself,
 * or all of stdin if it is "-" or NULL; streams_file: a file; streams_check: bytes already read. */
bool streams_text(const char *operand, const ink_settings *, bool quiet, Buffer *, Error *);
bool streams_file(const char *path, const ink_settings *, bool quiet, Buffer *, Error *);
/* A prompt: an operand, or stdin without its last line end. */
bool streams_prompt(const char *operand, const ink_settings *, bool quiet, Buffer *, Error *);
/* Notes that a prompt spells a special token; NULL: it does not. */
void streams_note_special(const char *token);
bool streams_bytes(const char *operand, Buffer *, Error *); /* unchecked bytes */
bool streams_check(const char *bytes, size_t size, const char *name, const ink_settings *, bool quiet,
                   Buffer *, Error *);

/* From now on SIGINT, SIGTERM and SIGHUP stop the calls made with streams_call; the second signal of a kind
 * kills the process. */
void streams_catch_signals(void);
bool streams_stopped(void);    /* whether a signal arrived */
void streams_clear_stop(void); /* clears it */
/* A library call that these signals stop. */
ink_call streams_call(void);
/* The same, printing notes (unless quiet) and warnings. */
ink_call streams_noting_call(bool *quiet);

#endif
