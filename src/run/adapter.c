#include "run/adapter.h"

#include <inttypes.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/language.h"
#include "io/model_cache.h"
#include "ops/finite.h"
#include "ops/gemm.h"
#include "run/adapter_forms.h"

/* Both matrices of a layer; NULL: it has none. */
typedef struct Pair {
  const Tensor *a, *b;
} Pair;

static Pair pair_in(const Params *params, const char *layer) {
  char name[ADAPTER_NAME];
  const Param *a = params_find(params, adapter_name(name, layer, ADAPTER_A)),
              *b = params_find(params, adapter_name(name, layer, ADAPTER_B));
  return a && b ? (Pair){&a->tensor, &b->tensor} : (Pair){NULL, NULL};
}

static Pair pair_stored(const PeftAdapter *from, const char *layer) {
  char name[ADAPTER_NAME];
  const NamedTensor *a = tensors_find(&from->tensors, adapter_name(name, layer, ADAPTER_A)),
                    *b = tensors_find(&from->tensors, adapter_name(name, layer, ADAPTER_B));
  return a && b ? (Pair){&a->tensor, &b->tensor} : (Pair){NULL, NULL};
}

/* ---- opening ---- */

bool adapter_locate(const char *given, char path[PATH_CAPACITY], double *weight, Error *err) {
  const char *colon = strrchr(given, ':');
  char directory[PATH_CAPACITY], *end = NULL;
  *weight = colon && !dir_exists(given) ? strtod(colon + 1, &end) : 1;
  const bool weighted = end && end > colon + 1 && !*end && isfinite(*weight);
  if (!weighted) *weight = 1;
  snprintf(directory, sizeof directory, "%.*s", (int)(weighted ? colon - given : (ptrdiff_t)strlen(given)),
           given);
  return model_cache_locate(path, directory, err);
}

/* ---- the base ---- */

static bool is_exact(TensorType type, const float *values, int64_t count) {
  uint16_t narrow;
  float back = 0;
  for (int64_t i = 0; i < count; i++) {
    if (!type_narrow(type, &narrow, &values[i], 1)) return false;
    type_widen(type, &back, &narrow, 0, 1);
    if (back != values[i]) return false;
  }
  return true;
}

/* Whether values were rounded to f16, if these types have all of them exactly. */
static bool is_of_f16(bool f16, bool bf16) {
  return f16 && !bf16;
}

/* `add`: 1, to hash 1 + w. */
static uint64_t hash_vector(const Param *p, float add, uint64_t seed) {
  const int64_t count = tensor_count(&p->tensor);
  uint16_t *rounded = mem_alloc((size_t)count * sizeof *rounded);
  float *values = mem_alloc((size_t)count * sizeof *values);
  for (int64_t i = 0; i < count; i++) values[i] = add + tensor_f32(&p->tensor)[i];
  type_narrow(TENSOR_BF16, rounded, values, count);
  seed = hash_bytes(p->name, strlen(p->name), seed);
  seed = hash_bytes(rounded, (size_t)count * sizeof *rounded, seed);
  mem_free(values);
  mem_free(rounded);
  return seed;
}

static bool adds_one(const Model *m, const char *parameter) {
  const Naming *naming = arch_naming(m->config.arch, "gguf");
  char stored[TENSOR_NAME_CAPACITY];
  for (int i = 0; naming && naming_stored(naming, parameter, i, stored); i++)
    if (naming_form(naming, stored, parameter) == FORM_PLUS_ONE) return true;
  return false;
}

/* A classifier has another output than the model of text that its adapter is over. */
static bool is_output(const Param *p) {
  static const char *const names[] = {"lm_head.", "embed_out.", CLASSIFIER_HEAD};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (!strncmp(p->name, names[i], strlen(names[i]))) return true;
  return false;
}

