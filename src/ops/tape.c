#include "ops/tape.h"

#include <string.h>

#include "base/integers.h"
#include "kernels/kernels.h"
#include "ops/loops.h"

/* Memory shared by the rematerialized outputs of one operator, one at a time. */
typedef struct Slot {
  const Op *op;
  void *data; /* NULL on a dry tape */
  size_t bytes;
  Node *owner; /* the node whose output it holds */
} Slot;
enum { SLOTS = 8 };

struct Tape {
  Arena *arena;
  Node *last; /* recorded nodes, linked by `previous` */
  bool dry, record, recompute;
  uint64_t seed, streams;
  double flops, backward_flops;
  int64_t bytes;
  int64_t inside, most_inside, between; /* of bytes: in parts, in the largest part, outputs of parts */
  /* outputs without own memory, whose gradients need some: all, in parts; most_gradients: bytes and unkept
   * of the largest part */
  int64_t unkept, unkept_inside, most_gradients;
  int64_t most_workspace; /* largest workspace of a forward */
  Slot slots[SLOTS];
  int slot_count;
  bool in_part;
  bool wanted; /* a node since the part began has an input that wants a gradient */
  PackedSet *packed;
  Precision precision;
};

Tape *tape_new(bool dry) {
  Tape *t = mem_alloc_zeroed(1, sizeof *t);
  t->arena = arena_new(1 << 20);
  t->dry = dry;
  return t;
}

void tape_free(Tape *t) {
  if (!t) return;
  for (int i = 0; i < t->slot_count; i++) mem_free(t->slots[i].data);
  arena_free(t->arena);
  mem_free(t);
}

void tape_reset(Tape *t, bool record, uint64_t seed) {
  arena_reset(t->arena);
  t->last = NULL;
  t->record = record;
  t->in_part = false; /* still set if memory ran out in a part */
  t->seed = seed;
  t->streams = 0;
  t->flops = t->backward_flops = 0;
  t->bytes = t->inside = t->most_inside = t->between = 0;
  t->unkept = t->unkept_inside = t->most_gradients = t->most_workspace = 0;
}

void tape_pack_weights(Tape *t, PackedSet *set) {
  t->packed = set;
}
void tape_set_precision(Tape *t, Precision precision) {
  t->precision = precision;
}
Precision tape_precision(const Tape *t) {
  return t->precision;
}
PackedSet *tape_packed_weights(Tape *t) {
  return t->packed;
}

bool tape_is_dry(const Tape *t) {
  return t->dry;
}
Arena *tape_arena(Tape *t) {
  return t->arena;
}
uint64_t tape_stream(Tape *t) {
  return ++t->streams;
}
uint64_t tape_seed(const Tape *t) {
  return t->seed;
}
double tape_flops(const Tape *t) {
  return t->flops;
}
double tape_step_flops(const Tape *t) {
  return t->flops + t->backward_flops;
}
static int64_t slots_bytes(const Tape *t) {
  int64_t sum = 0;
  for (int i = 0; i < t->slot_count; i++) sum += (int64_t)t->slots[i].bytes;
  return sum;
}
int64_t tape_bytes(const Tape *t) {
  return t->bytes + slots_bytes(t);
}

int64_t tape_step_bytes(const Tape *t, bool recompute) {
  const int64_t ends = 2 * (t->bytes - t->inside + t->between) + t->unkept - t->unkept_inside;
  return ends + (recompute ? t->most_inside : t->inside) + int64_max(t->most_gradients, t->most_workspace) +
         slots_bytes(t);
}

/* ---- tensors ---- */

/* Counted in whole cache lines, as the arena allocates. */
static void *tape_alloc(Tape *t, size_t bytes) {
  t->bytes += (int64_t)((bytes + 63) / 64 * 64);
  return t->dry ? NULL : arena_alloc(t->arena, bytes);
}

