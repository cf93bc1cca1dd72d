#include "run/weights.h"

#include <inttypes.h>
#include <string.h>

#include "base/buffer.h"
#include "base/language.h"
#include "base/threads.h"
#include "io/peft.h"
#include "ops/finite.h"
#include "run/forms.h"

/* ---- writing ---- */

/* The caller frees with mem_free. `frozen`: further parameters, as they are stored; NULL: none. */
static NamedTensor *named(Params *params, const float *values, Params *frozen, size_t *count) {
  const size_t own = params_count(params), others = frozen ? params_count(frozen) : 0;
  NamedTensor *items = mem_alloc_zeroed(own + others, sizeof *items);
  *count = own + others;
  for (size_t i = 0; i < *count; i++) {
    const Param *p = i < own ? params_at(params, i) : params_at(frozen, i - own);
    items[i] = (NamedTensor){.name = p->name, .tensor = p->tensor};
    if (i < own) items[i].tensor.data = (void *)(uintptr_t)(values + p->offset);
  }
  TensorSet set = {.items = items, .count = *count};
  tensors_sort(&set);
  return items;
}

bool weights_write(const char *path, Params *params, const float *values, Error *err) {
  size_t count;
  NamedTensor *items = named(params, values, NULL, &count);
  const bool ok = safetensors_write(path, items, count, NULL, err);
  mem_free(items);
  return ok;
}

static bool save(const char *directory, Params *params, const float *values, Params *frozen, Error *err) {
  size_t count;
  NamedTensor *items = named(params, values, frozen, &count);
  const bool ok = source_write_tensors(directory, items, count, err);
  mem_free(items);
  return ok;
}

bool weights_save(const char *directory, Params *params, const float *values, Error *err) {
  return save(directory, params, values, NULL, err);
}

static Params *frozen_of(const Model *m) {
  return m->params == m->learned ? NULL : m->params;
}

bool weights_save_model(const char *directory, const Model *m, const float *values, Error *err) {
  char path[PATH_CAPACITY];
  if (m->tuning.adapter.present)
    return weights_write(path_join(path, directory, PEFT_WEIGHTS), m->learned, values, err);
  return save(directory, m->learned, values, frozen_of(m), err);
}

/* ---- finding a parameter's tensor ---- */

static bool same_shape_or_fail(const Param *p, const NamedTensor *stored, TensorForm form, Error *err) {
  const Tensor *found = &stored->tensor, as_stored = form_shape(form, p->tensor);
  if (form_fits(form, &p->tensor, found)) return true;
  Buffer wanted = {0}, there = {0};
  for (int i = 0; i < as_stored.dims; i++)
    buffer_addf(&wanted, "%s%" PRId64, i ? "x" : "", as_stored.shape[i]);
  for (int i = 0; i < found->dims; i++) buffer_addf(&there, "%s%" PRId64, i ? "x" : "", found->shape[i]);
  fail(err, "%s: tensor \"%s\" is %s, but the model's configuration requires %s", stored->file, p->name,
       there.data ? there.data : _("a scalar"), wanted.data ? wanted.data : _("a scalar"));
  buffer_free(&wanted);
  buffer_free(&there);
  return false;
}

static const NamedTensor *find_tensor(const TensorSet *file, const Naming *naming, const char *name) {
  char stored[TENSOR_NAME_CAPACITY];
  const NamedTensor *found = NULL;
  for (int i = 0; !found && naming_stored(naming, name, i, stored); i++) found = tensors_find(file, stored);
  return found;
}

const Param *weights_param(const Naming *naming, const Params *params, const char *stored) {
  char name[TENSOR_NAME_CAPACITY];
  const TensorName *line = NULL;
  while ((line = naming_next(naming, line, stored, name))) {
    const Param *p = line->use == TENSOR_COPY ? params_find(params, name) : NULL;
    if (p) return p;
  }
  return NULL;
}

bool weights_name(const Naming *naming, const Params *params, const Param *p,
                  char found[TENSOR_NAME_CAPACITY], Error *err) {
  char name[TENSOR_NAME_CAPACITY];
  *found = '\0';
  for (int i = 0; naming_stored(naming, p->name, i, name); i++)
    if (weights_param(naming, params, name) == p) memcpy(found, name, sizeof name);
  return *found ||
         fail(err, "the weight \"%s\" has no name in files of the format \"%s\"", p->name, naming->format);
}

