/* source_huggingface.c - a directory as transformers saves one: config.json, model.safetensors (or its
 * shards), tokenizer.json, generation_config.json and small files beside them. inkstone.json adds what only
 * we know: task, data, training, results; source_tokenizer.json is the tokenizer of sources that have a
 * vocabulary of their own. */
#include <string.h>

#include "base/hints.h"
#include "io/shards.h"
#include "io/source.h"

/* ---- what is there in place of a model ---- */

#define SAFETENSORS \
  "save them as safetensors, by transformers: AutoModel...from_pretrained(DIRECTORY).save_pretrained(NEW)"

static const FileHint adapters[] = {{"adapter_config.json",
                                     "an adapter lies beside the model, and adapters are not applied yet: "
                                     "merge it into the weights, by peft's "
                                     "merge_and_unload(), or move it away to use the model without it"},
                                    {"adapter_model.*",
                                     "an adapter lies beside the model, and adapters are not applied yet: "
                                     "merge it into the weights, by peft's "
                                     "merge_and_unload(), or move it away to use the model without it"},
                                    {NULL, NULL}};

/* In place of config.json. */
static const FileHint no_models[] = {
    {"adapter_config.json",
     "this directory holds an adapter only, and adapters are not applied yet: merge it into its base model, "
     "by "
     "peft's merge_and_unload(), and save that"},
    {"adapter_model.*",
     "this directory holds an adapter only, and adapters are not applied yet: merge it into its base model, "
     "by "
     "peft's merge_and_unload(), and save that"},
    {"*.gguf",
     "GGUF files are not read yet: take the Hugging Face directory (config.json, model.safetensors, "
     "tokenizer.json) that it was made from"},
    {"params.json", "a model in Meta's own layout: take it in that of Hugging Face, or convert it"},
    {"consolidated.*", "a model in its maker's own layout: take it in that of Hugging Face"},
    {"*.safetensors", "weights without their config.json: put it beside them"},
    {"pytorch_model*.bin", "weights without their config.json: put it beside them"},
    {"checkpoint-*", "there is no config.json beside it; is that one of the models? Give its directory"},
    {"snapshots", "a directory of Hugging Face's cache: give the one of a revision that is in it"},
    {"tokenizer.json", "a tokenizer, but no model: config.json and model.safetensors are missing beside it"},
    {"tokenizer.model", "a tokenizer, but no model: config.json and model.safetensors are missing beside it"},
    {NULL, NULL}};

/* In place of model.safetensors. */
static const FileHint other_weights[] = {
    {"model-*-of-*.safetensors",
     "one of several files of weights: " WEIGHTS_INDEX ", which lists them, is missing"},
    {"pytorch_model*.bin*", "weights as PyTorch pickles them are not read: " SAFETENSORS},
    {"*.gguf", "GGUF files are not read yet, and model.safetensors is missing beside it"},
    {"*.safetensors", "weights are looked for as model.safetensors: give this file that name, if it is them"},
    {"tf_model*.h5", "weights of TensorFlow are not read: " SAFETENSORS},
    {"flax_model*.msgpack", "weights of Flax are not read: " SAFETENSORS},
    {"*.onnx", "an ONNX graph is not read: take the model's safetensors"},
    {"consolidated.*", "weights in their maker's own layout are not read: " SAFETENSORS},
    {NULL, NULL}};

static bool check(const char *path, Error *err) {
  char config[PATH_CAPACITY];
  if (file_exists(path_join(config, path, "config.json"))) return !hint_directory(path, adapters, err);
  return !hint_directory(path, no_models, err) &&
         fail(err, "%s: not a model directory: it has no config.json", path);
}

static bool check_weights(const char *path, Error *err) {
  char file[PATH_CAPACITY];
  if (file_exists(path_join(file, path, WEIGHTS_FILE)) || file_exists(path_join(file, path, WEIGHTS_INDEX)))
    return true;
  return !hint_directory(path, other_weights, err) &&
         fail(err, "%s: model.safetensors is missing (has training reached its first evaluation?)", path);
}

