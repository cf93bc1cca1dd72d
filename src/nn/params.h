/* params.h - the named parameters of a model.
 *
 * A dry forward declares them (net.h); params_allocate then allocates them, sorted by name, in one array
 * of floats, so that the optimizer, clipping, averaging and saving are one pass each. */
#ifndef NN_PARAMS_H
#define NN_PARAMS_H

#include "ops/tensor.h"

typedef enum InitKind {
  INIT_ZERO,
  INIT_ONE,
  INIT_NORMAL,
  INIT_UNIFORM,
  INIT_FORGET /* LSTM bias: forget gates (second quarter) 1, else 0 (Jozefowicz et al. 2015)
               */
} InitKind;
typedef struct Init {
  InitKind kind;
  float scale; /* NORMAL: standard deviation; UNIFORM: half-width */
} Init;

/* The role determines how the optimizer treats a parameter. */
typedef enum ParamRole {
  PARAM_VECTOR,    /* a norm's weight, a bias: no weight decay */
  PARAM_TABLE,     /* embeddings and output layers: weight decay */
  PARAM_MATRIX,    /* a linear map between hidden values: weight decay, and Muon if selected */
  PARAM_TRANSPOSED /* the same, stored [in,out] */
} ParamRole;

typedef struct Param {
  const char *name; /* as in the safetensors file: "model.layers.0.mlp.up_proj.weight" */
  Tensor tensor;    /* f32 */
  Init init;
  ParamRole role;
  int64_t offset; /* of its first element in the array of all values */
  bool merged;    /* the values are no longer the stored ones: an adapter was added to them */
} Param;

typedef struct Params Params;
Params *params_new(void);
Params *params_new_frozen(void); /* of parameters without gradients; close it with params_close */
void params_free(Params *);

/* The parameter of that name, declared if it is new and the set is still open. A second declaration with
 * another shape is a bug (CHECK); so is a new name after params_allocate. */
Param *params_declare(Params *, const char *name, int dims, const int64_t *shape, Init, ParamRole);
Param *params_find(const Params *, const char *name); /* NULL if absent */

/* Closes the set, sorts by name, allocates the values and, with `gradients`, the gradients. */
void params_allocate(Params *, bool gradients);
/* Closes the set without allocating: each parameter is then set to stored data of any type (params_use),
 * or to its own memory (params_alloc). Such a set cannot be trained, and has no array of values. */
void params_close(Params *);
void params_use(Param *, const Tensor *stored);
/* Sets all parameters of a closed set to those of the same names in another, which must outlive it. */
void params_borrow(Params *, const Params *from);
float *params_alloc(Params *, Param *);
/* Can the parameter be stored as that type? Products and embeddings read any type; vectors must be f32. */
bool params_takes(const Param *, TensorType);
/* Converts each parameter that can be stored as the type, which must have `narrow` (kernels.h), in a set
 * closed with params_close whose values are set; values are rounded to the nearest. Returns the first
 * parameter with values that the type cannot have, which it leaves as it is; NULL: none. */
const Param *params_convert(Params *, TensorType);
/* As params_allocate with gradients, but shares the values of a set with the same declarations, which must
 * outlive it. */
void params_allocate_twin(Params *, const Params *of);
/* Initial values are a hash of (seed, name, index), independent of the order of declaration. */
void params_initialize(Params *, uint64_t seed);

size_t params_count(const Params *);
Param *params_at(Params *, size_t index); /* sorted by name after params_allocate */
int64_t params_elements(const Params *);  /* number of values, without padding */
/* Arrays of all values and of all gradients (NULL: none), params_length floats long: parameters start at
 * multiples of 16 floats, gaps are zero. */
int64_t params_length(const Params *);
float *params_values(Params *);
float *params_gradients(Params *);
/* Before a step, instead of clearing: marks gradients stale, so that the first addition overwrites them.
 * After it: zeroes those still stale. */
void params_forget_gradients(Params *);
void params_settle_gradients(Params *);

#endif