static const NamedTensor *tensor_for(const TensorSet *file, const Naming *naming, const Param *p,
                                     Error *err) {
  const NamedTensor *found = find_tensor(file, naming, p->name);
  if (!found)
    fail(err, "%s: tensor \"%s\" is missing: the weights do not belong to the configuration", file->path,
         p->name);
  else if (!same_shape_or_fail(p, found, naming_form(naming, found->name, p->name), err))
    return NULL;
  else if (found->tensor.type == TENSOR_I32)
    fail(err, "%s: tensor \"%s\" has integer elements, not floating-point ones", found->file, p->name);
  else
    return found;
  return NULL;
}

TensorType weights_stored_type(const TensorSet *file, const Naming *naming, const char *parameter) {
  const NamedTensor *found = find_tensor(file, naming, parameter);
  return form_type(naming_form(naming, found->name, parameter), found->tensor.type);
}

static bool same_values(const Tensor *a, const Tensor *b) {
  const size_t count = (size_t)tensor_count(a);
  if (!tensor_same_shape(a, b) || a->type == TENSOR_I32 || b->type == TENSOR_I32) return false;
  if (a->type == b->type) return !memcmp(a->data, b->data, tensor_bytes(a));
  float *x = mem_alloc(count * sizeof *x), *y = mem_alloc(count * sizeof *y);
  tensor_to_f32(x, a);
  tensor_to_f32(y, b);
  const bool same = !memcmp(x, y, count * sizeof *x);
  mem_free(x);
  mem_free(y);
  return same;
}

static bool as_computed(const TensorName *line, const Tensor *t) {
  if (t->type == TENSOR_I32) return false;
  Tensor values = *t;
  values.type = TENSOR_F32;
  values.data = mem_alloc((size_t)tensor_count(t) * sizeof(float));
  tensor_to_f32(values.data, t);
  const bool same = line->computed(&values);
  mem_free(values.data);
  return same;
}

/* For checking the tensors that are not parameters. */
typedef struct Other {
  const TensorSet *file;
  const Params *params, *frozen; /* frozen: known, but not read; NULL: none */
  const Naming *naming;
  const Params *unused; /* as `frozen`, whatever the names in the file */
} Other;

static bool check_line(const Other *o, const TensorName *line, const NamedTensor *other,
                       const char *parameter, Error *err) {
  if (line->use == TENSOR_IGNORED) return true;
  if (line->use == TENSOR_COMPUTED)
    return as_computed(line, &other->tensor) ||
           fail(err,
                "%s: tensor \"%s\" differs from the values that this architecture computes in its place, "
                "which is not supported",
                other->file, other->name);
  return same_values(&other->tensor, &find_tensor(o->file, o->naming, parameter)->tensor) ||
         fail(err, "%s: tensor \"%s\" differs from \"%s\", but this architecture shares one tensor for both",
              other->file, other->name, parameter);
}

static bool is_unused(const Other *o, const NamedTensor *other) {
  char full[TENSOR_NAME_CAPACITY];
  return o->unused && (params_find(o->unused, other->name) ||
                       params_find(o->unused, naming_full(o->naming, other->name, full)) ||
                       weights_param(o->naming, o->unused, other->name));
}

static bool check_other(const Other *o, const NamedTensor *other, Error *err) {
  char full[TENSOR_NAME_CAPACITY], parameter[TENSOR_NAME_CAPACITY];
  if (params_find(o->params, naming_full(o->naming, other->name, full)) || is_unused(o, other)) return true;
  const TensorName *line = naming_next(o->naming, NULL, other->name, parameter);
  while (line && *parameter && !params_find(o->params, parameter))
    line = naming_next(o->naming, line, other->name, parameter);
  if (line) return check_line(o, line, other, parameter, err);
  return fail(err, "%s: tensor \"%s\" is unknown to this architecture", other->file, other->name);
}

