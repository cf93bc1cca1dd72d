#include "run/adapter_forms.h"

#include <stdio.h>
#include <string.h>

#include "base/language.h"
#include "io/gguf_model.h"
#include "run/forms.h"
#include "run/weights.h"

static const char *const sides[] = {[ADAPTER_A] = ".lora_a", [ADAPTER_B] = ".lora_b"};

/* ---- reading ---- */

/* The name of the base's tensor that a matrix belongs to; false: it is no such matrix. */
static bool split_name(const char *name, char base[TENSOR_NAME_CAPACITY], AdapterSide *side) {
  const size_t length = strlen(name), tail = strlen(sides[ADAPTER_A]);
  if (length <= tail || length >= TENSOR_NAME_CAPACITY) return false;
  for (int s = ADAPTER_A; s <= ADAPTER_B; s++)
    if (!strcmp(name + length - tail, sides[s])) {
      *side = (AdapterSide)s;
      snprintf(base, TENSOR_NAME_CAPACITY, "%.*s", (int)(length - tail), name);
      return true;
    }
  return false;
}

/* "model.layers.0.mlp.up_proj" of its weight; false: the parameter is no weight of a layer. */
static bool layer_of(const Param *weight, char layer[ADAPTER_NAME]) {
  const size_t length = strlen(weight->name), tail = strlen(".weight");
  if (length <= tail || length >= ADAPTER_NAME || strcmp(weight->name + length - tail, ".weight"))
    return false;
  snprintf(layer, ADAPTER_NAME, "%.*s", (int)(length - tail), weight->name);
  return true;
}

/* What moves a weight's rows moves those of its B; A has the order of the columns, which no format changes.
 */
static bool moves_rows(TensorForm form) {
  return form == FORM_PAIRS || form == FORM_UNGROUPED;
}

/* B [out,r] in another order of rows; one of another shape is left as it is, and refused later. */
static Tensor in_order(TensorForm form, bool undo, const Tensor *b, const Param *weight, const Config *c,
                       Arena *arena) {
  Tensor moved = *b;
  if (!moves_rows(form) || b->dims != 2 || b->shape[0] != weight->tensor.shape[0]) return moved;
  moved.data = arena_alloc(arena, tensor_bytes(b));
  form_change(form, undo, b, c, &moved);
  return moved;
}

/* An adapter that is being renamed. */
typedef struct Renaming {
  const PeftAdapter *from;
  const Model *model;
  const Naming *naming;
  Arena *arena;
  json_t *alphas; /* by layer, of an adapter whose change is not scaled; else NULL */
} Renaming;

static bool rename_one(const Renaming *r, const NamedTensor *stored, NamedTensor *out, Error *err) {
  char base[TENSOR_NAME_CAPACITY], layer[ADAPTER_NAME], name[ADAPTER_NAME];
  AdapterSide side;
  const Param *weight =
      split_name(stored->name, base, &side) ? weights_param(r->naming, r->model->params, base) : NULL;
  if (!weight || !layer_of(weight, layer))
    return fail(err, "%s: the model has no linear layer for tensor \"%s\": the adapter is of another model",
                stored->file, stored->name);
  *out = *stored;
  adapter_name(name, layer, side);
  out->name = arena_strndup(r->arena, name, strlen(name));
  if (side == ADAPTER_B)
    out->tensor = in_order(naming_form(r->naming, base, weight->name), true, &stored->tensor, weight,
                           &r->model->config, r->arena);
  if (r->alphas && side == ADAPTER_A && stored->tensor.dims == 2)
    json_put(r->alphas, layer, json_integer(stored->tensor.shape[0]));
  return true;
}

static bool rename_all(const Renaming *r, TensorSet *out, Error *err) {
  const TensorSet *from = &r->from->tensors;
  *out = (TensorSet){.count = from->count, .path = from->path};
  out->items = arena_alloc(r->arena, (from->count + 1) * sizeof *out->items);
  for (size_t i = 0; i < from->count; i++)
    if (!rename_one(r, &from->items[i], &out->items[i], err)) return false;
  tensors_sort(out);
  for (size_t i = 1; i < out->count; i++)
    if (!strcmp(out->items[i].name, out->items[i - 1].name))
      return fail(err, "%s: two tensors are \"%s\": the file is damaged", out->items[i].file,
                  out->items[i].name);
  return true;
}

static bool check_architecture(const PeftAdapter *from, const Model *m, Error *err) {
  json_t *config = config_json(&m->config);
  const char *of = json_get_text(from->configuration, "architecture", ""),
             *here = gguf_architecture(config, err);
  const bool ok = here && (!strcmp(of, here) ||
                           fail(err, "%s: the adapter is of a model of the architecture \"%s\", not \"%s\"",
                                from->path, of, here));
  json_decref(config);
  return ok;
}

