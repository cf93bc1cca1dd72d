#include "run/weights.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/buffer.h"
#include "base/threads.h"

bool weights_write(const char *path, Params *params, const float *values, Error *err) {
  const size_t count = params_count(params);
  NamedTensor *items = mem_alloc_zeroed(count, sizeof *items);
  for (size_t i = 0; i < count; i++) {
    const Param *p = params_at(params, i);
    items[i] = (NamedTensor){p->name, p->tensor};
    items[i].tensor.data = (void *)(uintptr_t)(values + p->offset);
  }
  json_t *metadata = json_build("{s:s}", "format", "pt"); /* what transformers looks for */
  const bool ok = safetensors_write(path, items, count, metadata, err);
  json_decref(metadata);
  mem_free(items);
  return ok;
}

/* ---- which tensor is which parameter ---- */

static bool ends_with(const char *name, const char *tail) {
  const size_t length = strlen(name), n = strlen(tail);
  return length >= n && !strcmp(name + length - n, tail);
}

/* Tensors that other programs store and that carry nothing: masks, tables of rotation angles. */
static bool is_constant(const char *name) {
  static const char *const endings[] = {".attn.bias", ".attn.masked_bias", ".rotary_emb.inv_freq"};
  for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
    if (ends_with(name, endings[i])) return true;
  return false;
}

static const char *const tables[] = {"model.shared.weight", "model.decoder.embed_tokens.weight",
                                     "model.embed_tokens.weight", "transformer.wte.weight"};

/* The embedding that also gives the output. */
static const Param *tied_table(const Params *params) {
  for (size_t i = 0; i < sizeof tables / sizeof *tables && !params_find(params, "lm_head.weight"); i++)
    if (params_find(params, tables[i])) return params_find(params, tables[i]);
  return NULL;
}

/* Is that another name of the table, where it is tied and shared? */
static bool names_table(const char *name, const Param *table) {
  return table && (!strcmp(name, "lm_head.weight") ||
                   (!strcmp(table->name, tables[0]) && ends_with(name, "coder.embed_tokens.weight")));
}

static bool same_shape_or_fail(const char *path, const Param *p, const Tensor *found, Error *err) {
  if (tensor_same_shape(&p->tensor, found)) return true;
  Buffer wanted = {0}, there = {0};
  for (int i = 0; i < p->tensor.dims; i++)
    buffer_addf(&wanted, "%s%" PRId64, i ? "x" : "", p->tensor.shape[i]);
  for (int i = 0; i < found->dims; i++) buffer_addf(&there, "%s%" PRId64, i ? "x" : "", found->shape[i]);
  fail(err, "%s: tensor \"%s\" is %s but config.json asks for %s", path, p->name,
       there.data ? there.data : "a scalar", wanted.data ? wanted.data : "a scalar");
  buffer_free(&wanted);
  buffer_free(&there);
  return false;
}

/* Older GPT-2 files leave out the first part of the name, "transformer."; and a matrix that is both embedding
 * and output may be stored under another of its names only. */
static const NamedTensor *find_tensor(const Safetensors *file, const Params *params, const char *name) {
  const NamedTensor *found = safetensors_find(file, name);
  const Param *table = tied_table(params);
  const char *dot = strchr(name, '.');
  if (!found && dot) found = safetensors_find(file, dot + 1);
  for (size_t i = 0; i < file->count && !found && table && !strcmp(table->name, name); i++)
    if (names_table(file->items[i].name, table)) found = &file->items[i];
  return found;
}

static const NamedTensor *tensor_for(const char *path, const Safetensors *file, const Params *params,
                                     const Param *p, Error *err) {
  const NamedTensor *found = find_tensor(file, params, p->name);
  if (!found)
    fail(err, "%s: tensor \"%s\" is missing: not the weights of this config.json", path, p->name);
  else if (!same_shape_or_fail(path, p, &found->tensor, err))
    return NULL;
  else if (found->tensor.type == TENSOR_I32)
    fail(err, "%s: tensor \"%s\" holds integers", path, p->name);
  else
    return found;
  return NULL;
}