void adapter_base(const Model *m, char print[ADAPTER_PRINT]) {
  bool f16 = true, bf16 = true, adds = false; /* whether these types have all values exactly */
  uint64_t hash = 0, of_sums = 0;
  for (size_t i = 0; i < params_count(m->params); i++) {
    const Param *p = params_at(m->params, i);
    if (p->role != PARAM_VECTOR || is_output(p)) continue;
    const bool sum = adds_one(m, p->name);
    const int64_t count = tensor_count(&p->tensor);
    f16 = f16 && is_exact(TENSOR_F16, tensor_f32(&p->tensor), count);
    bf16 = bf16 && is_exact(TENSOR_BF16, tensor_f32(&p->tensor), count);
    adds |= sum;
    hash = hash_vector(p, 0, hash);
    of_sums = hash_vector(p, sum ? 1 : 0, of_sums);
  }
  const int length = snprintf(print, ADAPTER_PRINT, "%016" PRIx64, hash);
  if (adds) snprintf(print + length, ADAPTER_PRINT - (size_t)length, "-%016" PRIx64, of_sums);
  if (is_of_f16(f16, bf16)) *print = '\0';
}

/* Pieces of a matrix that are compared, and their size; a merged adapter changes all. */
enum { SAMPLES = 4, SAMPLE_BYTES = 1024 };

static uint64_t hash_rounded(const float *values, int64_t count, uint64_t seed, bool *f16, bool *bf16) {
  uint16_t rounded[SAMPLE_BYTES / sizeof *values];
  *f16 = *f16 && is_exact(TENSOR_F16, values, count);
  *bf16 = *bf16 && is_exact(TENSOR_BF16, values, count);
  type_narrow(TENSOR_BF16, rounded, values, count);
  return hash_bytes(rounded, (size_t)count * sizeof *rounded, seed);
}

static uint64_t hash_samples(const Tensor *t, uint64_t seed, bool *f16, bool *bf16) {
  const size_t size = tensor_bytes(t), step = size / SAMPLES / sizeof(float) * sizeof(float),
               each = step < SAMPLE_BYTES ? step : SAMPLE_BYTES;
  for (size_t at = 0, i = 0; i < SAMPLES; i++, at += step) {
    const char *bytes = (const char *)t->data + at;
    seed = t->type == TENSOR_F32 ? hash_rounded((const float *)(const void *)bytes,
                                                (int64_t)(each / sizeof(float)), seed, f16, bf16)
                                 : hash_bytes(bytes, each, seed);
  }
  return seed;
}

void adapter_base_matrices(const Model *m, char print[ADAPTER_PRINT]) {
  bool f16 = true, bf16 = true; /* as of vectors */
  uint64_t types = 0, values = 0;
  for (size_t i = 0; i < params_count(m->params); i++) {
    const Param *p = params_at(m->params, i);
    if (p->role == PARAM_VECTOR || is_output(p)) continue;
    types = hash_bytes(p->name, strlen(p->name), types ^ (uint64_t)p->tensor.type);
    values = hash_samples(&p->tensor, values, &f16, &bf16);
  }
  snprintf(print, ADAPTER_PRINT, "%016" PRIx64 "-%016" PRIx64, types, values);
  if (is_of_f16(f16, bf16)) *print = '\0';
}

/* Only models of the same types can be compared: a conversion changes every value. */
static bool other_matrices(const char *a, const char *b) {
  const size_t types = strcspn(a, "-");
  return *a && *b && !strncmp(a, b, types + 1) && strcmp(a, b);
}

/* Whether one of their hashes is the same. */
static bool same_base(const char *a, const char *b) {
  const char *more_a = strchr(a, '-'), *more_b = strchr(b, '-');
  return !strncmp(a, b, 16) || (more_a && more_b && !strcmp(more_a, more_b));
}

static bool check_matrices(const PeftAdapter *from, const Model *m, Error *err) {
  const json_t *base = json_object_get(from->card, "base");
  const char *trained = json_get_text(base, "matrices", "");
  char print[ADAPTER_PRINT];
  adapter_base_matrices(m, print);
  return !other_matrices(trained, print) ||
         fail(err,
              "%s: the adapter was trained over another model, %s: its norms and biases are those of this "
              "model, "
              "its matrices are not (fingerprint %s, of this model %s), as if it was tuned or merged since: "
              "use the "
              "model it was trained over",
              from->path, json_get_text(base, "model", ""), trained, print);
}

