/* net.c - scopes, and the state that generation keeps between calls. */
#include "nn/net.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"

struct State {
  Arena *arena;
  VEC(Tensor *) items;
  Map *by_name;
  int64_t sequences, room;
};

State *state_new(int64_t sequences, int64_t room) {
  State *s = mem_alloc_zeroed(1, sizeof *s);
  s->arena = arena_new(0);
  s->by_name = map_new();
  s->sequences = sequences;
  s->room = room;
  return s;
}

void state_free(State *s) {
  if (!s) return;
  arena_free(s->arena);
  map_free(s->by_name);
  vec_free(&s->items);
  mem_free(s);
}

int64_t state_room(const State *s) {
  return s->room;
}

void state_clear(State *s) {
  for (size_t i = 0; i < s->items.count; i++)
    memset(s->items.data[i]->data, 0, tensor_bytes(s->items.data[i]));
}

int64_t state_bytes(const State *s) {
  return (int64_t)arena_used(s->arena);
}

/* Rows that stay where they are, often most of them, are left alone. */
static void reorder(Tensor *t, const int32_t *from, int64_t count, int64_t sequences) {
  const size_t each = tensor_bytes(t) / (size_t)sequences;
  char *data = t->data, *copy = mem_alloc(each * (size_t)count);
  for (int64_t i = 0; i < count; i++)
    if (from[i] != i) memcpy(copy + each * (size_t)i, data + each * (size_t)from[i], each);
  for (int64_t i = 0; i < count; i++)
    if (from[i] != i) memcpy(data + each * (size_t)i, copy + each * (size_t)i, each);
  mem_free(copy);
}

void state_reorder(State *s, const int32_t *from, int64_t count) {
  CHECK(count <= s->sequences);
  for (size_t i = 0; i < s->items.count; i++) reorder(s->items.data[i], from, count, s->sequences);
}

static Tensor *state_declare(State *s, const char *name, int dims, const int64_t *shape) {
  int64_t at;
  if (map_get(s->by_name, name, strlen(name), &at)) return s->items.data[at];
  Tensor *t = arena_new_of(s->arena, Tensor);
  t->type = TENSOR_F32;
  t->dims = dims;
  memcpy(t->shape, shape, sizeof *shape * (size_t)dims);
  t->shape[0] = s->sequences;
  t->data = arena_alloc_zeroed(s->arena, tensor_bytes(t));
  map_set(s->by_name, name, strlen(name), (int64_t)s->items.count);
  vec_push(&s->items, t);
  return t;
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

Tensor *net_param(Net *net, const char *name, int dims, const int64_t *shape, Init init, bool decays) {
  char full[1024];
  scope_name(net, name, full);
  return &params_declare(net->params, full, dims, shape, init, decays)->tensor;
}

Tensor *net_state(Net *net, const char *name, int dims, const int64_t *shape) {
  if (!net->state || tape_is_dry(net->tape)) return NULL;
  char full[1024];
  scope_name(net, name, full);
  Tensor *whole = state_declare(net->state, full, dims, shape);
  CHECK(net->first + shape[0] <= whole->shape[0] && dims == whole->dims);
  Tensor *view = arena_new_of(tape_arena(net->tape), Tensor);
  *view = *whole;
  view->data = (char *)whole->data + tensor_bytes(whole) / (size_t)whole->shape[0] * (size_t)net->first;
  view->shape[0] = shape[0];
  return view;
}