static bool same_values(const Tensor *a, const Tensor *b) {
  const size_t count = (size_t)tensor_count(a);
  if (!tensor_same_shape(a, b) || a->type == TENSOR_I32 || b->type == TENSOR_I32) return false;
  if (a->type == b->type) return !memcmp(a->data, b->data, count * tensor_type_size(a->type));
  float *x = mem_alloc(count * sizeof *x), *y = mem_alloc(count * sizeof *y);
  tensor_to_f32(x, a);
  tensor_to_f32(y, b);
  const bool same = !memcmp(x, y, count * sizeof *x);
  mem_free(x);
  mem_free(y);
  return same;
}

/* Positions as encoder_decoder.c makes them, to the precision of bf16: sin in the first half of a row, cos in
 * the second. */
static bool are_sinusoids(const Tensor *t) {
  if (t->dims != 2 || t->type == TENSOR_I32) return false;
  const int64_t rows = t->shape[0], width = t->shape[1], half = width / 2, count = tensor_count(t);
  float *x = mem_alloc((size_t)count * sizeof *x);
  tensor_to_f32(x, t);
  bool good = width % 2 == 0;
  for (int64_t i = 0; i < half && good; i++) {
    const double frequency = pow(10000, -2.0 * (double)i / (double)width);
    for (int64_t p = 0; p < rows && good; p++)
      good = fabs(x[p * width + i] - sin((double)p * frequency)) < 0.01 &&
             fabs(x[p * width + half + i] - cos((double)p * frequency)) < 0.01;
  }
  mem_free(x);
  return good;
}

/* What the file has beside the parameters. */
static bool check_other(const char *path, const Safetensors *file, const Params *params,
                        const NamedTensor *other, Error *err) {
  const Param *table = tied_table(params);
  char full[256];
  snprintf(full, sizeof full, "transformer.%s", other->name);
  if (is_constant(other->name) || params_find(params, full)) return true;
  if (ends_with(other->name, "coder.embed_positions.weight"))
    return are_sinusoids(&other->tensor) ||
           fail(err, "%s: tensor \"%s\" has other positions than sinusoids, which is not supported", path,
                other->name);
  if (!names_table(other->name, table))
    return fail(err, "%s: tensor \"%s\" has no place in this architecture", path, other->name);
  return same_values(&other->tensor, &find_tensor(file, params, table->name)->tensor) ||
         fail(err, "%s: tensor \"%s\" differs from \"%s\", and this architecture has one for both", path,
              other->name, table->name);
}

static bool check_others(const char *path, const Safetensors *file, const Params *params, Error *err) {
  for (size_t i = 0; i < file->count; i++)
    if (!params_find(params, file->items[i].name) && !check_other(path, file, params, &file->items[i], err))
      return false;
  return true;
}

bool weights_untie(const Safetensors *file) {
  const NamedTensor *head = safetensors_find(file, "lm_head.weight"), *table = NULL;
  for (size_t i = 0; i < sizeof tables / sizeof *tables && !table; i++) {
    table = safetensors_find(file, tables[i]);
    if (!table) table = safetensors_find(file, strchr(tables[i], '.') + 1);
  }
  return head && table && !same_values(&head->tensor, &table->tensor);
}

/* ---- values that are no finite numbers ---- */

/* x - x is 0 for finite numbers, else no number, which a sum stays. */
static bool has_endless_floats(const float *x, int64_t n) {
  enum { SUMS = 8 };
  float sums[SUMS] = {0};
  int64_t i = 0;
  for (; i + SUMS <= n; i += SUMS)
    for (int k = 0; k < SUMS; k++) sums[k] += x[i + k] - x[i + k];
  for (; i < n; i++) sums[0] += x[i] - x[i];
  for (int k = 1; k < SUMS; k++) sums[0] += sums[k];
  return isnan(sums[0]);
}