static bool check_base(const PeftAdapter *from, const Model *m, Error *err) {
  const char *trained = json_get_text(json_object_get(from->card, "base"), "vectors", "");
  char print[ADAPTER_PRINT];
  adapter_base(m, print);
  return !*trained || !*print || same_base(trained, print) ||
         fail(err,
              "%s: the adapter was trained over another model, %s: its norms and biases have the fingerprint "
              "%s, those of "
              "this model %s",
              from->path, json_get_text(json_object_get(from->card, "base"), "model", ""), trained, print);
}

/* ---- checking ---- */

static bool is_matrix(const Tensor *t, int64_t rows, int64_t columns) {
  return t->dims == 2 && t->type != TENSOR_I32 && t->shape[0] == rows && t->shape[1] == columns && rows > 0 &&
         columns > 0;
}

static bool is_finite(const Tensor *t) {
  return type_finite(t->type, t->data, tensor_count(t));
}

/* `any`: a pair of the layer of rank 1. */
static bool check_pair(const PeftAdapter *from, const char *layer, Pair any, Error *err) {
  const Pair p = pair_stored(from, layer);
  if (!p.a) return fail(err, "%s: the layer \"%s\" has only one of lora_A and lora_B", from->path, layer);
  const int64_t rank = p.a->dims == 2 ? p.a->shape[0] : 0;
  if (!is_matrix(p.a, rank, any.a->shape[1]) || !is_matrix(p.b, any.b->shape[0], rank))
    return fail(err,
                "%s: lora_A and lora_B of \"%s\" have other shapes than the layer, which maps %" PRId64
                " to %" PRId64 " values: the adapter is of another model",
                from->path, layer, any.a->shape[1], any.b->shape[0]);
  if (!peft_has_rank(from, rank))
    return fail(err,
                "%s/" PEFT_CONFIG ": \"r\" is not %" PRId64
                ", the rank of the tensors of \"%s\": one of both is of "
                "another adapter",
                from->path, rank, layer);
  return (is_finite(p.a) && is_finite(p.b)) ||
         fail(err, "%s: lora_A or lora_B of \"%s\" has values that are not finite: the file is damaged",
              from->path, layer);
}

static bool is_head(const char *name) {
  char head[ADAPTER_NAME];
  return !strcmp(name, adapter_whole_name(head, CLASSIFIER_HEAD));
}

static bool check_name(const NamedTensor *t, const Params *all, Error *err) {
  char layer[ADAPTER_NAME];
  AdapterSide side;
  if (is_head(t->name)) return true; /* a tensor of the source */
  if (!adapter_layer(t->name, &side, layer))
    return fail(err, "%s: tensor \"%s\" is not supported: only lora_A and lora_B of linear layers are",
                t->file, t->name);
  return pair_in(all, layer).a ||
         fail(err, "%s: the model has no linear layer \"%s\": the adapter is of another model", t->file,
              layer);
}

static bool check(const PeftAdapter *from, const Params *all, Error *err) {
  const TensorSet *set = &from->tensors;
  char layer[ADAPTER_NAME];
  AdapterSide side;
  for (size_t i = 0; i < set->count; i++)
    if (!check_name(&set->items[i], all, err)) return false;
  for (size_t i = 0; i < set->count; i++) {
    if (!adapter_layer(set->items[i].name, &side, layer)) continue;
    if (side == ADAPTER_B && pair_stored(from, layer).a) continue; /* checked with its A */
    if (!check_pair(from, layer, pair_in(all, layer), err)) return false;
  }
  return set->count || fail(err, "%s: the adapter has no tensors", set->path);
}

/* ---- applying ---- */

static int64_t rank_of(Pair p) {
  return p.a ? p.a->shape[0] : 0;
}

