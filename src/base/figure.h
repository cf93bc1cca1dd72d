/* figure.h - numbers as people read them, in every message, report and table. */
#ifndef BASE_FIGURE_H
#define BASE_FIGURE_H

#include <stdint.h>

/* "12,345"; "1 line", "12,345 lines"; "2m05s"; "1.2 GB" (of 10^9 bytes). Each in the caller's buffer, which
 * is returned. */
enum { FIGURE_SIZE = 48 };
const char *figure_count(char buffer[FIGURE_SIZE], int64_t);
const char *figure_of(char buffer[FIGURE_SIZE], int64_t, const char *noun); /* one that takes an "s" */
const char *figure_time(char buffer[FIGURE_SIZE], double seconds);
const char *figure_bytes(char buffer[FIGURE_SIZE], int64_t);

#endif
