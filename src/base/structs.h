/* structs.h - structs passed by pointer through the public API, which begin with their size (a size_t).
 *
 * The program may have been built with an older header, whose struct is shorter, or with a newer one. */
#ifndef BASE_STRUCTS_H
#define BASE_STRUCTS_H

#include <stddef.h>

#include "error.h"

/* Copies `given` into `own`, zero-filled if `given` is shorter, with size `own_size`. Fails if its size is
 * invalid, or if it is longer and the members beyond `own_size` are not zero. `name`: of the type. */
bool struct_take(void *own, size_t own_size, const void *given, const char *name, Error *);
/* Copies `own` back, up to the size of `given`, which is kept. `given` may be NULL. */
void struct_give(void *given, const void *own, size_t own_size);

#endif
