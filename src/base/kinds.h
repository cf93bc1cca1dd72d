/* kinds.h - error messages for a file whose bytes are of a known kind, and not of the expected one. */
#ifndef BASE_KINDS_H
#define BASE_KINDS_H

#include <stddef.h>

#include "error.h"

/* If the bytes are of a known kind, sets the error to it, with the remedy, and returns true. */
bool kind_refuse(const char *path, const char *data, size_t size, Error *err);
/* As above, of what stands for a file that could not be had: never the right kind. */
bool kind_refuse_placeholder(const char *path, const char *data, size_t size, Error *err);

#endif
