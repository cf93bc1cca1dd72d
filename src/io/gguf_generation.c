/* gguf_generation.c - generation_config.json of a GGUF file, and back: all of it under a key of Inkstone's,
 * and what llama.cpp knows of sampling under its keys, which files of other programs have. */
#include <string.h>

#include "io/gguf_model.h"

#define WHOLE    "inkstone.generation_config"
#define SAMPLING "general.sampling."

static const struct {
  const char *key, *name;
} sampling[] = {{SAMPLING "temp", "temperature"},
                {SAMPLING "top_k", "top_k"},
                {SAMPLING "top_p", "top_p"},
                {SAMPLING "min_p", "min_p"},
                {SAMPLING "penalty_repeat", "repetition_penalty"}};
enum { KEYS = sizeof sampling / sizeof *sampling };

/* ---- reading ---- */

/* A value that differs from that of the whole was changed by another program. The file has it in 32 bits. */
static bool read_sampling(const Gguf *g, json_t *generation, bool *any, Error *err) {
  for (int i = 0; i < KEYS; i++) {
    const GgufValue *v = gguf_find(g, sampling[i].key);
    const json_t *had = json_object_get(generation, sampling[i].name);
    double value = 0;
    if (!v) continue;
    if (!gguf_get_real(g, v->key, &value, err)) return false;
    *any = true;
    if (json_is_number(had) && (float)json_number_value(had) == (float)value) continue;
    json_put(generation, sampling[i].name,
             gguf_is_int(v) ? json_integer(value > 0 ? gguf_int_at(v, 0) : 0) : json_real(value));
  }
  return true;
}

/* llama.cpp samples unless the temperature is 0. */
static void choose_sampling(json_t *generation) {
  const json_t *heat = json_object_get(generation, "temperature");
  const bool cold = json_is_number(heat) && json_number_value(heat) <= 0;
  if (cold) json_object_del(generation, "temperature");
  if (cold || !json_object_get(generation, "do_sample"))
    json_put(generation, "do_sample", json_boolean(!cold));
}

/* Token ids have their own keys. */
static const char *const tokens[] = {"bos_token_id", "eos_token_id", "pad_token_id"};
enum { TOKENS = sizeof tokens / sizeof *tokens };

bool gguf_generation(const Gguf *g, const json_t *config, json_t **out, Error *err) {
  json_t *generation = NULL;
  bool any = false;
  const bool ok = gguf_get_json(g, WHOLE, &generation, err) && read_sampling(g, generation, &any, err);
  if (ok && any) choose_sampling(generation);
  for (int i = 0; ok && i < TOKENS; i++) {
    json_t *id = json_object_get(config, tokens[i]);
    if (id && !json_is_null(id)) json_share(generation, tokens[i], id);
  }
  *out = ok && (any || gguf_find(g, WHOLE)) ? json_incref(generation) : NULL;
  json_decref(generation);
  return ok;
}

/* ---- writing ---- */

void gguf_put_generation(GgufValues *v, const json_t *generation) {
  json_t *whole = json_deep_copy(generation);
  for (int i = 0; i < TOKENS; i++) json_object_del(whole, tokens[i]);
  gguf_put_json(v, WHOLE, whole);
  for (int i = 0; i < KEYS && json_is_true(json_object_get(whole, "do_sample")); i++) {
    const json_t *value = json_object_get(whole, sampling[i].name);
    if (json_is_integer(value)) gguf_put_int(v, sampling[i].key, json_integer_value(value));
    if (json_is_real(value)) gguf_put_real(v, sampling[i].key, json_real_value(value));
  }
  json_decref(whole);
}
