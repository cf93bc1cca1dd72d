#include "run/export.h"

#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/language.h"
#include "run/forms.h"
#include "run/generation.h"

typedef struct Export {
  const Bundle *bundle;
  const Naming *naming;
  const char *wanted; /* NULL: as stored */
  TensorType finer;   /* of matrices that were merged, in place of blocks */
  Tensor changed;     /* of the item asked for last; data NULL: none */
} Export;

/* ---- types: as llama.cpp's llama-quantize chooses them ---- */

/* The layer in "blk.7.attn_v.weight". */
static int64_t layer_of(const char *name) {
  const char *number = strchr(name, '.');
  return number ? strtoll(number + 1, NULL, 10) : 0;
}

/* Layers in which errors cost most: the first and last eighth, and every third between. */
static bool deserves_more(int64_t layer, int64_t layers) {
  return layer < layers / 8 || layer >= 7 * layers / 8 || (layer - layers / 8) % 3 == 2;
}

static bool is_part(const char *name, const char *part) {
  return strstr(name, part) != NULL;
}

/* Of queries, keys and values in one matrix, the values decide. */
static TensorType mixed_type(const Export *e, const char *name, TensorType type) {
  const Config *c = &e->bundle->model->config;
  const int64_t layer = layer_of(name), layers = c->layers;
  const bool values = is_part(name, ".attn_v.") || is_part(name, ".attn_qkv."),
             down = is_part(name, ".ffn_down."), out = is_part(name, ".attn_output."),
             few = c->heads >= 4 * c->kv_heads;
  if (type == TENSOR_Q8_0 || type_info(type)->block == 1) return type;
  if (c->experts == 8 && (values || is_part(name, ".attn_k."))) return TENSOR_Q8_0;
  if (type_info(type)->block == 32 && type != TENSOR_IQ4_NL) return type;
  if (c->experts == 8 && out && type < TENSOR_Q5_K) return TENSOR_Q5_K;
  if (type == TENSOR_Q2_K) return values && few ? TENSOR_Q4_K : values || down || out ? TENSOR_Q3_K : type;
  if (type == TENSOR_Q3_K && (values || down))
    return layer < (values ? 2 : layers / 16) ? TENSOR_Q5_K : TENSOR_Q4_K;
  if (type == TENSOR_Q3_K) return out ? TENSOR_Q4_K : type;
  if (type == TENSOR_IQ4_NL) return (values && few) || (down && layer < layers / 8) ? TENSOR_Q5_K : type;
  return (values || down) && deserves_more(layer, layers) ? TENSOR_Q6_K : type;
}

/* A type whose blocks divide the rows. */
static TensorType fitting(TensorType type, int64_t columns) {
  static const TensorType smaller[TENSOR_WEIGHT_TYPES] = {[TENSOR_Q2_K] = TENSOR_Q4_0,
                                                          [TENSOR_Q3_K] = TENSOR_Q4_0,
                                                          [TENSOR_Q4_K] = TENSOR_Q5_0,
                                                          [TENSOR_Q5_K] = TENSOR_Q5_1,
                                                          [TENSOR_Q6_K] = TENSOR_Q8_0};
  if (columns % type_info(type)->block && smaller[type]) type = smaller[type];
  return columns % type_info(type)->block ? TENSOR_F16 : type;
}

/* Vectors, positions, routers and RWKV's narrow matrices are few and sensitive. */
static bool stays_exact(const char *name, const Param *p) {
  static const char *const parts[] = {"_norm.",     "ffn_gate_inp.", "position_embd.", "time_mix_w",
                                      "time_mix_a", "time_mix_g",    "time_mix_v1.",   "time_mix_v2."};
  bool exact = p->role == PARAM_VECTOR || p->tensor.dims < 2;
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) exact |= is_part(name, parts[i]);
  return exact;
}

/* Of what an adapter changed, and a base stores in blocks, whose steps may be coarser than the change. */
static bool needs_finer(const Export *e, const Param *p) {
  const Bundle *b = e->bundle;
  const Naming *naming = arch_naming(b->model->config.arch, b->source.names);
  return p->merged && type_info(weights_stored_type(&b->source.tensors, naming, p->name))->block > 1;
}

