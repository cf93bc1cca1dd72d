/* naming.h - tensor names in stored models: an architecture has a table of them for each format.
 *
 * A parameter's own name is that of transformers (Param.name). A table lists other names; '#' is a number,
 * the same in both names (at most two of them): {"blk.#.attn_q.weight", TENSOR_COPY,
 * "model.layers.#.self_attn.q_proj.weight"}. */
#ifndef MODELS_NAMING_H
#define MODELS_NAMING_H

#include "ops/tensor.h"

typedef enum TensorUse {
  TENSOR_COPY,     /* the parameter's values, stored under this name instead or in addition */
  TENSOR_OUTPUT,   /* the output matrix; if it differs from the embedding, the model is not tied */
  TENSOR_COMPUTED, /* computed by the program; the stored values must agree */
  TENSOR_IGNORED   /* no information: masks, tables of rotation angles */
} TensorUse;

/* What other programs do to a tensor before they store it; undone by reading. */
typedef enum TensorForm {
  FORM_SAME,
  FORM_PAIRS,      /* within a head, rows i and i + half, which rotate together, are neighbours */
  FORM_PLUS_ONE,   /* weights w of norms without biases as 1 + w */
  FORM_TRANSPOSED, /* of matrices */
  FORM_FLAT,       /* a matrix as one row */
  FORM_UNGROUPED   /* rows of queries, keys and values, ordered by key/value head here, as all queries, all
                    * keys,   all values */
} TensorForm;

typedef struct TensorName {
  const char *stored;
  TensorUse use;
  const char *parameter; /* of TENSOR_COPY and TENSOR_OUTPUT; the line is skipped if the model lacks it */
  bool (*computed)(const Tensor *x); /* of TENSOR_COMPUTED: whether x, f32, agrees */
  TensorForm form;
} TensorName;

/* Lines for the weights and biases of a layer. */
#define TENSOR_LAYER(stored, parameter, form)                         \
  {stored ".weight", TENSOR_COPY, parameter ".weight", NULL, form}, { \
    stored ".bias", TENSOR_COPY, parameter ".bias", NULL, form        \
  }

typedef struct Naming {
  const char *format;      /* the SourceFormat's name */
  const char *base;        /* optional prefix, such as "model." (transformers' base_model_prefix); "": none */
  const TensorName *names; /* terminated by a NULL name; NULL: none */
} Naming;

enum { TENSOR_NAME_CAPACITY = 512 };

/* Rewrites `name`, which must match pattern `from`, by pattern `to`. False if it does not match or is too
 * long. */
bool naming_translate(char buf[TENSOR_NAME_CAPACITY], const char *from, const char *to, const char *name);
/* The index-th name that a parameter may be stored under, its own first; false: no more. */
bool naming_stored(const Naming *, const char *parameter, int index, char buf[TENSOR_NAME_CAPACITY]);
/* `stored` with the base prepended, or unchanged if it has the base. */
const char *naming_full(const Naming *, const char *stored, char buf[TENSOR_NAME_CAPACITY]);
/* Iterates over the lines that match a stored name, with or without the base: `after` is NULL or the previous
 * line. parameter: receives the line's parameter name, or "". NULL: no more. */
const TensorName *naming_next(const Naming *, const TensorName *after, const char *stored,
                              char parameter[TENSOR_NAME_CAPACITY]);
/* The form in which the tensor `stored` holds that parameter. */
TensorForm naming_form(const Naming *, const char *stored, const char *parameter);

#endif
