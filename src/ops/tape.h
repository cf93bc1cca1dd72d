/* tape.h - eager operators with a tape.
 *
 * Calling an operator computes its output at once and, if a gradient is wanted, records a node; tape_backward
 * visits the nodes from the last to the first. Tensors and nodes live for one step, in the tape's arena,
 * which tape_reset empties.
 *
 * A dry tape computes only shapes: the same forward code then declares all parameters and states, and
 * counts activations and arithmetic. */
#ifndef OPS_TAPE_H
#define OPS_TAPE_H

#include "ops/packed.h"
#include "ops/tensor.h"

#define NODE_FEW_INPUTS  8
#define NODE_MAX_OUTPUTS 3

typedef struct Tape Tape;
typedef struct Node Node;
typedef struct OpSampler OpSampler; /* ops/sample.h */

/* One operator. op_table, generated from ops.def, has all of them. */
typedef struct Op {
  const char *name;
  const char *formula;           /* for the reference page: formula, shapes and paper */
  void (*forward)(Node *);       /* fills the outputs' data */
  void (*backward)(Node *);      /* adds to the inputs' gradients; NULL: no gradient */
  double (*flops)(const Node *); /* of forward, for throughput figures; NULL: negligible */
  void (*sample)(OpSampler *);   /* see ops/sample.h */
  bool rematerializable;         /* see "rematerialized outputs" below */
} Op;

/* One call of an operator. An operator with attributes uses a struct that starts with `Node node`. Data
 * that backward reads in addition to inputs and outputs is allocated with node_scratch before node_run (so
 * that a dry tape counts it): an operator never points into the caller's arrays. */
struct Node {
  const Op *op;
  Tape *tape;
  Tensor **in; /* may hold NULL for an optional input */
  Tensor *out[NODE_MAX_OUTPUTS];
  int inputs, outputs;
  int in_capacity;
  Tensor *few[NODE_FEW_INPUTS]; /* `in`, unless there are more */
  Node *previous;               /* the node recorded before this one */
  size_t workspace_bytes;       /* see node_workspace */
  void *workspace;
  const Tensor *copied; /* node_output_over: the input to copy into out[0]; else NULL */
};

Tape *tape_new(bool dry);
void tape_free(Tape *);
/* Starts a step: frees nodes and activations. `record`: record nodes for backward. `seed`: of this step's
 * dropout masks. */
void tape_reset(Tape *, bool record, uint64_t seed);
/* Declares that weights do not change: op_linear then packs each once (packed.h), into a set that may be
 * shared. */
void tape_pack_weights(Tape *, PackedSet *);
PackedSet *tape_packed_weights(Tape *); /* NULL: not set */
/* Sets the precision of all three products of a linear layer; initially f32. Products in attention and within
 * recurrences are always f32. */
void tape_set_precision(Tape *, Precision);
Precision tape_precision(const Tape *);
bool tape_is_dry(const Tape *);
Arena *tape_arena(Tape *);
/* A new random stream number, different for each call in a step, and the same when the step is repeated. */
uint64_t tape_stream(Tape *);
uint64_t tape_seed(const Tape *);

/* A new activation; data undefined (NULL on a dry tape, but counted). */
Tensor *tape_tensor(Tape *, TensorType, int dims, const int64_t *shape);
/* A constant input of the step (tokens, positions): copies `data` into the tape's arena. */
Tensor *tape_constant(Tape *, TensorType, int dims, const int64_t *shape, const void *data);
/* The same elements under another shape; the gradient is shared. dims and shape must give the same count. */
Tensor *tape_reshape(Tape *, Tensor *, int dims, const int64_t *shape);

/* Building a node, in the operator's public function:
 *     Rope *n = node_new(tape, &op_rope_info, sizeof *n);
 *     node_input(&n->node, x);
 *     n->theta = theta;
 *     return node_run(&n->node, node_output(&n->node, x->dims, x->shape)); */