static bool fits_f16(const Param *p) {
  const int64_t count = tensor_count(&p->tensor);
  uint16_t *narrow = mem_alloc((size_t)count * sizeof *narrow);
  const bool fits = type_narrow(TENSOR_F16, narrow, tensor_f32(&p->tensor), count);
  mem_free(narrow);
  return fits;
}

/* One type for all of them: f16, unless it lacks the range. */
static void find_finer(Export *e, Exported *out) {
  Params *params = e->bundle->model->params;
  bool any = false, f16 = true;
  for (size_t i = 0; !e->wanted && i < params_count(params); i++) {
    const Param *p = params_at(params, i);
    if (!needs_finer(e, p)) continue;
    any = true;
    f16 = f16 && fits_f16(p);
  }
  e->finer = f16 ? TENSOR_F16 : TENSOR_F32;
  out->finer = any ? type_info(e->finer)->name : NULL;
}

/* The output matrix is the most sensitive of all. */
static TensorType type_for(const Export *e, const char *name, const Param *p) {
  const Bundle *b = e->bundle;
  const int64_t columns =
      form_shape(naming_form(e->naming, name, p->name), p->tensor).shape[p->tensor.dims - 1];
  if (stays_exact(name, p)) return TENSOR_F32;
  if (!e->wanted && needs_finer(e, p)) return e->finer;
  if (!e->wanted) {
    const Naming *naming = arch_naming(b->model->config.arch, b->source.names);
    const TensorType stored = weights_stored_type(&b->source.tensors, naming, p->name);
    return stored == TENSOR_I32 ? TENSOR_F32 : fitting(stored, columns);
  }
  const TensorType wanted = type_named(strcmp(e->wanted, "q4_k_m") ? e->wanted : "q4_k");
  TensorType type = mixed_type(e, name, wanted);
  const bool output =
      !strcmp(name, "output.weight") || (b->model->config.tied && !strcmp(name, "token_embd.weight"));
  if (output && type_info(wanted)->block > 1 && wanted != TENSOR_Q8_0) type = TENSOR_Q6_K;
  return fitting(type, columns);
}

/* ---- tensors ---- */

static bool list_items(const Export *e, Arena *names, Exported *out, Error *err) {
  Params *params = e->bundle->model->params;
  char name[TENSOR_NAME_CAPACITY];
  out->items = mem_alloc_zeroed(params_count(params) + 1, sizeof *out->items);
  for (; out->count < params_count(params); out->count++) {
    const Param *p = params_at(params, out->count);
    if (!weights_name(e->naming, params, p, name, err)) return false;
    NamedTensor *item = &out->items[out->count];
    *item = (NamedTensor){.name = arena_strndup(names, name, strlen(name)),
                          .tensor = form_shape(naming_form(e->naming, name, p->name), p->tensor),
                          .file = e->bundle->source.tensors.path,
                          .from = &p->tensor};
    item->tensor.type = type_for(e, name, p);
    item->tensor.data = NULL;
  }
  return true;
}

static const Tensor *values_of(void *self, const NamedTensor *item) {
  Export *e = self;
  const Param *p = weights_param(e->naming, e->bundle->model->params, item->name);
  const TensorForm form = naming_form(e->naming, item->name, p->name);
  mem_free(e->changed.data);
  e->changed = (Tensor){.data = NULL};
  if (form == FORM_SAME) return &p->tensor;
  Tensor changed = form_shape(form, p->tensor);
  changed.type = form_type(form, p->tensor.type);
  changed.data = mem_alloc(tensor_bytes(&changed));
  e->changed = changed;
  form_change(form, false, &p->tensor, &e->bundle->model->config, &e->changed);
  return &e->changed;
}

/* ---- the configuration ---- */

/* Equal, as far as numbers of f32 can say. */
static bool same_value(const json_t *a, const json_t *b) {
  if (json_is_number(a) && json_is_number(b)) {
    const double x = json_number_value(a), y = json_number_value(b);
    return fabs(x - y) <= 1e-6 * fabs(x);
  }
  if (!json_is_object(a) || !json_is_object(b) || json_object_size(a) != json_object_size(b))
    return json_equal(a, b);
  const char *key;
  json_t *x;
  json_object_foreach((json_t *)(uintptr_t)a, key,
                      x) if (!same_value(x, json_object_get(b, key))) return false;
  return true;
}

