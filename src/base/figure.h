/* figure.h - numbers formatted for people, in every message, report and table. */
#ifndef BASE_FIGURE_H
#define BASE_FIGURE_H

#include <stdint.h>

/* "12,345"; "1 line", "12,345 lines"; "2m05s"; "1.2 GB" (10^9 bytes). All return the caller's buffer. */
enum { FIGURE_SIZE = 48 };
const char *figure_count(char buffer[FIGURE_SIZE], int64_t);
const char *figure_of(char buffer[FIGURE_SIZE], int64_t, const char *noun); /* whose plural takes an "s" */
const char *figure_time(char buffer[FIGURE_SIZE], double seconds);
const char *figure_bytes(char buffer[FIGURE_SIZE], int64_t);

#endif