/* ---- reading ---- */

static bool claims(const char *path) {
  return dir_exists(path);
}

static bool open_directory(ModelSource *s, Error *err) {
  char path[PATH_CAPACITY];
  if (!check(s->path, err)) return false;
  path_join(s->configuration_at, s->path, "config.json");
  path_join(s->generation_at, s->path, "generation_config.json");
  path_join(path, s->path, "inkstone.json");
  return (s->configuration = json_read(s->configuration_at, err)) &&
         (s->card = file_exists(path) ? json_read(path, err) : json_object()) &&
         (!file_exists(s->generation_at) || (s->generation = json_read(s->generation_at, err)));
}

static bool open_tensors(ModelSource *s, Error *err) {
  if (!check_weights(s->path, err)) return false;
  Shards *shards = mem_alloc_zeroed(1, sizeof *shards);
  s->own = shards;
  if (!shards_open(shards, s->path, err)) return false;
  s->tensors = shards->tensors;
  s->remark = shards->remark;
  return true;
}

static void close_directory(ModelSource *s) {
  if (s->own) shards_close(s->own);
  mem_free(s->own);
}

static bool find_tokenizer(const ModelSource *s, SourceTokenizer *t, Error *err) {
  (void)err;
  snprintf(t->path, sizeof t->path, "%s",
           s->path); /* what is there in place of one is told by who reads it */
  path_join(t->source_path, s->path, "source_tokenizer.json");
  if (!file_exists(t->source_path)) *t->source_path = '\0';
  return true;
}

/* In a file of its own, as transformers 5 has it, which goes before, or in tokenizer_config.json. */
static bool read_template(const ModelSource *s, json_t **out, Error *err) {
  char path[PATH_CAPACITY];
  FileView file;
  if (file_exists(path_join(path, s->path, "chat_template.jinja"))) {
    if (!file_view_regular(path, &file, err)) return false;
    *out = json_stringn(file.data, file.size);
    file_view_close(&file);
    return *out || fail(err, "%s: not UTF-8", path);
  }
  if (!file_exists(path_join(path, s->path, "tokenizer_config.json"))) return true;
  json_t *config = json_read(path, err);
  *out = json_incref(json_object_get(config, "chat_template"));
  json_decref(config);
  return config != NULL;
}

/* ---- writing ---- */

static bool write_text(const char *directory, const char *name, const char *text, Error *err) {
  char path[PATH_CAPACITY];
  return !text || file_replace(path_join(path, directory, name), text, strlen(text), err);
}

static bool write_json(const char *directory, const char *name, const json_t *json, Error *err) {
  char path[PATH_CAPACITY];
  return !json || json_write(path_join(path, directory, name), json, err);
}

static bool write_parts(const char *directory, const ModelParts *p, Error *err) {
  char path[PATH_CAPACITY];
  path_join(path, directory, "source_tokenizer.json");
  return write_json(directory, "config.json", p->configuration, err) &&
         write_text(directory, "tokenizer.json", p->tokenizer, err) &&
         (p->source_tokenizer || !p->tokenizer ||
          dir_remove(path, err)) && /* of a model that was here before */
         write_text(directory, "source_tokenizer.json", p->source_tokenizer, err) &&
         write_json(directory, "tokenizer_config.json", p->tokenizer_config, err) &&
         write_json(directory, "generation_config.json", p->generation, err) &&
         write_json(directory, "inkstone.json", p->card, err);
}

static bool write_tensors(const char *directory, const NamedTensor *items, size_t count, Error *err) {
  return shards_write(directory, items, count, shard_bytes, err);
}

const SourceFormat source_huggingface = {.name = "huggingface",
                                         .claims = claims,
                                         .open = open_directory,
                                         .open_tensors = open_tensors,
                                         .close = close_directory,
                                         .find_tokenizer = find_tokenizer,
                                         .read_template = read_template,
                                         .write = write_parts,
                                         .write_tensors = write_tensors};