static Tensor *shaped(Tape *t, TensorType type, int dims, const int64_t *shape) {
  CHECK(dims >= 0 && dims <= TENSOR_MAX_DIMS);
  Tensor *tensor = arena_new_of(t->arena, Tensor);
  tensor->type = type;
  tensor->dims = dims;
  for (int i = 0; i < dims; i++) tensor->shape[i] = shape[i];
  return tensor;
}

Tensor *tape_tensor(Tape *t, TensorType type, int dims, const int64_t *shape) {
  Tensor *tensor = shaped(t, type, dims, shape);
  tensor->data = tape_alloc(t, tensor_bytes(tensor));
  return tensor;
}

Tensor *tape_constant(Tape *t, TensorType type, int dims, const int64_t *shape, const void *data) {
  Tensor *tensor = tape_tensor(t, type, dims, shape);
  if (!t->dry) memcpy(tensor->data, data, tensor_bytes(tensor));
  return tensor;
}

static void reshape_forward(Node *n) {
  n->out[0]->data = n->in[0]->data;
}
static void reshape_backward(Node *n) {
  grad_give(n, n->in[0], n->out[0]->grad);
}
static const Op reshape_info = {.name = "reshape", .forward = reshape_forward, .backward = reshape_backward};

Tensor *tape_reshape(Tape *t, Tensor *x, int dims, const int64_t *shape) {
  Node *n = node_new(t, &reshape_info, sizeof *n);
  node_input(n, x);
  Tensor *view = shaped(t, x->type, dims, shape);
  CHECK(tensor_count(view) == tensor_count(x));
  view->maker = x->maker;
  n->out[n->outputs++] = view;
  return node_run(n, view);
}

/* ---- nodes ---- */

void *node_new(Tape *t, const Op *op, size_t bytes) {
  Node *n = arena_alloc_zeroed(t->arena, bytes);
  n->op = op;
  n->tape = t;
  n->in = n->few;
  n->in_capacity = NODE_FEW_INPUTS;
  return n;
}

static void more_inputs(Node *n) {
  Tensor **in = arena_alloc(n->tape->arena, 2 * (size_t)n->in_capacity * sizeof *in);
  memcpy(in, n->in, (size_t)n->inputs * sizeof *in);
  n->in = in;
  n->in_capacity *= 2;
}

void node_input(Node *n, Tensor *x) {
  if (n->inputs == n->in_capacity) more_inputs(n);
  n->in[n->inputs++] = x;
}

/* ---- rematerialized outputs ---- */

static Slot *slot_of(Tape *t, const Op *op) {
  for (int i = 0; i < t->slot_count; i++)
    if (t->slots[i].op == op) return &t->slots[i];
  CHECK(t->slot_count < SLOTS);
  t->slots[t->slot_count] = (Slot){.op = op};
  return &t->slots[t->slot_count++];
}

static void take_slot(Slot *slot, Node *n) {
  const size_t bytes = tensor_bytes(n->out[0]);
  if (bytes > slot->bytes) {
    if (!n->tape->dry) {
      mem_free(slot->data);
      *slot = (Slot){.op = n->op};
      slot->data = mem_alloc(bytes);
    }
    slot->bytes = bytes;
  }
  slot->owner = n;
  n->out[0]->data = slot->data;
}

static bool inputs_present(const Node *n) {
  for (int i = 0; i < n->inputs; i++) {
    const Node *maker = n->in[i] ? n->in[i]->maker : NULL;
    if (maker && slot_of(n->tape, maker->op)->owner != maker) return false;
  }
  return true;
}

/* Recomputing one input may overwrite another in its slot, which is then recomputed, too. */
static void restore_inputs(const Node *n) {
  int rounds = 0;
  do {
    CHECK(rounds++ <= n->inputs);
    for (int i = 0; i < n->inputs; i++)
      if (n->in[i]) tape_restore(n->in[i]);
  } while (!inputs_present(n));
}