/* Columns first .. of B [out,rank], from a pair, times `factor`. */
static void put_columns(float *b, int64_t rank, int64_t first, const Tensor *from, double factor) {
  const int64_t out = from->shape[0], each = from->shape[1];
  float *values = mem_alloc((size_t)(out * each) * sizeof *values);
  tensor_to_f32(values, from);
  for (int64_t o = 0; o < out; o++)
    for (int64_t r = 0; r < each; r++)
      b[o * rank + first + r] = (float)(factor * (double)values[o * each + r]);
  mem_free(values);
}

/* The matrices of a layer, of a set that is being made: those of `old`, then the stored ones. */
typedef struct Stacking {
  Params *to;
  const Params *old; /* NULL: none */
  const PeftAdapter *from;
  double weight;
} Stacking;

static Pair pair_before(const Stacking *s, const char *layer) {
  return s->old ? pair_in(s->old, layer) : (Pair){NULL, NULL};
}

static void stack(const Stacking *s, const char *layer) {
  const Pair old = pair_before(s, layer), new = pair_stored(s->from, layer);
  char name[ADAPTER_NAME];
  const int64_t before = rank_of(old), rank = before + rank_of(new);
  float *a = params_alloc(s->to, params_find(s->to, adapter_name(name, layer, ADAPTER_A))),
        *b = params_alloc(s->to, params_find(s->to, adapter_name(name, layer, ADAPTER_B)));
  if (old.a) {
    tensor_to_f32(a, old.a);
    put_columns(b, rank, 0, old.b, 1);
  }
  if (!new.a) return;
  tensor_to_f32(a + before * new.a->shape[1], new.a);
  put_columns(b, rank, before, new.b, s->weight * peft_scale(s->from, layer, rank_of(new)));
}

/* Calls `each` for every layer of the set `all` that has an adapter, old or stored. */
static void for_layers(const Stacking *s, Params *all, void (*each)(const Stacking *, const char *layer)) {
  char layer[ADAPTER_NAME];
  AdapterSide side;
  for (size_t i = 0; i < params_count(all); i++) {
    CHECK(adapter_layer(params_at(all, i)->name, &side, layer));
    if (side == ADAPTER_A && (pair_stored(s->from, layer).a || pair_before(s, layer).a)) each(s, layer);
  }
}

static void declare(const Stacking *s, const char *layer) {
  const Pair old = pair_before(s, layer), new = pair_stored(s->from, layer);
  const Pair any = old.a ? old : new;
  const int64_t rank = rank_of(old) + rank_of(new);
  const Init none = {INIT_ZERO, 0};
  char name[ADAPTER_NAME];
  params_declare(s->to, adapter_name(name, layer, ADAPTER_A), 2, (int64_t[]){rank, any.a->shape[1]}, none,
                 PARAM_MATRIX);
  params_declare(s->to, adapter_name(name, layer, ADAPTER_B), 2, (int64_t[]){any.b->shape[0], rank}, none,
                 PARAM_MATRIX);
}

static Params *stacked(const Model *m, const PeftAdapter *from, double weight, Params *all) {
  const Stacking s = {params_new_frozen(), m->tuning.adapter.present ? m->learned : NULL, from, weight};
  for_layers(&s, all, declare);
  params_close(s.to);
  for_layers(&s, all, stack);
  return s.to;
}

static bool all_finite(Params *params) {
  for (size_t i = 0; i < params_count(params); i++)
    if (!is_finite(&params_at(params, i)->tensor)) return false;
  return true;
}

static bool apply(Model *m, const PeftAdapter *from, double weight, Error *err) {
  Model *all = model_adapted_everywhere(&m->config);
  const bool ok = check(from, all->learned, err) && check_base(from, m, err) && check_matrices(from, m, err);
  Params *set = ok ? stacked(m, from, weight, all->learned) : NULL;
  model_free(all);
  if (!set) return false;
  if (!all_finite(set)) {
    params_free(set);
    return fail(err, "%s: times its alpha and weight, the adapter has values that are not finite",
                from->path);
  }
  model_adapt(m, set);
  return true;
}

bool adapter_apply(Model *m, const PeftAdapter *from, double weight, Error *err) {
  Arena *arena = arena_new(0);
  PeftAdapter plain;
  const bool ok = adapter_plain(from, m, arena, &plain, err) && apply(m, &plain, weight, err);
  json_decref(plain.configuration);
  arena_free(arena);
  return ok;
}

