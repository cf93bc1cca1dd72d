/* params.h - the named parameters of a model.
 *
 * A dry forward declares them (net.h); params_allocate then gives them memory, sorted by name, all in one
 * run of floats, so that the optimizer, clipping, averaging and saving each are one pass. */
#ifndef NN_PARAMS_H
#define NN_PARAMS_H

#include "ops/tensor.h"

typedef enum InitKind {
  INIT_ZERO,
  INIT_ONE,
  INIT_NORMAL,
  INIT_UNIFORM,
  INIT_FORGET /* an LSTM's bias: 1 for the forget gates, the second quarter, else 0 (Jozefowicz et al. 2015)
               */
} InitKind;
typedef struct Init {
  InitKind kind;
  float scale; /* NORMAL: standard deviation; UNIFORM: half-width */
} Init;

/* What the optimizer does with a parameter depends on what it is for. */
typedef enum ParamRole {
  PARAM_VECTOR, /* a norm's weight, a bias: no weight decay */
  PARAM_TABLE,  /* rows that are looked up or compared: embeddings, outputs; weight decay */
  PARAM_MATRIX  /* a map between hidden values: weight decay, and Muon where it is asked for */
} ParamRole;

typedef struct Param {
  const char *name; /* as in the safetensors file: "model.layers.0.mlp.up_proj.weight" */
  Tensor tensor;    /* f32 */
  Init init;
  ParamRole role;
  int64_t offset; /* of its first element in the run of all */
} Param;

typedef struct Params Params;
Params *params_new(void);
void params_free(Params *);

/* The parameter of that name, declared if it is new and the set is still open. A second declaration with
 * another shape is a bug (CHECK); so is a new name after params_allocate. */
Param *params_declare(Params *, const char *name, int dims, const int64_t *shape, Init, ParamRole);
Param *params_find(const Params *, const char *name); /* NULL if absent */

/* Closes the set, sorts by name, allocates. With `gradients`, also a run of the same length for them. */
void params_allocate(Params *, bool gradients);
/* Closes the set without memory for it: each parameter is then read where a file has it, of any type,
 * or from memory made for it. Such a set does not learn, and has no run of values. */
void params_close(Params *);
void params_use(Param *, const Tensor *stored);
float *params_alloc(Params *, Param *);
/* May the parameter be stored as that type? Products and embeddings read any type; vectors are f32. */
bool params_takes(const Param *, TensorType);
/* For tests, as long as no command asks for it. Stores each parameter that takes the type so, of a set that
 * was closed without memory and has values: rounded to the nearest values the type has. */
void params_convert(Params *, TensorType);
/* Likewise with gradients, but the values are those of a set with the same declarations, which lives longer.
 */
void params_allocate_twin(Params *, const Params *of);
/* Initial values from hash(seed, name, index): the same whatever the order of declaration. */
void params_initialize(Params *, uint64_t seed);

size_t params_count(const Params *);
Param *params_at(Params *, size_t index); /* by name after params_allocate */
int64_t params_elements(const Params *);  /* numbers the model learns */
/* The run of all values, and of all gradients (NULL without), params_length floats long: parameters start at
 * multiples of 16 floats, the gaps hold zeros. */
int64_t params_length(const Params *);
float *params_values(Params *);
float *params_gradients(Params *);
/* Before a step, in place of clearing them: what is added first overwrites. After it: 0 where nothing was
 * added. */
void params_forget_gradients(Params *);
void params_settle_gradients(Params *);

#endif