void tape_restore(Tensor *x) {
  Node *maker = x->maker;
  if (!maker) return;
  if (x != maker->out[0] && !maker->out[0]->maker) { /* a reshaped view of an output that was retained */
    x->maker = NULL;
    x->data = maker->out[0]->data;
    return;
  }
  Slot *slot = slot_of(maker->tape, maker->op);
  if (slot->owner != maker) {
    restore_inputs(maker);
    take_slot(slot, maker);
    if (!maker->tape->dry) maker->op->forward(maker);
  }
  x->data = maker->out[0]->data;
}

/* Moves it into its own memory. */
static void retain(Tape *t, Tensor *x) {
  tape_restore(x);
  const void *data = x->data;
  x->maker = NULL;
  x->data = tape_alloc(t, tensor_bytes(x));
  if (!t->dry) memcpy(x->data, data, tensor_bytes(x));
}

/* Retains the inputs in the slot of `op`, which is needed for another. */
static void retain_inputs_of(Node *n, const Op *op, const Node *but) {
  for (int i = 0; i < n->inputs; i++)
    if (n->in[i] && n->in[i]->maker && n->in[i]->maker != but && n->in[i]->maker->op == op)
      retain(n->tape, n->in[i]);
}

/* For forward: makes all inputs available, no two in the same slot. */
static void prepare_inputs(Node *n) {
  for (int i = 0; i < n->inputs; i++)
    if (n->in[i] && n->in[i]->maker) retain_inputs_of(n, n->in[i]->maker->op, n->in[i]->maker);
  restore_inputs(n);
}

static Tensor *rematerialized_output(Node *n, int dims, const int64_t *shape) {
  Tensor *x = shaped(n->tape, TENSOR_F32, dims, shape);
  CHECK(n->outputs == 0);
  n->out[n->outputs++] = x;
  x->maker = n;
  retain_inputs_of(n, n->op, NULL);
  prepare_inputs(n); /* before take_slot: recomputing an input may use the slot */
  n->tape->unkept += (int64_t)tensor_bytes(x);
  take_slot(slot_of(n->tape, n->op), n);
  return x;
}

Tensor *node_output(Node *n, int dims, const int64_t *shape) {
  CHECK(n->outputs < NODE_MAX_OUTPUTS);
  if (n->op->rematerializable && n->tape->in_part && node_records(n))
    return rematerialized_output(n, dims, shape);
  return n->out[n->outputs++] = tape_tensor(n->tape, TENSOR_F32, dims, shape);
}

Tensor *node_output_over(Node *n, Tensor *x) {
  CHECK(n->outputs == 0 && x->type == TENSOR_F32);
  if (x->maker) {
    n->copied = x;
    return n->out[n->outputs++] = tape_tensor(n->tape, TENSOR_F32, x->dims, x->shape);
  }
  Tensor *y = shaped(n->tape, TENSOR_F32, x->dims, x->shape);
  y->data = x->data;
  n->tape->unkept += (int64_t)tensor_bytes(x);
  return n->out[n->outputs++] = y;
}

void *node_scratch(Node *n, size_t bytes) {
  return tape_alloc(n->tape, bytes);
}

float *node_floats(Node *n, int64_t count) {
  return node_scratch(n, (size_t)count * sizeof(float));
}

void node_workspace(Node *n, int64_t floats) {
  n->workspace_bytes = (size_t)floats * sizeof(float);
  n->tape->most_workspace = int64_max(n->tape->most_workspace, (int64_t)n->workspace_bytes);
}

void node_backward_floats(Node *n, int64_t floats) {
  if (node_records(n)) n->tape->unkept += floats * (int64_t)sizeof(float);
}

static void run_forward(Node *n) {
  Arena *arena = n->tape->arena;
  const ArenaMark mark = arena_mark(arena);
  if (n->workspace_bytes) n->workspace = arena_alloc(arena, n->workspace_bytes);
  if (n->copied) memcpy(n->out[0]->data, n->copied->data, tensor_bytes(n->copied));
  n->op->forward(n);
  if (n->workspace_bytes) arena_rewind(arena, mark);
}

