/* tape.h - eager operators with a tape.
 *
 * Calling an operator computes its output at once and, where a gradient is wanted, links a node;
 * tape_backward walks the nodes from the last to the first. A tape lives for one step: its tensors and nodes
 * are in its arena, which tape_reset empties.
 *
 * A dry tape computes nothing: operators only give shapes. The same forward code then declares all
 * parameters and states, and counts activations and arithmetic. */
#ifndef OPS_TAPE_H
#define OPS_TAPE_H

#include "ops/packed.h"
#include "ops/tensor.h"

#define NODE_MAX_INPUTS  8
#define NODE_MAX_OUTPUTS 3

typedef struct Tape Tape;
typedef struct Node Node;
typedef struct OpSampler OpSampler; /* ops/sample.h */

/* One operator. The table of all is op_table, made from ops.def. */
typedef struct Op {
  const char *name;
  const char *formula;           /* for the reference page: what it computes, with shapes and the paper */
  void (*forward)(Node *);       /* fills the outputs' data */
  void (*backward)(Node *);      /* adds to the inputs' gradients; NULL: has none */
  double (*flops)(const Node *); /* of forward, counted for the throughput figures; NULL: negligible */
  void (*sample)(OpSampler *);   /* draws inputs for the harness and calls the operator */
  bool rematerializable; /* one pass over the inputs makes its output: see "rematerialized outputs" below */
} Op;

/* What one call of an operator remembers. An operator with attributes makes a struct that starts with
 * `Node node`. Whatever backward reads beyond the inputs' and outputs' data is allocated with node_scratch
 * before node_run (so that a dry tape counts it too): an operator never points into the caller's arrays. */
struct Node {
  const Op *op;
  Tape *tape;
  Tensor *in[NODE_MAX_INPUTS]; /* may hold NULL for an optional input */
  Tensor *out[NODE_MAX_OUTPUTS];
  int inputs, outputs;
  Node *previous;         /* the node recorded before this one */
  size_t workspace_bytes; /* see node_workspace */
  void *workspace;
  const Tensor *copied; /* node_output_over: the input that out[0] starts as a copy of; else NULL */
};

Tape *tape_new(bool dry);
void tape_free(Tape *);
/* Ends a step: forgets nodes and activations. `record`: link nodes for a backward. `seed`: of this step's
 * dropout masks. */
void tape_reset(Tape *, bool record, uint64_t seed);
/* From now on weights stay as they are: those that op_linear meets are packed once, as packed.h says, into a
 * set that others may share. */
void tape_pack_weights(Tape *, PackedSet *);
PackedSet *tape_packed_weights(Tape *); /* NULL: not asked for */
/* Of products with weights, forward and backward, from now on; f32 at first. Those of attention, of
 * recurrences from step to step and of all else stay f32. */
void tape_set_precision(Tape *, Precision);
Precision tape_precision(const Tape *);
bool tape_is_dry(const Tape *);
Arena *tape_arena(Tape *);
/* A fresh random stream number, different at each call within a step, the same when the step is run again. */
uint64_t tape_stream(Tape *);
uint64_t tape_seed(const Tape *);

/* A new activation; data undefined (NULL on a dry tape, where the bytes are counted all the same). */
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
 * values nobody may read any more: no later operator, no backward. Where `x` is rematerialized, whose memory
 * belongs to its operator, the output has memory of its own and starts as a copy. */
Tensor *node_output_over(Node *, Tensor *x);
/* Computes (unless dry), records (if any input wants a gradient and the tape records), returns out[0]. */
Tensor *node_run(Node *, Tensor *out);
/* Memory that lives until the end of the step; 64-byte aligned; undefined contents; NULL on a dry tape. */
void *node_scratch(Node *, size_t bytes);
float *node_floats(Node *, int64_t count); /* likewise */
/* Memory for forward alone, where it is n->workspace; what is computed next takes it over. */
void node_workspace(Node *, int64_t floats);

/* Once the inputs are given: will backward be called? (Then save what it needs.) */
bool node_records(const Node *);

/* In backward, which is called only where a gradient arrived in out[0]->grad; a loss, whose own gradient is
 * 1, may add to parameters in forward. All take NULL for an absent input. `grad_add` to an input: where to
 * add, zeroed at the first touch; NULL if no gradient is wanted. `grad_beta`: for products that can
 * overwrite: gives the place and 0 or 1 for beta; marks it touched. `grad_give`: adds `grad`, which must live
 * until the end of the step; an untouched input that is no parameter keeps that very array and may add to it
 * later, so that only one input can be given it and nobody reads it afterwards. */
float *grad_add(Node *, Tensor *);
float *grad_beta(Node *, Tensor *, float *beta);
void grad_give(Node *, Tensor *, float *grad);

/* d loss / d everything, for a scalar `loss` of this tape. */
void tape_backward(Tape *, Tensor *loss);

/* ---- parts ----
 *
 * A part is a range of the step, usually a layer, that reads `x` and `context` (which may be NULL),
 * further only what has no gradient or is a parameter, and of which only its output is read later. What it
 * needs beyond that is given back: at once where nothing is recorded, so that a long prompt takes the memory
 * of one layer; else its gradients as soon as they went on to x, `context` and the parameters. Where the tape
 * is told to compute anew, a part keeps nothing for backward either, which runs it a second time (Chen et al.
 * 2016, "Training Deep Nets with Sublinear Memory Cost"). `arg` lives until the end of the step. */
typedef Tensor *TapePart(void *arg, Tensor *x);
Tensor *tape_part(Tape *, TapePart *, void *arg, Tensor *x, Tensor *context);
void tape_recompute(Tape *, bool);

/* ---- rematerialized outputs ----
 *
 * What one pass over the inputs gives, a norm or an activation, is not kept for backward: inside of a part
 * that is recorded, all outputs of an operator marked so lie in the same place, one after the other, and each
 * is made again where it is read after another took the place. Steps take less memory, and the place stays in
 * the caches. Of two that one operator reads together one is kept. A rematerializable operator's forward
 * allocates nothing and may be called twice; a backward that reads the data of an output, not only of inputs,
 * calls tape_restore first. */
void tape_restore(Tensor *);

double tape_flops(const Tape *); /* of all forwards since the last reset, dry or not */
/* For tests: bytes of all activations and scratch since the last reset that are not given back. */
int64_t tape_bytes(const Tape *);
/* The most that a forward like the one recorded and its backward take together, every activation having a
 * gradient of its size. */
int64_t tape_step_bytes(const Tape *, bool recompute);

#endif