/* What is there without a key. */
static bool is_nothing(const json_t *x) {
  return !x || json_is_null(x) || json_is_false(x) || (json_is_number(x) && json_number_value(x) == 0);
}

/* A window that no text leaves. */
static bool is_wide(const Config *c, const char *key) {
  return c->window >= c->context && (!strcmp(key, "sliding_window") || !strcmp(key, "layer_types") ||
                                     !strcmp(key, "use_sliding_window") || !strcmp(key, "max_window_layers"));
}

/* The first key of `a` that is another in `b`; NULL: none. */
static const char *difference(const json_t *a, const json_t *b, const Config *c) {
  static const char *const free_keys[] = {"model_type", "architectures", "bos_token_id", "torch_dtype"};
  const char *key;
  json_t *x;
  json_object_foreach((json_t *)(uintptr_t)a, key, x) {
    const json_t *y = json_object_get(b, key);
    bool same = same_value(x, y) || (is_nothing(x) && is_nothing(y)) || is_wide(c, key);
    for (size_t i = 0; i < sizeof free_keys / sizeof *free_keys; i++) same |= !strcmp(key, free_keys[i]);
    if (!same) return key;
  }
  return NULL;
}

/* The file must be read as this model: what cannot be said is found so, whatever it is. */
static bool check(void *self, const json_t *as_read, Error *err) {
  const Export *e = self;
  const Config *c = &e->bundle->model->config;
  Config read;
  if (!config_from_json(&read, as_read, _("the file to be written"), err)) return false;
  json_t *ours = config_json(c), *theirs = config_json(&read);
  const char *key = difference(ours, theirs, c);
  if (!key) key = difference(theirs, ours, c);
  const bool ok = !key || fail(err,
                               "\"%s\" of this model cannot be said in a file of the format \"%s\": convert "
                               "to a directory instead",
                               key, e->naming->format);
  json_decref(ours);
  json_decref(theirs);
  return ok;
}

/* ---- the file ---- */

static bool save(Export *e, const SourceFormat *format, const char *path, const Exported *out, Error *err) {
  const Bundle *b = e->bundle;
  const Config *c = &b->model->config;
  const int32_t begin = bundle_begin(b);
  Buffer text = {0};
  json_t *template = NULL, *configuration = config_json(c), *generation = generation_portable(b),
         *card = bundle_portable_card(b);
  const bool ok =
      tokenizer_text(b->tokenizer, &text, err) && source_read_template(&b->source, &template, err);
  const ModelFile file = {.configuration = configuration,
                          .generation = generation,
                          .card = card,
                          .chat_template = template,
                          .licence = b->source.licence,
                          .tokenizer = text.data,
                          .tokenizer_length = text.length,
                          .vocabulary = c->vocabulary,
                          .begin = begin >= 0 ? begin : c->bos,
                          .add_begin = begin >= 0,
                          .create = out->create,
                          .unknown = tokenizer_unknown(b->tokenizer),
                          .items = out->items,
                          .count = out->count,
                          .self = e,
                          .values = values_of,
                          .check = check};
  const bool saved = ok && format->save(path, &file, err);
  json_decref(configuration);
  json_decref(generation);
  json_decref(card);
  json_decref(template);
  buffer_free(&text);
  return saved;
}

bool export_model(const Bundle *b, const SourceFormat *format, const char *path, const char *type,
                  Exported *out, Error *err) {
  const Config *c = &b->model->config;
  Export e = {
      .bundle = b, .naming = arch_naming(c->arch, format->name), .wanted = type && *type ? type : NULL};
  if (c->labels)
    return fail(
        err, "%s: labels texts, which files of the format \"%s\" cannot say: convert to a directory instead",
        b->source.path, format->name);
  if (!e.naming)
    return fail(err,
                "%s: models of the kind %s are not written as files of the format \"%s\": convert to a "
                "directory instead",
                b->source.path, c->arch->name, format->name);
  Arena *names = arena_new(0);
  find_finer(&e, out);
  const bool ok = list_items(&e, names, out, err) && save(&e, format, path, out, err);
  for (size_t i = 0; i < out->count; i++) out->items[i].name = NULL;
  mem_free(e.changed.data);
  arena_free(names);
  return ok;
}