static bool has_wanting_input(const Node *n) {
  for (int i = 0; i < n->inputs; i++)
    if (n->in[i] && n->in[i]->wants_grad) return true;
  return false;
}

bool node_records(const Node *n) {
  return n->tape->record && n->op->backward && has_wanting_input(n);
}

/* Of backward. */
static double node_backward_flops(const Node *n) {
  bool weights = false, wanted[2] = {false, false}; /* [of parameters] */
  for (int i = 0; i < n->inputs; i++) {
    const Tensor *x = n->in[i];
    if (!x || (x->parameter && x->dims < 2)) continue; /* biases cost next to nothing */
    const bool weight = x->parameter;
    weights |= weight;
    wanted[weight] |= x->wants_grad;
  }
  return n->op->flops(n) * (wanted[false] + wanted[weights]);
}

static void link_node(Node *n) {
  n->previous = n->tape->last;
  n->tape->last = n;
}

Tensor *node_run(Node *n, Tensor *out) {
  Tape *t = n->tape;
  const bool records = node_records(n);
  for (int i = 0; i < n->outputs; i++) n->out[i]->wants_grad = records;
  if (n->op->flops) t->flops += n->op->flops(n);
  if (n->op->flops && records) t->backward_flops += node_backward_flops(n);
  t->wanted |= n->op->backward && has_wanting_input(n);
  prepare_inputs(n);
  if (!t->dry) run_forward(n);
  if (records) link_node(n);
  return out;
}

void node_give_constant(Tensor *out, Tensor **to) {
  out->wants_grad = false;
  if (to) *to = out;
}

/* ---- backward ---- */

float *grad_beta(Node *n, Tensor *x, float *beta) {
  *beta = 1;
  if (!x || !x->wants_grad) return NULL;
  if (!x->grad || x->forgotten) *beta = 0;
  if (!x->grad) x->grad = arena_alloc(n->tape->arena, tensor_bytes(x));
  x->forgotten = false;
  return x->grad;
}

float *grad_add(Node *n, Tensor *x) {
  float beta;
  float *grad = grad_beta(n, x, &beta);
  if (grad && beta == 0) memset(grad, 0, tensor_bytes(x));
  return grad;
}

typedef struct Addition {
  float *to;
  const float *from;
} Addition;

static void add_range(void *arg, int64_t begin, int64_t end) {
  const Addition *a = arg;
  kernels->add(a->to + begin, a->from + begin, end - begin);
}

void grad_give(Node *n, Tensor *x, float *grad) {
  if (!x || !x->wants_grad) return;
  if (!x->grad) {
    x->grad = grad;
    return;
  }
  Addition addition = {grad_add(n, x), grad};
  loop_elements(tensor_count(x), add_range, &addition);
}

static void walk_back(Node *last) {
  for (Node *n = last; n; n = n->previous)
    if (n->out[0]->grad) {
      restore_inputs(n);
      n->op->backward(n);
    }
}

void tape_backward(Tape *t, Tensor *loss) {
  CHECK(!t->dry && tensor_count(loss) == 1);
  if (!loss->wants_grad) return;
  loss->grad = arena_alloc(t->arena, sizeof(float));
  *loss->grad = 1;
  walk_back(t->last);
}

/* ---- parts ---- */

typedef struct Part {
  Node node; /* in: x, context */
  TapePart *run;
  void *arg;
  uint64_t streams; /* value of tape->streams before it */
  Tensor *y;        /* its output; NULL: to be recomputed */
  Node *last;       /* the last node recorded in it */
} Part;

void tape_recompute(Tape *t, bool recompute) {
  t->recompute = recompute;
}

/* Runs the part; its nodes are linked separately. */
static Tensor *run_part(Part *p, bool record) {
  Tape *t = p->node.tape;
  Node *before = t->last;
  const bool recorded = t->record, in_part = t->in_part;
  t->last = NULL;
  t->record = record;
  t->in_part = true;
  Tensor *y = p->run(p->arg, p->node.in[0]);
  CHECK(y != p->node.in[0]);
  p->last = t->last;
  t->last = before;
  t->record = recorded;
  t->in_part = in_part;
  return y;
}