static bool check_others(const Other *o, Error *err) {
  for (size_t i = 0; i < o->file->count; i++)
    if (!params_find(o->params, o->file->items[i].name) &&
        !(o->frozen && params_find(o->frozen, o->file->items[i].name)) &&
        !check_other(o, &o->file->items[i], err))
      return false;
  return true;
}

bool weights_untie(const TensorSet *file, const Naming *naming) {
  const TensorName *line = naming ? naming->names : NULL;
  for (; line && line->stored; line++) {
    if (line->use != TENSOR_OUTPUT) continue;
    const NamedTensor *head = tensors_find(file, line->stored);
    const NamedTensor *table = find_tensor(file, naming, line->parameter);
    if (head && table && head != table && !same_values(&head->tensor, &table->tensor)) return true;
  }
  return false;
}

/* ---- values that are not finite ---- */

/* A chunk of a tensor. */
typedef struct Chunk {
  const NamedTensor *of;
  int64_t begin, count; /* whole blocks */
  bool finite;          /* result */
} Chunk;

static void search_chunks(void *arg, int64_t begin, int64_t end) {
  Chunk *chunks = arg;
  for (int64_t i = begin; i < end; i++) {
    Chunk *at = &chunks[i];
    const Tensor *t = &at->of->tensor;
    at->finite = type_finite(t->type, type_at(t->type, t->data, at->begin), at->count);
  }
}

typedef VEC(Chunk) Chunks;

/* The first `count` together. */
static int64_t bytes_of(const Chunks *list, size_t count) {
  int64_t bytes = 0;
  for (size_t i = 0; i < count; i++)
    bytes += (int64_t)type_bytes(list->data[i].of->tensor.type, list->data[i].count);
  return bytes;
}

/* In parallel loops over many tensors, so that every thread reads its own part of the file. This is when
 * mapped weights are read from the disk. */
static void search_all(const Chunks *list, const News *news) {
  enum { TOGETHER = 256 };
  static const double patience = 1; /* seconds */
  const double began = clock_seconds();
  for (size_t at = 0, n; at < list->count; at += n) {
    n = list->count - at < TOGETHER ? list->count - at : TOGETHER;
    parallel_for((int64_t)n, search_chunks, list->data + at);
    if (clock_seconds() - began > patience)
      news_progress(news, "loading", bytes_of(list, at + n), bytes_of(list, list->count), "byte");
  }
}

static bool all_finite(const NamedTensor *items, size_t count, const News *news, Error *err) {
  enum { BLOCK = 1 << 18 };
  Chunks list = {0};
  bool ok = true;
  for (size_t i = 0; i < count; i++) {
    const int64_t n = tensor_count(&items[i].tensor);
    for (int64_t at = 0; at < n; at += BLOCK)
      vec_push(&list, ((Chunk){&items[i], at, n - at < BLOCK ? n - at : BLOCK, true}));
  }
  search_all(&list, news);
  for (size_t i = 0; ok && i < list.count; i++)
    ok = list.data[i].finite ||
         fail(err, "%s: tensor \"%s\" has values that are not finite: the file is damaged",
              list.data[i].of->file, list.data[i].of->name);
  vec_free(&list);
  return ok;
}

/* ---- reading ---- */

/* The tensors of a model, and which parameter each is. */
typedef struct StoredModel {
  const TensorSet *file;
  const Naming *naming;
  const Config *config; /* of weights in another form */
  const News *news;
  const Params *frozen, *unused; /* tensors that are not read; NULL: none */
} StoredModel;

/* As f32: in the array `run`, else in newly allocated memory. */
static void widen_values(Params *params, Param *p, const Tensor *stored, float *run) {
  tensor_to_f32(run ? run + p->offset : params_alloc(params, p), stored);
}

/* Places the parameter's values in the array `run`, else in the mapped file, where they are, or in newly
 * allocated memory if they cannot be used as they are stored. */
static void place_as_stored(Params *params, Param *p, const Tensor *stored, float *run) {
  const TypeInfo *type = type_info(stored->type);
  const bool aligned = type->block > 1 || (uintptr_t)stored->data % type->bytes == 0;
  if (run || !aligned || !params_takes(p, stored->type))
    widen_values(params, p, stored, run);
  else
    params_use(p, stored);
}

