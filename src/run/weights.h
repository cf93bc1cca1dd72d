/* weights.h - parameters <-> a safetensors file.
 *
 * Reading demands every parameter, in its shape and with finite values; any other tensor is refused by name,
 * unless the architecture's table of names (models/naming.h) says what it is. */
#ifndef RUN_WEIGHTS_H
#define RUN_WEIGHTS_H

#include "io/safetensors.h"
#include "models/model.h"
#include "nn/params.h"

/* `values` is a run as params_values gives it (the weights, their average, a moment of the optimizer). */
bool weights_write(const char *path, Params *, const float *values, Error *);
/* naming NULL: a file of ours, with the parameters' own names. */
bool weights_read(const char *path, const Naming *, Params *, float *values, Error *);

/* Does it store an output matrix that differs from the embedding? It is used then, as transformers 5 does,
 * whatever config.json says of ties. */
bool weights_untie(const Safetensors *, const Naming *);

/* For a set that was closed without memory: has the parameters read where the file, which must live as long,
 * is mapped, f32 and, as far as operators take them, 16 bits; others are copied. Why, and what becomes of a
 * file that others write to: docs/decisions/0007-mapped-weights.md. */
bool weights_map(const char *path, const Naming *, Params *, Safetensors *file, Error *);
/* To a set with values of its own. */
void weights_copy(Params *to, Params *from);

#endif
