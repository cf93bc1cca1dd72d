/* structs.h - structs that a program passes by pointer, which begin with their own size (a size_t).
 *
 * The program may have been built with an older header, whose struct is shorter, or with a newer one. */
#ifndef BASE_STRUCTS_H
#define BASE_STRUCTS_H

#include <stddef.h>

#include "error.h"

/* Copies what `given` has of `own`, and zeros for the rest; `own_size` is then its size. Refused: a size that
 * is none, and a longer struct that asks for what this version does not know. `name`: of the type. */
bool struct_take(void *own, size_t own_size, const void *given, const char *name, Error *);
/* Copies back what `given` has room for; its size stays. NULL: nobody wants it. */
void struct_give(void *given, const void *own, size_t own_size);

#endif