/* All bits of the exponent are set. */
static bool has_endless_halves(const uint16_t *x, int64_t n, uint16_t exponent) {
  uint16_t found = 0;
  for (int64_t i = 0; i < n; i++) found |= (x[i] & exponent) == exponent;
  return found;
}

/* A stretch of a tensor. */
typedef struct Stretch {
  const NamedTensor *of;
  int64_t begin, count;
  bool endless; /* such values are there */
} Stretch;

static void search_stretches(void *arg, int64_t begin, int64_t end) {
  Stretch *stretches = arg;
  for (int64_t i = begin; i < end; i++) {
    Stretch *at = &stretches[i];
    const Tensor *t = &at->of->tensor;
    const void *data = (const char *)t->data + (size_t)at->begin * tensor_type_size(t->type);
    at->endless = t->type == TENSOR_F32
                      ? has_endless_floats(data, at->count)
                      : has_endless_halves(data, at->count, t->type == TENSOR_BF16 ? 0x7f80 : 0x7c00);
  }
}

/* In one loop over all, so that every thread reads a stretch of the file of its own. */
static bool all_finite(const char *path, const NamedTensor *items, size_t count, Error *err) {
  enum { BLOCK = 1 << 18 };
  VEC(Stretch) list = {0};
  bool ok = true;
  for (size_t i = 0; i < count; i++) {
    const int64_t n = tensor_count(&items[i].tensor);
    for (int64_t at = 0; at < n; at += BLOCK)
      vec_push(&list, ((Stretch){&items[i], at, n - at < BLOCK ? n - at : BLOCK, false}));
  }
  parallel_for((int64_t)list.count, search_stretches, list.data);
  for (size_t i = 0; ok && i < list.count; i++)
    ok = !list.data[i].endless ||
         fail(err, "%s: tensor \"%s\" has values that are no finite numbers: the file is damaged", path,
              list.data[i].of->name);
  vec_free(&list);
  return ok;
}

/* ---- reading ---- */

/* Where the parameter's values are to be: in a run, else where the file is mapped or in memory of its own. */
static void place_values(Params *params, Param *p, const Tensor *stored, float *run, NamedTensor *placed) {
  const bool aligned = (uintptr_t)stored->data % tensor_type_size(stored->type) == 0;
  *placed = (NamedTensor){p->name, p->tensor};
  if (!run && aligned && (stored->type == TENSOR_F32 || params_takes_halves(p))) {
    params_use(p, stored);
    placed->tensor = p->tensor;
    return;
  }
  placed->tensor.data = run ? run + p->offset : params_room(params, p);
  tensor_to_f32(placed->tensor.data, stored);
}

static bool read_all(const char *path, const Safetensors *file, Params *params, float *run, Error *err) {
  const size_t count = params_count(params);
  NamedTensor *placed = mem_alloc_zeroed(count, sizeof *placed);
  bool ok = true;
  for (size_t i = 0; ok && i < count; i++) {
    Param *p = params_at(params, i);
    const NamedTensor *found = tensor_for(path, file, params, p, err);
    if ((ok = found != NULL)) place_values(params, p, &found->tensor, run, &placed[i]);
  }
  ok = ok && all_finite(path, placed, count, err) && check_others(path, file, params, err);
  mem_free(placed);
  return ok;
}

bool weights_read(const char *path, Params *params, float *values, Error *err) {
  Safetensors file;
  if (!safetensors_open(&file, path, err)) return false;
  const bool ok = read_all(path, &file, params, values, err);
  safetensors_close(&file);
  return ok;
}

bool weights_map(const char *path, Params *params, Safetensors *file, Error *err) {
  return read_all(path, file, params, NULL, err);
}

void weights_copy(Params *to, Params *from) {
  for (size_t i = 0; i < params_count(to); i++)
    tensor_to_f32(tensor_f32(&params_at(to, i)->tensor), &params_at(from, i)->tensor);
}
