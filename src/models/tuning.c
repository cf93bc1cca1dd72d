/* tuning.c - checks what of a network is trained. */
#include <inttypes.h>

#include "base/patterns.h"
#include "models/model.h"

bool tuning_freezes(const Tuning *t) {
  return t->adapter.present || (t->freeze && *t->freeze);
}

static bool names_any(Params *params, const char *pattern) {
  for (size_t i = 0; i < params_count(params); i++)
    if (patterns_match(pattern, params_at(params, i)->name)) return true;
  return false;
}

/* Commas alone name nothing. */
static bool check_any(const char *flag, const char *patterns, Error *err) {
  char pattern[PATTERN_CAPACITY];
  return !patterns || !*patterns || patterns_at(patterns, 0, pattern) ||
         fail_usage(err, "--%s: \"%s\" has no pattern", flag, patterns);
}

static bool check_patterns(const char *patterns, Params *params, Error *err) {
  char pattern[PATTERN_CAPACITY];
  if (!check_any("freeze", patterns, err)) return false;
  for (int i = 0; patterns_at(patterns, i, pattern); i++)
    if (!names_any(params, pattern))
      return fail_usage(err, "--freeze: no parameter's name matches \"%s\": a name of this model is \"%s\"",
                        pattern, params_at(params, 0)->name);
  return true;
}

/* Frozen parameters are written with the others, as they are stored. */
static bool check_types(const Tuning *t, Error *err) {
  Params *base = (Params *)(uintptr_t)t->base;
  for (size_t i = 0; base && i < params_count(base); i++) {
    const Param *p = params_at(base, i);
    const TypeInfo *type = type_info(p->tensor.type);
    if (!type->safetensors && patterns_match(t->freeze, p->name))
      return fail_usage(
          err,
          "--freeze: \"%s\" is stored as %s, which a trained model cannot be: give a model in f32, bf16 or "
          "f16 (`inkstone convert`)",
          p->name, type->name);
  }
  return true;
}

static bool check_frozen(const Tuning *t, const Config *config, Error *err) {
  Model *m = model_outline(config);
  const bool ok = check_patterns(t->freeze, m->params, err) && check_types(t, err);
  model_free(m);
  if (!ok || model_cost(config, t, 1, 1, 1).learned) return ok;
  return fail_usage(err, "--freeze %s leaves nothing to train: give fewer patterns", t->freeze);
}

static bool names_layer(Params *all, const char *pattern) {
  char layer[ADAPTER_NAME];
  AdapterSide side;
  for (size_t i = 0; i < params_count(all); i++)
    if (adapter_layer(params_at(all, i)->name, &side, layer) && patterns_match(pattern, layer)) return true;
  return false;
}

static bool check_targets(const char *targets, Params *all, const char *arch, Error *err) {
  char pattern[PATTERN_CAPACITY], layer[ADAPTER_NAME];
  AdapterSide side;
  if (!check_any("target", targets, err)) return false;
  if (!params_count(all))
    return fail_usage(err, "--adapter: %s has no linear layers that an adapter could change", arch);
  CHECK(adapter_layer(params_at(all, 0)->name, &side, layer));
  for (int i = 0; patterns_at(targets, i, pattern); i++)
    if (!names_layer(all, pattern))
      return fail_usage(err, "--target: no linear layer's name matches \"%s\": one of this model is \"%s\"",
                        pattern, layer);
  return true;
}

/* With a larger rank an adapter has more parameters than the layer, and can change no more. */
static bool check_rank(const Adapter *a, Params *learned, Error *err) {
  char layer[ADAPTER_NAME];
  AdapterSide side;
  for (size_t i = 0; i < params_count(learned); i++) {
    const Param *p = params_at(learned, i);
    if (!adapter_layer(p->name, &side, layer)) continue; /* a head */
    const int64_t width = p->tensor.shape[side == ADAPTER_A];
    if (a->rank > width)
      return fail_usage(
          err, "--rank %" PRId64 " is above the width of the layer \"%s\", %" PRId64 ": give a smaller one",
          a->rank, layer, width);
  }
  return true;
}

static bool check_adapter(const Tuning *t, const Config *config, Error *err) {
  Model *all = model_adapted_everywhere(config), *m = model_described(config, t);
  const bool ok = check_targets(t->adapter.targets, all->learned, config->arch->name, err) &&
                  check_rank(&t->adapter, m->learned, err);
  model_free(all);
  model_free(m);
  return ok;
}

bool tuning_check(const Tuning *t, const Config *config, Error *err) {
  if (t->adapter.present) return check_adapter(t, config, err);
  return !tuning_freezes(t) || check_frozen(t, config, err);
}
