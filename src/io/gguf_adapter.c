/* gguf_adapter.c - a GGUF file with an adapter, as llama.cpp applies it (--lora): its metadata in the terms
 * of adapter_config.json, and back. Its tensors are <the base's tensor>.lora_a [r,in] and .lora_b [out,r]. */
#include <string.h>

#include "base/language.h"
#include "io/gguf_model.h"

/* Texts for people, or read here. */
static const char *const known[] = {"adapter.type", "adapter.lora.alpha", "adapter.lora.task_name",
                                    "adapter.lora.prompt_prefix"};

static bool is_known(const char *key) {
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (!strcmp(key, known[i])) return true;
  return false;
}

static bool check_keys(const Gguf *g, Error *err) {
  for (size_t i = 0; i < g->count; i++)
    if (!strncmp(g->values[i].key, "adapter.", 8) && !is_known(g->values[i].key))
      return fail(err, "%s: \"%s\" is not supported", g->path, g->values[i].key);
  return true;
}

bool gguf_is_adapter(const Gguf *g) {
  const char *type = NULL;
  return gguf_get_text(g, "general.type", &type, NULL) && type && !strcmp(type, "adapter");
}

/* An alpha of 0 means a factor of 1. */
static bool read_alpha(const Gguf *g, json_t *configuration, Error *err) {
  double alpha = 0;
  if (!gguf_get_real(g, "adapter.lora.alpha", &alpha, err)) return false;
  if (alpha != 0) json_put(configuration, "lora_alpha", json_real(alpha));
  return true;
}

bool gguf_adapter(const Gguf *g, json_t **configuration, json_t **card, Error *err) {
  const char *type = NULL, *base = NULL, *architecture = NULL;
  *card = NULL;
  *configuration = json_object();
  if (!gguf_is_adapter(g)) return fail_usage(err, "%s: is a model, not an adapter", g->path);
  if (!gguf_get_text(g, "adapter.type", &type, err) ||
      !gguf_get_text(g, "general.architecture", &architecture, err) ||
      !gguf_get_text(g, "general.base_model.0.name", &base, err) || !check_keys(g, err))
    return false;
  if (!type || strcmp(type, "lora"))
    return fail(err, "%s: adapters of type \"%s\" are not supported, only lora", g->path, type ? type : "");
  if (!architecture) return fail_damaged(err, "%s: \"general.architecture\" is missing", g->path);
  json_put(*configuration, "architecture", json_string(architecture));
  if (base) json_put(*configuration, "base_model_name_or_path", json_string(base));
  return read_alpha(g, *configuration, err) && gguf_get_json(g, GGUF_CARD, card, err);
}

bool gguf_put_adapter(GgufValues *v, const json_t *base, const char *base_name, const json_t *card,
                      Error *err) {
  const char *architecture = gguf_architecture(base, err);
  if (!architecture) return false;
  gguf_put_text(v, "general.architecture", architecture, strlen(architecture));
  gguf_put_text(v, "general.type", "adapter", strlen("adapter"));
  gguf_put_text(v, "adapter.type", "lora", strlen("lora"));
  gguf_put_real(v, "adapter.lora.alpha", 0);
  gguf_put_int(v, "general.base_model.count", 1);
  gguf_put_text(v, "general.base_model.0.name", base_name, strlen(base_name));
  gguf_put_json(v, GGUF_CARD, card);
  return true;
}
