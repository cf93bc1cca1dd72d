/* net.c - scopes, and the state that generation keeps between calls. */
#include "nn/net.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/threads.h"

/* What is kept of each sequence. */
typedef struct Item {
  Tensor *tensor;
  bool cache; /* [sequences, room, D]: a place for each position */
} Item;

struct State {
  Arena *arena;
  VEC(Item) items;
  VEC(Tensor *) memories; /* of each source */
  Map *by_name;           /* where in its list */
  StateSize size;
};

State *state_new(StateSize size) {
  State *s = mem_alloc_zeroed(1, sizeof *s);
  s->arena = arena_new(0);
  s->by_name = map_new();
  s->size = size;
  return s;
}

void state_free(State *s) {
  if (!s) return;
  arena_free(s->arena);
  map_free(s->by_name);
  vec_free(&s->items);
  vec_free(&s->memories);
  mem_free(s);
}

int64_t state_room(const State *s) {
  return s->size.room;
}

static size_t row_bytes(const State *s, const Item *item) {
  return tensor_bytes(item->tensor) / (size_t)s->size.sequences;
}

void state_begin(State *s, int64_t first, int64_t count) {
  for (size_t i = 0; i < s->items.count; i++) {
    const Item *item = &s->items.data[i];
    const size_t each = row_bytes(s, item);
    if (!item->cache) memset((char *)item->tensor->data + each * (size_t)first, 0, each * (size_t)count);
  }
}

int64_t state_bytes(const State *s) {
  return (int64_t)arena_used(s->arena);
}

/* ---- reordering ---- */

enum { SPARE = -1 }; /* a row kept aside for the moment */

/* Row `to` becomes a copy of row `from`. */
typedef struct Move {
  int32_t from, to;
} Move;

typedef struct Moves {
  Move *items;
  int64_t count;
} Moves;

/* Moves one after the other that have the effect of all at once: a row is written when nobody has to read it
 * any more, and where rows change places in a circle, one of them is kept aside. Rows that stay cost nothing.
 * readers: how many moves to come read a row. */
typedef struct Planning {
  int32_t *readers, *source; /* source: where a row's content comes from; its own index once that is done */
  Moves moves;
} Planning;

/* Row i, which nobody reads any more, and then the rows that waited for it in turn. */
static void fill_row(Planning *p, int32_t i) {
  while (i != SPARE && p->readers[i] == 0 && p->source[i] != i) {
    const int32_t from = p->source[i];
    p->moves.items[p->moves.count++] = (Move){from, i};
    p->source[i] = i;
    if (from != SPARE) p->readers[from]--;
    i = from;
  }
}

/* What is left is circles, each row read once. */
static void break_circle(Planning *p, int32_t i, int64_t count) {
  p->moves.items[p->moves.count++] = (Move){i, SPARE};
  for (int32_t k = 0; k < count; k++)
    if (p->source[k] == i && k != i) p->source[k] = SPARE;
  p->readers[i] = 0;
  fill_row(p, i);
}

static Moves plan_moves(const int32_t *from, int64_t count, int64_t rows) {
  Planning p;
  p.readers = mem_alloc_zeroed((size_t)rows, sizeof *p.readers);
  p.source = mem_alloc((size_t)rows * sizeof *p.source);
  p.moves = (Moves){mem_alloc((size_t)(2 * count) * sizeof *p.moves.items), 0};
  for (int32_t i = 0; i < rows; i++) {
    p.source[i] = i < count ? from[i] : i;
    p.readers[p.source[i]] += p.source[i] != i;
  }
  for (int32_t i = 0; i < count; i++) fill_row(&p, i);
  for (int32_t i = 0; i < count; i++)
    if (p.source[i] != i) break_circle(&p, i, count);
  mem_free(p.readers);
  mem_free(p.source);
  return p.moves;
}

typedef struct Reordering {
  const State *state;
  Moves moves;
  int64_t used;
  char *spare; /* of each worker, `room` bytes */
  size_t room;
} Reordering;

/* What of a row is in use. */
static size_t used_bytes(const State *s, const Item *item, int64_t used) {
  const size_t each = row_bytes(s, item);
  return item->cache ? each / (size_t)s->size.room * (size_t)used : each;
}

static void reorder_items(void *arg, int64_t begin, int64_t end) {
  const Reordering *r = arg;
  char *spare = r->spare + r->room * (size_t)parallel_worker();
  for (int64_t i = begin; i < end; i++) {
    const Item *item = &r->state->items.data[i];
    const size_t each = row_bytes(r->state, item), used = used_bytes(r->state, item, r->used);
    char *data = item->tensor->data;
    for (int64_t k = 0; k < r->moves.count; k++) {
      const Move m = r->moves.items[k];
      memcpy(m.to == SPARE ? spare : data + each * (size_t)m.to,
             m.from == SPARE ? spare : data + each * (size_t)m.from, used);
    }
  }
}

void state_reorder(State *s, const int32_t *from, int64_t count, int64_t used) {
  CHECK(count <= s->size.sequences && used <= s->size.room);
  Reordering r = {.state = s, .moves = plan_moves(from, count, s->size.sequences), .used = used};
  for (size_t i = 0; i < s->items.count; i++) {
    const size_t room = used_bytes(s, &s->items.data[i], used);
    if (room > r.room) r.room = room;
  }
  r.spare = mem_alloc(r.room * (size_t)threads_count());
  parallel_for((int64_t)s->items.count, reorder_items, &r);
  mem_free(r.spare);
  mem_free(r.moves.items);
}