bool adapter_plain(const PeftAdapter *from, const Model *m, Arena *arena, PeftAdapter *plain, Error *err) {
  *plain = *from;
  plain->configuration = from->names ? json_copy(from->configuration) : json_incref(from->configuration);
  if (!from->names) return true;
  Renaming r = {from, m, arch_naming(m->config.arch, from->names), arena, NULL};
  if (!check_architecture(from, m, err)) return false;
  if (!json_object_get(from->configuration, "lora_alpha")) r.alphas = json_object();
  plain->names = NULL;
  const bool ok = rename_all(&r, &plain->tensors, err);
  if (r.alphas) json_put(plain->configuration, "alpha_pattern", r.alphas);
  return ok;
}

/* ---- writing ---- */

/* The matrices as they are written, in f32, which the items point to. */
typedef struct Writing {
  const Model *model;
  const Naming *naming;
  TensorType type;
  Arena *arena;
} Writing;

static bool describe(const Writing *w, const Param *p, NamedTensor *item, Error *err) {
  char layer[ADAPTER_NAME], name[ADAPTER_NAME + 8], stored[TENSOR_NAME_CAPACITY];
  AdapterSide side;
  CHECK(adapter_layer(p->name, &side, layer));
  snprintf(name, sizeof name, "%s.weight", layer);
  const Param *weight = params_find(w->model->params, name);
  if (!weights_name(w->naming, w->model->params, weight, stored, err)) return false;
  Tensor *values = arena_new_of(w->arena, Tensor);
  *values = side == ADAPTER_A ? p->tensor
                              : in_order(naming_form(w->naming, stored, weight->name), false, &p->tensor,
                                         weight, &w->model->config, w->arena);
  *item = (NamedTensor){
      .name = arena_printf(w->arena, "%s%s", stored, sides[side]), .tensor = p->tensor, .from = values};
  item->tensor.type = w->type;
  item->tensor.data = NULL;
  return true;
}

/* Of what the adapter was trained for, and over. */
static json_t *card_of(const Bundle *b) {
  json_t *card = bundle_portable_card(b), *base = json_object(), *trained = json_object_get(b->card, "base");
  static const char *const kept[] = {"model", "vectors", "matrices"};
  for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
    if (json_object_get(trained, kept[i])) json_share(base, kept[i], json_object_get(trained, kept[i]));
  if (json_object_size(base))
    json_put(card, "base", base);
  else
    json_decref(base);
  return card;
}

static bool save(const Bundle *b, const Writing *w, const SourceFormat *format, const char *path,
                 const Exported *out, Error *err) {
  json_t *configuration = config_json(&w->model->config), *card = card_of(b);
  const AdapterFile file = {
      .configuration = configuration,
      .card = card,
      .licence = b->source.licence,
      .base = json_get_text(b->source.adapter->configuration, "base_model_name_or_path", ""),
      .items = out->items,
      .count = out->count,
      .create = out->create};
  const bool ok = format->save_adapter(path, &file, err);
  json_decref(configuration);
  json_decref(card);
  return ok;
}

static bool check_type(const char *type, Error *err) {
  return !type || !*type || (strcmp(type, "q4_k_m") && type_info(type_named(type))->block == 1) ||
         fail_usage(err, "--type %s: adapters are stored as f32, f16 or bf16", type);
}

bool adapter_export(const Bundle *b, const SourceFormat *format, const char *path, const char *type,
                    Exported *out, Error *err) {
  const Model *m = b->model;
  Params *set = m->learned;
  Writing w = {m, arch_naming(m->config.arch, format->name), TENSOR_F32, NULL};
  if (!check_type(type, err)) return false;
  if (b->labels.count)
    return fail(err,
                "%s: the adapter has a head for labels, which files of the format \"%s\" have no place for",
                b->source.path, format->name);
  if (!w.naming || !format->save_adapter)
    return fail(err, "%s: adapters of models of the kind %s are not written as files of the format \"%s\"",
                b->source.path, m->config.arch->name, format->name);
  if (type && *type) w.type = type_named(type);
  w.arena = arena_new(0);
  out->items = mem_alloc_zeroed(params_count(set) + 1, sizeof *out->items);
  bool ok = true;
  for (; ok && out->count < params_count(set); out->count++)
    ok = describe(&w, params_at(set, out->count), &out->items[out->count], err);
  ok = ok && save(b, &w, format, path, out, err);
  for (size_t i = 0; i < out->count; i++) out->items[i].name = NULL, out->items[i].from = NULL;
  arena_free(w.arena);
  return ok;
}