/* ---- merging ---- */

/* W += B A, or, of weights that are stored [in,out], (B A)^T. */
static void merge_layer(Params *params, Param *weight, Pair p) {
  const int64_t in = p.a->shape[1], out = p.b->shape[0], rank = rank_of(p);
  const Tensor stored = weight->tensor;
  weight->tensor.type = TENSOR_F32;
  weight->merged = true;
  float *w = params_alloc(params, weight);
  tensor_to_f32(w, &stored);
  if (weight->role == PARAM_TRANSPOSED)
    gemm(true, true, in, out, rank, tensor_f32(p.a), in, tensor_f32(p.b), rank, 1, w, out);
  else
    gemm(false, false, out, in, rank, tensor_f32(p.b), rank, tensor_f32(p.a), in, 1, w, in);
}

void adapter_merge(Model *m) {
  char layer[ADAPTER_NAME], weight[ADAPTER_NAME + 8];
  AdapterSide side;
  if (!m->tuning.adapter.present) return;
  for (size_t i = 0; i < params_count(m->learned); i++) {
    CHECK(adapter_layer(params_at(m->learned, i)->name, &side, layer));
    if (side != ADAPTER_A) continue;
    snprintf(weight, sizeof weight, "%s.weight", layer);
    merge_layer(m->params, params_find(m->params, weight), pair_in(m->learned, layer));
  }
  model_adapt(m, NULL);
}

/* ---- describing ---- */

static const char *last_part(const char *layer) {
  const char *dot = strrchr(layer, '.');
  return dot ? dot + 1 : layer;
}

static bool has_text(const json_t *list, const char *text) {
  for (size_t i = 0; i < json_array_size(list); i++)
    if (!strcmp(json_string_value(json_array_get(list, i)), text)) return true;
  return false;
}

/* The layers of a set, or their last parts, each once. */
static json_t *layers_of(Params *params, bool whole) {
  json_t *list = json_array();
  char layer[ADAPTER_NAME];
  AdapterSide side;
  for (size_t i = 0; i < params_count(params); i++) {
    if (!adapter_layer(params_at(params, i)->name, &side, layer)) continue;
    const char *name = whole ? layer : last_part(layer);
    if (!has_text(list, name)) json_push(list, json_string(name));
  }
  return list;
}

/* PEFT adapts every layer whose name ends so: last parts suffice if they name no other. */
static json_t *targets_of(const Model *m) {
  Model *all = model_adapted_everywhere(&m->config);
  json_t *ends = layers_of(m->learned, false), *layers = layers_of(all->learned, true);
  size_t named = 0;
  for (size_t i = 0; i < json_array_size(layers); i++)
    named += has_text(ends, last_part(json_string_value(json_array_get(layers, i))));
  json_decref(layers);
  model_free(all);
  if (2 * named == params_count(m->learned) - (m->config.labels > 0)) return ends;
  json_decref(ends);
  return layers_of(m->learned, true);
}

static bool is_transposed(const Model *m) {
  for (size_t i = 0; i < params_count(m->params); i++)
    if (params_at(m->params, i)->role == PARAM_TRANSPOSED) return true;
  return false;
}

bool adapter_write_config(const char *directory, const Config *config, const Adapter *a, const char *base,
                          double alpha, bool rslora, Error *err) {
  Model *m = model_described(config, &(Tuning){.adapter = *a});
  char path[PATH_CAPACITY];
  json_t *targets = targets_of(m);
  const PeftSettings settings = {.base = path_whole(path, base), /* or the name of a downloaded model */
                                 .rank = a->rank,
                                 .alpha = alpha,
                                 .dropout = (double)a->dropout,
                                 .rslora = rslora,
                                 .transposed = is_transposed(m),
                                 .encodes = config->arch->encodes,
                                 .labels = config->labels,
                                 .targets = targets};
  const bool ok = peft_write_config(directory, &settings, err);
  json_decref(targets);
  model_free(m);
  return ok;
}