/* Frees everything since `mark` except `count` floats, which are moved there. */
static float *copy_floats(Tape *t, ArenaMark mark, const float *data, int64_t count) {
  arena_rewind(t->arena, mark);
  const size_t bytes = (size_t)count * sizeof(float);
  return memmove(arena_alloc(t->arena, bytes), data, bytes);
}

/* Frees everything since `mark`, when the tape had `bytes`, except the output. */
static void keep_output(Tape *t, Tensor *out, ArenaMark mark, int64_t bytes) {
  if (!t->dry) out->data = copy_floats(t, mark, tensor_f32(out), tensor_count(out));
  t->bytes = bytes + (int64_t)tensor_bytes(out);
}

static void run_without_record(Part *p, Tensor *out) {
  Tape *t = p->node.tape;
  const ArenaMark mark = arena_mark(t->arena);
  const int64_t before = t->bytes;
  *out = *run_part(p, false);
  keep_output(t, out, mark, before);
}

static void run_and_record(Part *p, Tensor *out) {
  Tape *t = p->node.tape;
  const ArenaMark mark = arena_mark(t->arena);
  const int64_t before = t->bytes, unkept_before = t->unkept;
  p->y = run_part(p, t->record);
  *out = *p->y;
  if (out->maker) retain(t, out); /* it is read outside */
  const int64_t took = t->bytes - before, unkept = t->unkept - unkept_before;
  if (t->record && !t->wanted) { /* all of it is frozen, and what it reads */
    t->most_workspace = int64_max(t->most_workspace, took);
    keep_output(t, out, mark, before);
    return;
  }
  t->inside += took;
  t->unkept_inside += unkept;
  t->between += (int64_t)tensor_bytes(out);
  t->most_inside = int64_max(t->most_inside, took);
  t->most_gradients = int64_max(t->most_gradients, took + unkept);
}

static Tensor *recompute_part(Part *p) {
  Tape *t = p->node.tape;
  const uint64_t streams = t->streams;
  t->streams = p->streams;
  Tensor *y = run_part(p, true);
  t->streams = streams;
  return y;
}

/* Frees the part's memory, except the gradient of x if it is new. `context` is read by several parts, so
 * its gradient is allocated first. */
static void part_backward(Node *node) {
  Part *p = (Part *)node;
  Tensor *x = node->in[0];
  float *dy = node->out[0]->grad;
  grad_add(node, node->in[1]);
  const ArenaMark mark = arena_mark(node->tape->arena);
  const bool first = !x->grad;
  Tensor *y = p->y ? p->y : recompute_part(p);
  y->grad = dy;
  walk_back(p->last);
  if (first && x->grad && x->grad != dy)
    x->grad = copy_floats(node->tape, mark, x->grad, tensor_count(x));
  else
    arena_rewind(node->tape->arena, mark);
}

static const Op part_info = {.name = "part", .backward = part_backward};

Tensor *tape_part(Tape *t, TapePart *run, void *arg, Tensor *x, Tensor *context) {
  Part *p = node_new(t, &part_info, sizeof *p);
  node_input(&p->node, x);
  node_input(&p->node, context);
  p->run = run;
  p->arg = arg;
  p->streams = t->streams;
  Tensor *out = arena_new_of(t->arena, Tensor);
  p->node.out[p->node.outputs++] = out;
  const bool wanted_before = t->wanted;
  t->wanted = has_wanting_input(&p->node);
  if (t->dry || (t->record && !t->recompute))
    run_and_record(p, out);
  else
    run_without_record(p, out);
  out->wants_grad = t->record && t->wanted;
  t->wanted |= wanted_before;
  if (out->wants_grad) link_node(&p->node);
  return out;
}
