/* figure.h - numbers as people read them. */
#ifndef CLI_FIGURE_H
#define CLI_FIGURE_H

#include <stdint.h>

/* "12,345"; "2m05s"; "1.2 GB". Each in the caller's room. */
enum { FIGURE_ROOM = 32 };
const char *figure_count(char room[FIGURE_ROOM], int64_t);
const char *figure_time(char room[FIGURE_ROOM], double seconds);
const char *figure_bytes(char room[FIGURE_ROOM], int64_t);

#endif
