#include "run/special_tokens.h"

#include <inttypes.h>

#include "base/file.h"
#include "data/layout.h"

static bool offer(Tokenizer *t, const json_t *json, const char *where, Error *err) {
  TokenSet ends;
  if (!json) return true;
  if (!config_read_tokens(json, "eos_token_id", &ends, where, err)) return false;
  if (ends.count) tokenizer_offer_end(t, ends.ids[0]);
  return true;
}

bool special_tokens_offer(Tokenizer *t, const ModelSource *source, Error *err) {
  return offer(t, source->generation, source->generation_at, err) &&
         offer(t, source->configuration, source->configuration_at, err);
}

bool special_tokens_settle(Config *c, const json_t *generation, const Tokenizer *t, Error *err) {
  TokenSet ends;
  if (!config_read_tokens(generation, "eos_token_id", &ends, "generation_config.json", err)) return false;
  for (int32_t i = 0; i < ends.count; i++)
    if (ends.ids[i] >= c->vocabulary)
      return fail(err, "generation_config.json: the end token %" PRId32 " is not an id of the vocabulary",
                  ends.ids[i]);
  if (ends.count) c->ends = ends;
  if (!c->ends.count) token_set_add(&c->ends, tokenizer_end(t));
  return true;
}

json_t *special_tokens_describe(const Config *c, const Tokenizer *t, int32_t begin, int32_t opening) {
  json_t *json = json_object(), *ends = json_array();
  const char *name = tokenizer_name(t, begin), *remark = tokenizer_remark(t);
  if (name) json_put(json, "begin", json_string(name));
  if ((name = tokenizer_name(t, opening))) json_put(json, "opening", json_string(name));
  for (int32_t i = 0; i < c->ends.count; i++)
    if ((name = tokenizer_name(t, c->ends.ids[i]))) json_push(ends, json_string(name));
  json_put(json, "ends", ends);
  const Ids *behind = tokenizer_behind(t);
  if (behind->count && !c->arch->encodes) /* a prompt that ended so would not be continued */
    json_put(json, "left_out_after_prompts", json_string(tokenizer_name(t, behind->data[0])));
  if ((name = tokenizer_name(t, (int32_t)c->pad))) json_put(json, "padding", json_string(name));
  if (remark) json_put(json, "remark", json_string(remark));
  return json;
}

/* ---- writing ---- */

/* Unless the object has the key. */
static void put_name(json_t *json, const char *key, const Tokenizer *t, int64_t id) {
  const char *name = tokenizer_name(t, (int32_t)id);
  if (name && !json_object_get(json, key)) json_put(json, key, json_string(name));
}

static void put_names(json_t *json, const Config *c, const Tokenizer *t) {
  const int32_t end = tokenizer_end(t);
  put_name(json, "eos_token", t, end);
  put_name(json, "pad_token", t, c->pad >= 0 ? c->pad : end);
  if (tokenizer_begin(t) >= 0)
    put_name(json, "bos_token", t, tokenizer_begin(t));
  else if (tokenizer_is_special(t, (int32_t)c->bos))
    put_name(json, "bos_token", t, c->bos); /* chat templates refer to it */
  put_name(json, "unk_token", t, tokenizer_unknown(t));
}

static json_t *new_config(const Config *c) {
  return json_build("{s:s, s:b, s:I}", "tokenizer_class", "PreTrainedTokenizerFast",
                    "clean_up_tokenization_spaces", 0, "model_max_length", (json_int_t)c->context);
}

json_t *special_tokens_kept(const Config *c, const Tokenizer *t, const ModelSource *from, Error *err) {
  json_t *template = NULL, *json = NULL;
  if (!source_read_tokenizer_config(from, &json, err) || !source_read_template(from, &template, err)) {
    json_decref(json);
    return NULL;
  }
  if (!json) json = new_config(c);
  put_names(json, c, t);
  json_share(json, "chat_template", template);
  json_decref(template);
  return json;
}

json_t *special_tokens_json(const Config *c, const Tokenizer *t, const Task *task, const ModelSource *from,
                            Error *err) {
  json_t *template = NULL, *json = new_config(c);
  put_names(json, c, t);
  if (task->chat) {
    char *text = layout_template(t);
    template = json_string(text);
    mem_free(text);
  }
  const bool ok = !from || task->chat || source_read_template(from, &template, err);
  json_share(json, "chat_template", template);
  json_decref(template);
  if (ok) return json;
  json_decref(json);
  return NULL;
}
