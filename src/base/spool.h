/* spool.h - a growable byte array that may exceed memory: beyond a limit it is a mapping of an unlinked
 * file, which the system pages in and out. */
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

/* Fails if the disk is full. The file is in $TMPDIR, else in /var/tmp. */
bool spool_add(Spool *, const void *bytes, size_t count, Error *);
void spool_free(Spool *);
/* Frees unused space and closes the file: nothing can be added afterwards. */
void spool_finish(Spool *);

/* Maximum bytes of a spool in memory: by default an eighth of mem_available(). */
size_t spool_in_memory(void);
/* For tests: sets it; 0: the default. */
void spool_set_in_memory(size_t bytes);

#endif
