/* mapping.h - files in memory, whose pages the process need not keep. */
#ifndef BASE_MAPPING_H
#define BASE_MAPPING_H

#include <stdbool.h>
#include <stddef.h>

/* Maps a whole file for reading; NULL: it cannot be mapped, see errno. */
void *mapping_open(int descriptor, size_t size);
void mapping_close(void *data, size_t size);
/* Takes the pages that lie in these bytes out of the resident memory, if they are of a mapping opened here:
 * the file has their contents, and they are mapped again when they are next read. Other memory is left as it
 * is. Thread-safe. */
void mapping_release(const void *at, size_t bytes);

#endif
