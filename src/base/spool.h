/* spool.h - a growing run of bytes that may be more than memory: once there are many they lie in a file
 * without a name, from where the system pages them in and out. */
#ifndef BASE_SPOOL_H
#define BASE_SPOOL_H

#include <stddef.h>

#include "error.h"

/* Zero-initialized is empty. */
typedef struct Spool {
  char *data; /* moves as it grows; writable */
  size_t length, capacity;
  int file; /* where `on_disk` */
  bool on_disk;
} Spool;

/* Fails where the disk is full: the file is in $TMPDIR, else in /var/tmp. */
bool spool_add(Spool *, const void *bytes, size_t count, Error *);
void spool_free(Spool *);
/* Gives back the room that is not used, and closes the file: nothing can be added from now on. */
void spool_finish(Spool *);

/* Bytes of one that are kept in memory at most: an eighth of what there is. */
size_t spool_in_memory(void);
/* For tests: sets it, 0 to what it was. */
void spool_set_in_memory(size_t bytes);

#endif
