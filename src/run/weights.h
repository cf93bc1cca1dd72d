/* weights.h - converts between parameters and the named tensors of a model or a safetensors file.
 *
 * Reading requires every parameter, in its shape and with finite values. It fails for any other tensor, by
 * name, unless the architecture's table of names (models/naming.h) lists it. */
#ifndef RUN_WEIGHTS_H
#define RUN_WEIGHTS_H

#include "base/news.h"
#include "io/safetensors.h"
#include "io/source.h"
#include "models/model.h"
#include "nn/params.h"

/* The weights of a run's or checkpoint's directory, under the parameters' own names. `values`: an array as
 * returned by params_values (the weights or their average). */
bool weights_save(const char *directory, Params *, const float *values, Error *);
bool weights_load(const char *directory, Params *, float *values, Error *);
/* All parameters of a model that is being trained, or its adapter; `values`: of the learned ones. */
bool weights_save_model(const char *directory, const Model *, const float *values, Error *);
/* Reads the learned ones back. */
bool weights_load_model(const char *directory, const Model *, Error *);
/* A single file; naming NULL: the parameters' own names. */
bool weights_write(const char *path, Params *, const float *values, Error *);
bool weights_read(const char *path, const Naming *, Params *, float *values, Error *);

/* Whether an output matrix is stored that differs from the embedding. If so, it is used even if the
 * configuration ties them, as in transformers 5. */
bool weights_untie(const TensorSet *, const Naming *);

/* The parameter that is read from a tensor of that name; NULL: none. */
const Param *weights_param(const Naming *, const Params *, const char *stored);
/* The last name from which just this parameter would be read: what it is written as. False: it has none. */
bool weights_name(const Naming *, const Params *, const Param *, char stored[TENSOR_NAME_CAPACITY], Error *);
/* The type that a parameter's values are stored in; f32 if they are not stored as they are used. */
TensorType weights_stored_type(const TensorSet *, const Naming *, const char *parameter);

/* For a parameter set without memory of its own: parameters point into the mapped tensors, which must outlive
 * them, if they are f32 or of a type that operators accept; others are copied. Rationale, and what happens if
 * the file is overwritten: docs/decisions/0007-mapped-weights.md. Reports progress if it takes long.
 * `unused`: parameters that the tensors may also be, without being read; NULL: none. */
bool weights_map(const TensorSet *, const Naming *, const Config *, Params *, const Params *unused,
                 const News *, Error *);
/* Sets all of `to`, which must have memory of its own, to what `from`, which may have more, has under their
 * names; the head of a classifier keeps its values if it is new: `from` has none, or one of other labels. */
void weights_copy(Params *to, const Params *from, bool new_head);

/* The head of a classifier, to an adapter that trains one of the same labels. */
void weights_copy_head(Params *to, const Params *from);

#endif
