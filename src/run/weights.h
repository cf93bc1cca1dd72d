/* weights.h - parameters <-> named tensors of a model, or of a safetensors file.
 *
 * Reading demands every parameter, in its shape and with finite values; any other tensor is refused by name,
 * unless the architecture's table of names (models/naming.h) says what it is. */
#ifndef RUN_WEIGHTS_H
#define RUN_WEIGHTS_H

#include "io/safetensors.h"
#include "io/source.h"
#include "models/model.h"
#include "nn/params.h"

/* A model directory of ours, with the parameters' own names: of a run, of a checkpoint. `values` is a run as
 * params_values gives it (the weights, their average). */
bool weights_save(const char *directory, Params *, const float *values, Error *);
bool weights_load(const char *directory, Params *, float *values, Error *);
/* One file by itself; naming NULL: of ours. */
bool weights_write(const char *path, Params *, const float *values, Error *);
bool weights_read(const char *path, const Naming *, Params *, float *values, Error *);

/* Is an output matrix stored that differs from the embedding? It is used then, as transformers 5 does,
 * whatever the configuration says of ties. */
bool weights_untie(const TensorSet *, const Naming *);

/* For a set that was closed without memory: has the parameters read where the tensors, which must live as
 * long, are mapped, f32 and, as far as operators take them, 16 bits; others are copied. Why, and what becomes
 * of a file that others write to: docs/decisions/0007-mapped-weights.md. */
bool weights_map(const TensorSet *, const Naming *, Params *, Error *);
/* To a set with values of its own. */
void weights_copy(Params *to, Params *from);

#endif