void *node_new(Tape *, const Op *, size_t bytes);
void node_input(Node *, Tensor *);                           /* NULL allowed: an absent optional input */
Tensor *node_output(Node *, int dims, const int64_t *shape); /* f32 */
/* An output that holds the values of the input `x` when forward begins. It takes the memory of `x`, whose
 * values must not be read afterwards, by any operator or backward. If `x` is rematerialized, its memory
 * belongs to its operator, and the output is a copy. */
Tensor *node_output_over(Node *, Tensor *x);
/* Computes (unless dry), records (if any input wants a gradient and the tape records), returns out[0]. */
Tensor *node_run(Node *, Tensor *out);
/* After node_run: the output is a constant to its readers, as the last state of a sequence is to the next
 * call. Stores it in *to unless `to` is NULL. */
void node_give_constant(Tensor *out, Tensor **to);
/* Memory that lives until the end of the step; 64-byte aligned; undefined contents; NULL on a dry tape. */
void *node_scratch(Node *, size_t bytes);
float *node_floats(Node *, int64_t count); /* likewise */
/* Memory for forward only, as n->workspace; freed after forward. */
void node_workspace(Node *, int64_t floats);
/* Declares that backward allocates so many floats in the tape's arena, which the part frees. */
void node_backward_floats(Node *, int64_t floats);

/* After the inputs are set: will backward be called? (Then save what it needs.) */
bool node_records(const Node *);

/* For backward, which is called only if out[0] has a gradient; a loss, whose gradient is 1, may add to
 * parameters in forward. All accept NULL for an absent input. `grad_add`: the input's gradient to add to,
 * zeroed on first use; NULL if not wanted. `grad_beta`: as grad_add, for products that can overwrite: sets
 * beta to 0 on first use, else 1. `grad_give`: adds `grad`, which must live until the end of the step; an
 * input without a gradient so far takes over the array and may add to it later, so it must be given to one
 * input only and not read afterwards. */
float *grad_add(Node *, Tensor *);
float *grad_beta(Node *, Tensor *, float *beta);
void grad_give(Node *, Tensor *, float *grad);

/* Computes all gradients of a scalar `loss` of this tape. */
void tape_backward(Tape *, Tensor *loss);

/* ---- parts ----
 *
 * A part is a range of the tape, usually a layer, that reads `x` and `context` (which may be NULL);
 * anything else it reads must be a parameter or need no gradient, and only its output may be read later.
 * Its other memory is freed: if nothing is recorded, or nothing in it wants a gradient, all at once, so that
 * a long prompt needs the memory of one layer; else its gradients, once passed on to x, `context` and the
 * parameters. With tape_recompute a part keeps no activations, and backward runs it a second time (Chen et
 * al. 2016, "Training Deep Nets with Sublinear Memory Cost"). `arg` must live until the end of the step. */
typedef Tensor *TapePart(void *arg, Tensor *x);
Tensor *tape_part(Tape *, TapePart *, void *arg, Tensor *x, Tensor *context);
void tape_recompute(Tape *, bool);

/* ---- rematerialized outputs ----
 *
 * Outputs that are cheap to recompute, of norms and activations, are not kept for backward: within a
 * recorded part all outputs of a rematerializable operator share one slot, and an output that was
 * overwritten is recomputed when it is read. Steps take less memory, and the slot stays in the caches. If
 * one operator reads two outputs of the same slot, one is kept in its own memory. A rematerializable
 * operator's forward allocates nothing and may be called again; a backward that reads the data of its
 * output calls tape_restore first. */
void tape_restore(Tensor *);

double tape_flops(const Tape *); /* of all forwards since the last reset, dry or not */
/* With those of backward: a product has a gradient for activations, and one for weights, if they are wanted.
 */
double tape_step_flops(const Tape *);
/* For tests: bytes of activations and scratch allocated since the last reset and not freed. */
int64_t tape_bytes(const Tape *);
/* Peak memory of a step like the one recorded, forward and backward, assuming a gradient for every
 * activation. */
int64_t tape_step_bytes(const Tape *, bool recompute);

#endif
