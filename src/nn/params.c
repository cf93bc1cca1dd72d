/* params.c - declaration, storage and initial values of parameters. */
#include "nn/params.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/random.h"
#include "base/threads.h"

struct Params {
  Arena *arena; /* names and Param structs, which never move; memory of params_alloc */
  VEC(Param *) items;
  Map *by_name;
  int64_t elements;
  float *values, *gradients;
  bool allocated, borrowed; /* borrowed: the values belong to another set */
  bool frozen;              /* parameters want no gradients, declared or allocated */
};

Params *params_new(void) {
  Params *p = mem_alloc_zeroed(1, sizeof *p);
  p->arena = arena_new(0);
  p->by_name = map_new();
  return p;
}

Params *params_new_frozen(void) {
  Params *p = params_new();
  p->frozen = true;
  return p;
}

void params_free(Params *p) {
  if (!p) return;
  arena_free(p->arena);
  map_free(p->by_name);
  vec_free(&p->items);
  if (!p->borrowed) mem_free(p->values);
  mem_free(p->gradients);
  mem_free(p);
}

Param *params_find(const Params *p, const char *name) {
  int64_t at;
  return map_get(p->by_name, name, strlen(name), &at) ? (Param *)(intptr_t)at : NULL;
}

static bool has_shape(const Tensor *t, int dims, const int64_t *shape) {
  return t->dims == dims && !memcmp(t->shape, shape, sizeof *shape * (size_t)dims);
}

Param *params_declare(Params *p, const char *name, int dims, const int64_t *shape, Init init,
                      ParamRole role) {
  Param *param = params_find(p, name);
  if (param) {
    CHECK(has_shape(&param->tensor, dims, shape));
    return param;
  }
  CHECK(!p->allocated && dims <= TENSOR_MAX_DIMS);
  param = arena_new_of(p->arena, Param);
  param->name = arena_strndup(p->arena, name, strlen(name));
  param->tensor.type = TENSOR_F32;
  param->tensor.dims = dims;
  memcpy(param->tensor.shape, shape, sizeof *shape * (size_t)dims);
  param->tensor.wants_grad = !p->frozen;
  param->tensor.parameter = true;
  param->init = init;
  param->role = role;
  vec_push(&p->items, param);
  map_set(p->by_name, name, strlen(name), (int64_t)(intptr_t)param);
  p->elements += tensor_count(&param->tensor);
  return param;
}

static int by_name(const void *a, const void *b) {
  return strcmp((*(Param *const *)a)->name, (*(Param *const *)b)->name);
}

/* Each parameter starts at a multiple of 64 bytes; the gaps stay zero. */
static int64_t padded(int64_t count) {
  return (count + 15) / 16 * 16;
}

/* Closes the set. */
static void assign_offsets(Params *p) {
  int64_t offset = 0;
  CHECK(!p->allocated);
  p->allocated = true;
  if (p->items.count) qsort(p->items.data, p->items.count, sizeof *p->items.data, by_name);
  for (size_t i = 0; i < p->items.count; i++) {
    p->items.data[i]->offset = offset;
    offset += padded(tensor_count(&p->items.data[i]->tensor));
  }
  p->elements = offset;
}

static void assign_memory(Params *p, float *values, bool gradients) {
  p->values = values;
  if (gradients) p->gradients = mem_alloc_zeroed((size_t)p->elements, sizeof(float));
  for (size_t i = 0; i < p->items.count; i++) {
    Param *param = p->items.data[i];
    param->tensor.data = p->values + param->offset;
    param->tensor.wants_grad = gradients;
    if (gradients) param->tensor.grad = p->gradients + param->offset;
  }
}

static void clear_gaps(const Params *p) {
  for (size_t i = 0; i < p->items.count; i++) {
    const int64_t count = tensor_count(&p->items.data[i]->tensor);
    float *end = tensor_f32(&p->items.data[i]->tensor) + count;
    memset(end, 0, (size_t)(padded(count) - count) * sizeof *end);
  }
}

void params_allocate(Params *p, bool gradients) {
  assign_offsets(p);
  if (p->elements > INT64_MAX / 4) mem_exhausted(SIZE_MAX);
  assign_memory(p, mem_alloc((size_t)p->elements * sizeof(float)), gradients);
  clear_gaps(p);
}

void params_allocate_twin(Params *p, const Params *of) {
  assign_offsets(p);
  CHECK(p->elements == of->elements && p->items.count == of->items.count);
  p->borrowed = true;
  assign_memory(p, of->values, true);
}

void params_close(Params *p) {
  assign_offsets(p);
  for (size_t i = 0; i < p->items.count; i++) p->items.data[i]->tensor.wants_grad = false;
}