/* Pages of a cache that no text reaches are never touched. */
static Tensor *place(State *s, int dims, const int64_t *shape, int64_t count, bool zero) {
  Tensor *t = arena_new_of(s->arena, Tensor);
  t->type = TENSOR_F32;
  t->dims = dims;
  memcpy(t->shape, shape, sizeof *shape * (size_t)dims);
  t->shape[0] = count;
  t->data = zero ? arena_alloc_zeroed(s->arena, tensor_bytes(t)) : arena_alloc(s->arena, tensor_bytes(t));
  return t;
}

static Tensor *state_declare(State *s, const char *name, int dims, const int64_t *shape, bool cache) {
  int64_t at;
  if (map_get(s->by_name, name, strlen(name), &at)) return s->items.data[at].tensor;
  map_set(s->by_name, name, strlen(name), (int64_t)s->items.count);
  vec_push(&s->items, ((Item){place(s, dims, shape, s->size.sequences, !cache), cache}));
  return s->items.data[s->items.count - 1].tensor;
}

static Tensor *memory_declare(State *s, const char *name, const Tensor *x) {
  int64_t at;
  if (map_get(s->by_name, name, strlen(name), &at)) return s->memories.data[at];
  CHECK(x && x->dims == 3); /* sources come first */
  const int64_t shape[] = {0, s->size.source_room, x->shape[2]};
  map_set(s->by_name, name, strlen(name), (int64_t)s->memories.count);
  vec_push(&s->memories, place(s, 3, shape, s->size.sources, false));
  return s->memories.data[s->memories.count - 1];
}

static void grow_cache(State *s, Item *item, int64_t room) {
  const Tensor *old = item->tensor;
  const int64_t shape[] = {0, room, old->shape[2]};
  const size_t had = tensor_bytes(old) / (size_t)old->shape[0];
  item->tensor = place(s, 3, shape, s->size.sequences, false);
  const size_t has = tensor_bytes(item->tensor) / (size_t)s->size.sequences;
  for (int64_t i = 0; i < s->size.sequences; i++)
    memcpy((char *)item->tensor->data + has * (size_t)i, (const char *)old->data + had * (size_t)i, had);
}

void state_grow(State *s, int64_t room) {
  CHECK(room >= s->size.room);
  for (size_t i = 0; i < s->items.count; i++)
    if (s->items.data[i].cache) grow_cache(s, &s->items.data[i], room);
  s->size.room = room;
}

static void scope_name(const Net *net, const char *name, char room[1024]) {
  const int n = snprintf(room, 1024, "%s%s%s", net->scope, *net->scope ? "." : "", name);
  CHECK(n > 0 && n < 1024);
}

void net_enter(Net *net, const char *format, ...) {
  char name[128], full[1024];
  va_list args;
  va_start(args, format);
  vsnprintf(name, sizeof name, format, args);
  va_end(args);
  scope_name(net, name, full);
  CHECK(strlen(full) < sizeof net->scope);
  memcpy(net->scope, full, strlen(full) + 1);
}

void net_leave(Net *net, const char *format, ...) {
  char name[128];
  va_list args;
  va_start(args, format);
  vsnprintf(name, sizeof name, format, args);
  va_end(args);
  const size_t total = strlen(net->scope), last = strlen(name);
  CHECK(total >= last && !strcmp(net->scope + total - last, name));
  CHECK(total == last || net->scope[total - last - 1] == '.');
  net->scope[total == last ? 0 : total - last - 1] = '\0';
}

Tensor *net_param(Net *net, const char *name, int dims, const int64_t *shape, Init init, ParamRole role) {
  char full[1024];
  scope_name(net, name, full);
  return &params_declare(net->params, full, dims, shape, init, role)->tensor;
}

static Tensor *state_view(Net *net, const char *name, int dims, const int64_t *shape, bool cache) {
  if (!net->state || tape_is_dry(net->tape)) return NULL;
  char full[1024];
  scope_name(net, name, full);
  Tensor *whole = state_declare(net->state, full, dims, shape, cache);
  CHECK(net->first + shape[0] <= whole->shape[0] && dims == whole->dims);
  Tensor *view = arena_new_of(tape_arena(net->tape), Tensor);
  *view = *whole;
  view->data = (char *)whole->data + tensor_bytes(whole) / (size_t)whole->shape[0] * (size_t)net->first;
  view->shape[0] = shape[0];
  return view;
}

Tensor *net_state(Net *net, const char *name, int dims, const int64_t *shape) {
  return state_view(net, name, dims, shape, false);
}

Tensor *net_cache(Net *net, const char *name, int64_t width) {
  const int64_t room = net->state ? state_room(net->state) : 0;
  return state_view(net, name, 3, (int64_t[]){net->batch, room, width}, true);
}

Tensor *net_remember(Net *net, const char *name, Tensor *x) {
  if (!net->state || tape_is_dry(net->tape)) return x;
  char full[1024];
  scope_name(net, name, full);
  Tensor *memory = memory_declare(net->state, full, x);
  if (!x) return memory;
  const int64_t room = memory->shape[1], width = memory->shape[2], time = x->shape[1];
  CHECK(net->source_of && time <= room);
  for (int64_t i = 0; i < x->shape[0]; i++) {
    const int64_t at = tensor_i32(net->source_of)[i];
    CHECK(at >= 0 && at < memory->shape[0]);
    memcpy(tensor_f32(memory) + at * room * width, tensor_f32(x) + i * time * width,
           (size_t)(time * width) * sizeof(float));
  }
  return memory;
}
