/* naming.h - what a stored model calls its tensors: tables that an architecture has, one for each format.
 *
 * A parameter's own name is the one that transformers gives it (Param.name). A table lists the other names,
 * with '#' for a number, the same on both sides: {"blk.#.attn_q.weight", TENSOR_COPY,
 * "model.layers.#.self_attn.q_proj.weight"}. */
#ifndef MODELS_NAMING_H
#define MODELS_NAMING_H

#include "ops/tensor.h"

typedef enum TensorUse {
  TENSOR_COPY,     /* the parameter of that name: in its place, or beside it with the same values */
  TENSOR_OUTPUT,   /* likewise of the embedding, as output; with other values the model is not tied */
  TENSOR_COMPUTED, /* what is computed here, and must have these values */
  TENSOR_IGNORED   /* carries nothing: masks, tables of rotation angles */
} TensorUse;

typedef struct TensorName {
  const char *stored;
  TensorUse use;
  const char *parameter;             /* of a copy or an output; where the model lacks it the line is void */
  bool (*computed)(const Tensor *x); /* has x, f32 and in memory, these values? */
} TensorName;

typedef struct Naming {
  const char *format; /* of the files that name them so */
  const char *base;   /* "model.": may be left out in front, as transformers' base_model_prefix; "": none */
  const TensorName *names; /* ended by a NULL name; NULL: none */
} Naming;

enum { TENSOR_NAME_CAPACITY = 512 };

/* `name`, which `from` matches, as `to` spells it. False where it does not match or is too long. */
bool naming_translate(char buf[TENSOR_NAME_CAPACITY], const char *from, const char *to, const char *name);
/* The names that a parameter may be stored under, one after the other from index 0, its own first. */
bool naming_stored(const Naming *, const char *parameter, int index, char buf[TENSOR_NAME_CAPACITY]);
/* The parameter's name as `stored` spells it without the base; `stored` where it is spelled out. */
const char *naming_full(const Naming *, const char *stored, char buf[TENSOR_NAME_CAPACITY]);
/* The lines that match a stored name, with or without the base, one after the other: `after` NULL or the line
 * before. parameter: the name of theirs, in `buf`, or empty. NULL: no more. */
const TensorName *naming_next(const Naming *, const TensorName *after, const char *stored,
                              char parameter[TENSOR_NAME_CAPACITY]);

#endif
