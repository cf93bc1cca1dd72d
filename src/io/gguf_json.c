/* gguf_json.c - JSON objects as texts under keys of Inkstone's, which llama.cpp ignores: files of a directory
 * for which GGUF has no keys. */
#include <string.h>

#include "io/gguf_model.h"

bool gguf_get_json(const Gguf *g, const char *key, json_t **object, Error *err) {
  const char *text = NULL;
  *object = NULL;
  if (!gguf_get_text(g, key, &text, err)) return false;
  json_t *json = text ? json_parse(text, strlen(text), key, err) : json_object();
  if (json_is_object(json)) {
    *object = json;
    return true;
  }
  if (json) fail_damaged(err, "%s: \"%s\" is not a JSON object", g->path, key);
  json_decref(json);
  return false;
}

void gguf_put_json(GgufValues *v, const char *key, const json_t *object) {
  if (!json_object_size(object)) return;
  char *text = json_text(object, JSON_COMPACT | JSON_SORT_KEYS);
  gguf_put_text(v, key, text, strlen(text));
  mem_free(text);
}