void params_use(Param *param, const Tensor *stored) {
  CHECK(tensor_same_shape(&param->tensor, stored));
  param->tensor.type = stored->type;
  param->tensor.data = stored->data;
}

void params_borrow(Params *p, const Params *from) {
  for (size_t i = 0; i < p->items.count; i++) {
    const Param *found = params_find(from, p->items.data[i]->name);
    CHECK(found);
    params_use(p->items.data[i], &found->tensor);
  }
}

float *params_alloc(Params *p, Param *param) {
  return param->tensor.data = arena_alloc(p->arena, tensor_bytes(&param->tensor));
}

bool params_takes(const Param *param, TensorType type) {
  if (type == TENSOR_F32) return true;
  return type < TENSOR_WEIGHT_TYPES && param->role != PARAM_VECTOR && param->tensor.dims > 1 &&
         tensor_columns(&param->tensor) % type_info(type)->block == 0;
}

typedef struct Conversion {
  const Tensor *from, *to;
  atomic_bool too_large;
} Conversion;

static void convert_rows(void *arg, int64_t begin, int64_t end) {
  Conversion *c = arg;
  const int64_t width = tensor_columns(c->from);
  float values[1024]; /* a multiple of any type's block */
  for (int64_t row = begin; row < end; row++)
    for (int64_t i = 0; i < width; i += 1024) {
      const int64_t n = width - i < 1024 ? width - i : 1024;
      type_widen(c->from->type, values, type_at(c->from->type, c->from->data, row * width), i, n);
      if (!type_narrow(c->to->type, (char *)c->to->data + type_bytes(c->to->type, row * width + i), values,
                       n))
        c->too_large = true;
    }
}

const Param *params_convert(Params *p, TensorType type) {
  for (size_t i = 0; i < p->items.count; i++) {
    Tensor *t = &p->items.data[i]->tensor;
    if (t->type == type || !params_takes(p->items.data[i], type)) continue;
    Tensor to = *t;
    to.type = type;
    to.data = arena_alloc(p->arena, tensor_bytes(&to));
    Conversion c = {.from = t, .to = &to};
    parallel_for(tensor_rows(t), convert_rows, &c);
    if (c.too_large) return p->items.data[i];
    *t = to;
  }
  return NULL;
}

typedef struct Filling {
  const Param *param;
  uint64_t seed, stream;
} Filling;

static void fill_range(void *arg, int64_t begin, int64_t end) {
  const Filling *f = arg;
  float *x = tensor_f32(&f->param->tensor);
  const float scale = f->param->init.scale;
  for (int64_t i = begin; i < end; i++)
    x[i] = f->param->init.kind == INIT_NORMAL
               ? scale * (float)random_normal(f->seed, f->stream, (uint64_t)i)
               : scale * (float)(2 * random_unit(f->seed, f->stream, (uint64_t)i) - 1);
}

static void fill_constant(const Param *param, float value, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; i++) tensor_f32(&param->tensor)[i] = value;
}

void params_initialize(Params *p, uint64_t seed) {
  CHECK(p->allocated);
  for (size_t i = 0; i < p->items.count; i++) {
    const Param *param = p->items.data[i];
    const int64_t n = tensor_count(&param->tensor);
    Filling filling = {param, seed, random_stream(param->name)};
    switch (param->init.kind) {
      case INIT_ZERO:
        fill_constant(param, 0, 0, n);
        break;
      case INIT_ONE:
        fill_constant(param, 1, 0, n);
        break;
      case INIT_FORGET:
        fill_constant(param, 0, 0, n);
        fill_constant(param, 1, n / 4, n / 2);
        break;
      case INIT_NORMAL:
      case INIT_UNIFORM:
        parallel_for(n, fill_range, &filling);
        break;
    }
  }
}

size_t params_count(const Params *p) {
  return p->items.count;
}
Param *params_at(Params *p, size_t index) {
  return p->items.data[index];
}
float *params_values(Params *p) {
  CHECK(p->values || !p->elements);
  return p->values;
}
float *params_gradients(Params *p) {
  return p->gradients;
}
void params_forget_gradients(Params *p) {
  for (size_t i = 0; i < p->items.count; i++) p->items.data[i]->tensor.forgotten = true;
}
void params_settle_gradients(Params *p) {
  for (size_t i = 0; i < p->items.count; i++) {
    Tensor *t = &p->items.data[i]->tensor;
    if (t->forgotten && t->grad) memset(t->grad, 0, tensor_bytes(t));
    t->forgotten = false;
  }
}
int64_t params_length(const Params *p) {
  return p->elements;
}

int64_t params_elements(const Params *p) {
  int64_t n = 0;
  for (size_t i = 0; i < p->items.count; i++) n += tensor_count(&p->items.data[i]->tensor);
  return n;
}
