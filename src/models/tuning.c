/* tuning.c - checks what of a network is trained. */
#include "base/patterns.h"
#include "models/model.h"

bool tuning_freezes(const Tuning *t) {
  return t->freeze && *t->freeze;
}

static bool names_any(Params *params, const char *pattern) {
  for (size_t i = 0; i < params_count(params); i++)
    if (patterns_match(pattern, params_at(params, i)->name)) return true;
  return false;
}

static bool check_patterns(const char *patterns, Params *params, Error *err) {
  char pattern[PATTERN_CAPACITY];
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

bool tuning_check(const Tuning *t, const Config *config, Error *err) {
  if (!tuning_freezes(t)) return true;
  Model *m = model_outline(config);
  const bool ok = check_patterns(t->freeze, m->params, err) && check_types(t, err);
  model_free(m);
  if (!ok || model_cost(config, t, 1, 1, 1).learned) return ok;
  return fail_usage(err, "--freeze %s leaves nothing to train: give fewer patterns", t->freeze);
}