/* As above, for values that are stored in another form. */
static void place_changed(const StoredModel *s, Params *params, Param *p, TensorForm form,
                          const Tensor *stored, float *run) {
  Tensor values = form_shape(form, *stored);
  values.type = form_type(form, stored->type);
  const bool widened = run || !params_takes(p, values.type);
  if (widened) {
    values.data = mem_alloc(tensor_bytes(&values));
  } else {
    p->tensor.type = values.type;
    values.data = params_alloc(params, p);
  }
  form_change(form, true, stored, s->config, &values);
  if (!widened) return;
  widen_values(params, p, &values, run);
  mem_free(values.data);
}

static bool place(const StoredModel *s, Params *params, Param *p, float *run, NamedTensor *placed,
                  Error *err) {
  const NamedTensor *found = tensor_for(s->file, s->naming, p, err);
  if (!found) return false;
  const TensorForm form = naming_form(s->naming, found->name, p->name);
  if (form == FORM_SAME)
    place_as_stored(params, p, &found->tensor, run);
  else
    place_changed(s, params, p, form, &found->tensor, run);
  *placed = (NamedTensor){.name = p->name, .tensor = p->tensor, .file = found->file};
  if (run) placed->tensor.data = run + p->offset;
  return true;
}

static bool read_all(const StoredModel *s, Params *params, float *run, Error *err) {
  const size_t count = params_count(params);
  NamedTensor *placed = mem_alloc_zeroed(count, sizeof *placed);
  bool ok = true;
  for (size_t i = 0; ok && i < count; i++) ok = place(s, params, params_at(params, i), run, &placed[i], err);
  const Other others = {s->file, params, s->frozen, s->naming, s->unused};
  ok = ok && all_finite(placed, count, s->news, err) && check_others(&others, err);
  mem_free(placed);
  return ok;
}

bool weights_read(const char *path, const Naming *naming, Params *params, float *values, Error *err) {
  Safetensors file;
  if (!safetensors_open(&file, path, err)) return false;
  const bool ok = read_all(&(StoredModel){.file = &file.tensors, .naming = naming}, params, values, err);
  safetensors_close(&file);
  return ok;
}

static bool load(const char *directory, Params *params, float *values, const Params *frozen, Error *err) {
  ModelSource source;
  const bool ok = source_open_weights(&source, directory, err) &&
                  read_all(&(StoredModel){.file = &source.tensors, .frozen = frozen}, params, values, err);
  source_close(&source);
  return ok;
}

bool weights_load(const char *directory, Params *params, float *values, Error *err) {
  return load(directory, params, values, NULL, err);
}

bool weights_load_model(const char *directory, const Model *m, Error *err) {
  char path[PATH_CAPACITY];
  if (m->tuning.adapter.present)
    return weights_read(path_join(path, directory, PEFT_WEIGHTS), NULL, m->learned, params_values(m->learned),
                        err);
  return load(directory, m->learned, params_values(m->learned), frozen_of(m), err);
}

bool weights_map(const TensorSet *stored, const Naming *naming, const Config *config, Params *params,
                 const Params *unused, const News *news, Error *err) {
  return read_all(
      &(StoredModel){.file = stored, .naming = naming, .config = config, .news = news, .unused = unused},
      params, NULL, err);
}

void weights_copy_head(Params *to, const Params *from) {
  char name[ADAPTER_NAME];
  Param *p = params_find(to, adapter_whole_name(name, CLASSIFIER_HEAD));
  const Param *found = params_find(from, CLASSIFIER_HEAD);
  if (p && found && tensor_same_shape(&p->tensor, &found->tensor))
    tensor_to_f32(tensor_f32(&p->tensor), &found->tensor);
}

void weights_copy(Params *to, const Params *from, bool new_head) {
  for (size_t i = 0; i < params_count(to); i++) {
    const Param *p = params_at(to, i), *found = params_find(from, p->name);
    if (new_head && !strcmp(p->name, CLASSIFIER_HEAD)) continue;
    CHECK(found && tensor_same_shape(&p->tensor, &found->tensor));
    tensor_to_f32(tensor_f32(&p->tensor), &found->tensor);
  }
}
