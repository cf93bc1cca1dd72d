/* net.c - scopes, and a layer's access to the state. */
#include "nn/net.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/patterns.h"

/* Without printf: names are made hundreds of times per token. */
static void scope_name(const Net *net, const char *name, char full[1024]) {
  const size_t scope = strlen(net->scope), length = strlen(name);
  CHECK(length && scope + 1 + length < 1024);
  memcpy(full, net->scope, scope);
  if (scope) full[scope] = '.';
  memcpy(full + scope + (scope > 0), name, length + 1);
}

static const char *format_name(char name[128], const char *format, va_list args) {
  if (!strcmp(format, "%s")) return va_arg(args, const char *);
  vsnprintf(name, 128, format, args);
  return name;
}

void net_enter(Net *net, const char *format, ...) {
  char name[128], full[1024];
  va_list args;
  va_start(args, format);
  scope_name(net, format_name(name, format, args), full);
  va_end(args);
  CHECK(strlen(full) < sizeof net->scope);
  memcpy(net->scope, full, strlen(full) + 1);
}

void net_leave(Net *net, const char *format, ...) {
  char buffer[128];
  va_list args;
  va_start(args, format);
  const char *name = format_name(buffer, format, args);
  va_end(args);
  const size_t total = strlen(net->scope), last = strlen(name);
  CHECK(total >= last && !strcmp(net->scope + total - last, name));
  CHECK(total == last || net->scope[total - last - 1] == '.');
  net->scope[total == last ? 0 : total - last - 1] = '\0';
}

Tensor *net_param(Net *net, const char *name, int dims, const int64_t *shape, Init init, ParamRole role) {
  char full[1024];
  scope_name(net, name, full);
  const bool learns = net->learned && !net->adapter && !patterns_match(net->freeze, full);
  return &params_declare(learns ? net->learned : net->params, full, dims, shape, init, role)->tensor;
}

static bool has_state(const Net *net) {
  return net->state && !tape_is_dry(net->tape);
}

Tensor *net_state(Net *net, const char *name, int64_t width) {
  if (!has_state(net)) return NULL;
  char full[1024];
  scope_name(net, name, full);
  Tensor *rows = tape_tensor(net->tape, TENSOR_F32, 2, (int64_t[]){net->batch, width});
  for (int64_t b = 0; b < net->batch; b++)
    memcpy(tensor_f32(rows) + b * width, state_row(net->state, full, width, net->sequences[b]),
           (size_t)width * sizeof(float));
  return rows;
}

void net_set_state(Net *net, const char *name, const Tensor *last) {
  if (!has_state(net)) return;
  char full[1024];
  scope_name(net, name, full);
  const int64_t width = tensor_columns(last);
  for (int64_t b = 0; b < net->batch; b++)
    memcpy(state_row(net->state, full, width, net->sequences[b]), tensor_f32(last) + b * width,
           (size_t)width * sizeof(float));
}

void *const *net_cache(Net *net, const char *name, int64_t width) {
  if (!has_state(net)) return NULL;
  char full[1024];
  scope_name(net, name, full);
  return state_cache(net->state, full, width);
}

static void remember(const StateMemory *m, int64_t place, const float *x, int64_t tokens) {
  CHECK(place >= 0 && place < m->sources && tokens <= m->tokens);
  memcpy(m->values + place * m->tokens * m->width, x, (size_t)(tokens * m->width) * sizeof *x);
}

Tensor *net_remember(Net *net, const char *name, Tensor *x) {
  if (!has_state(net)) return x;
  char full[1024];
  scope_name(net, name, full);
  const StateMemory *m = state_memory(net->state, full, x ? tensor_columns(x) : 0);
  const int64_t tokens = x ? x->shape[1] : 0;
  for (int64_t i = 0; x && i < x->shape[0]; i++)
    remember(m, net->places[i], tensor_f32(x) + i * tokens * m->width, tokens);
  Tensor *all = arena_new_of(tape_arena(net->tape), Tensor);
  *all =
      (Tensor){.type = TENSOR_F32, .dims = 3, .shape = {m->sources, m->tokens, m->width}, .data = m->values};
  return all;
}
