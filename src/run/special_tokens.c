#include "run/special_tokens.h"

#include <inttypes.h>

#include "base/file.h"
#include "data/layout.h"

static bool offer(Tokenizer *t, const char *directory, const char *name, Error *err) {
  char path[PATH_ROOM];
  TokenSet ends;
  path_join(path, directory, name);
  if (!file_exists(path)) return true;
  json_t *json = json_read(path, err);
  const bool ok = json && config_read_tokens(json, "eos_token_id", &ends, path, err);
  if (ok && ends.count) tokenizer_offer_end(t, ends.ids[0]);
  json_decref(json);
  return ok;
}

bool special_tokens_offer(Tokenizer *t, const char *directory, Error *err) {
  return offer(t, directory, "generation_config.json", err) && offer(t, directory, "config.json", err);
}

bool special_tokens_settle(Config *c, const json_t *generation, const Tokenizer *t, Error *err) {
  TokenSet ends;
  if (!config_read_tokens(generation, "eos_token_id", &ends, "generation_config.json", err)) return false;
  for (int32_t i = 0; i < ends.count; i++)
    if (ends.ids[i] >= c->vocabulary)
      return fail(err, "generation_config.json: the end token %" PRId32 " is not in the vocabulary",
                  ends.ids[i]);
  if (ends.count) c->ends = ends;
  if (!c->ends.count) token_set_add(&c->ends, tokenizer_end(t));
  return true;
}

json_t *special_tokens_describe(const Config *c, const Tokenizer *t, int32_t begin) {
  json_t *json = json_object(), *ends = json_array();
  const char *name = tokenizer_name(t, begin), *remark = tokenizer_remark(t);
  if (name) json_put(json, "begin", json_string(name));
  for (int32_t i = 0; i < c->ends.count; i++)
    if ((name = tokenizer_name(t, c->ends.ids[i]))) json_push(ends, json_string(name));
  json_put(json, "ends", ends);
  if ((name = tokenizer_name(t, (int32_t)c->pad))) json_put(json, "padding", json_string(name));
  if (remark) json_put(json, "remark", json_string(remark));
  return json;
}

/* ---- writing ---- */

static void put_name(json_t *json, const char *key, const Tokenizer *t, int64_t id) {
  const char *name = tokenizer_name(t, (int32_t)id);
  if (name) json_put(json, key, json_string(name));
}

static void put_names(json_t *json, const Config *c, const Tokenizer *t) {
  const int32_t end = tokenizer_end(t);
  put_name(json, "eos_token", t, end);
  put_name(json, "pad_token", t, c->pad >= 0 ? c->pad : end);
  if (tokenizer_begin(t) >= 0)
    put_name(json, "bos_token", t, tokenizer_begin(t));
  else if (tokenizer_is_special(t, (int32_t)c->bos))
    put_name(json, "bos_token", t, c->bos); /* templates of conversations speak of it */
  put_name(json, "unk_token", t, tokenizer_unknown(t));
}

/* In tokenizer_config.json or, as transformers 5 has it, a file of its own, which goes before. */
static bool keep_template(json_t *json, const char *from, Error *err) {
  char path[PATH_ROOM];
  FileView file;
  if (file_exists(path_join(path, from, "chat_template.jinja"))) {
    if (!file_view(path, &file, err)) return false;
    json_t *text = json_stringn(file.data, file.size);
    file_view_close(&file);
    if (!text) return fail(err, "%s: not UTF-8", path);
    json_put(json, "chat_template", text);
    return true;
  }
  if (!file_exists(path_join(path, from, "tokenizer_config.json"))) return true;
  json_t *base = json_read(path, err);
  json_t *template = json_object_get(base, "chat_template");
  if (template) json_share(json, "chat_template", template);
  json_decref(base);
  return base != NULL;
}

bool special_tokens_write(const char *directory, const Config *c, const Tokenizer *t, const Task *task,
                          const char *from, Error *err) {
  char path[PATH_ROOM];
  json_t *json = json_build("{s:s, s:b, s:I}", "tokenizer_class", "PreTrainedTokenizerFast",
                            "clean_up_tokenization_spaces", 0, "model_max_length", (json_int_t)c->context);
  put_names(json, c, t);
  if (task->chat) {
    char *template = layout_template(t);
    json_put(json, "chat_template", json_string(template));
    mem_free(template);
  }
  const bool kept = !from || task->chat || keep_template(json, from, err);
  const bool ok = kept && json_write(path_join(path, directory, "tokenizer_config.json"), json, err);
  json_decref(json);
  return ok;
}
