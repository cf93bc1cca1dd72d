/* source_huggingface.c - a directory as saved by transformers: config.json, model.safetensors (or its
 * shards), tokenizer.json, generation_config.json and further small files. Inkstone adds inkstone.json (task,
 * data, training, results) and, if sources have a separate vocabulary, source_tokenizer.json. */
#include <string.h>

#include "base/hints.h"
#include "base/language.h"
#include "io/licence.h"
#include "io/shards.h"
#include "io/source.h"

/* ---- hints for directories that are not models ---- */

static const FileHint adapters[] = {
    {"adapter_model.*",
     N_("the model directory has an adapter, but no adapter_config.json, which says how to apply it: "
        "move it away to use the model without it")},
    {NULL, NULL}};

/* Found instead of config.json. */
static const FileHint no_models[] = {
    {"adapter_model.*",
     N_("this directory has only an adapter, and no adapter_config.json, which says how to apply it")},
    {"*.gguf", N_("this is a model in a GGUF file: give the file, not its directory")},
    {"params.json", N_("this is a model in Meta's format: get it in Hugging Face's format, or convert it")},
    {"consolidated.*", N_("this is a model in its vendor's format: get it in Hugging Face's format")},
    {"*.safetensors", N_("config.json is missing next to the weights: add it")},
    {"pytorch_model*.bin", N_("config.json is missing next to the weights: add it")},
    {"checkpoint-*",
     N_("config.json is missing next to it: if this is one of the models, give this directory")},
    {"snapshots",
     N_("this directory contains revisions of Hugging Face's cache: give the directory of one of them")},
    {"tokenizer.json", N_("this is only a tokenizer: config.json and model.safetensors are missing")},
    {"tokenizer.model", N_("this is only a tokenizer: config.json and model.safetensors are missing")},
    {NULL, NULL}};

/* Found instead of model.safetensors. */
static const FileHint other_weights[] = {
    {"model-*-of-*.safetensors",
     N_("this is one of several files of weights, but " WEIGHTS_INDEX ", which lists them, is missing")},
    {"pytorch_model-*-of-*.bin",
     N_("this is one of several files of weights, but pytorch_model.bin.index.json, which lists them, is "
        "missing")},
    {"*.gguf",
     N_("model.safetensors is missing: to use the model in this file, give the file, not its directory")},
    {"*.safetensors", N_("model.safetensors is missing: rename this file if it has the weights")},
    {"tf_model*.h5", N_("TensorFlow weights are not supported: " AS_SAFETENSORS)},
    {"flax_model*.msgpack", N_("Flax weights are not supported: " AS_SAFETENSORS)},
    {"*.onnx", N_("ONNX graphs are not supported: get the model as safetensors")},
    {"consolidated.*", N_("weights in their vendor's format are not supported: " AS_SAFETENSORS)},
    {NULL, NULL}};

static bool check(const char *path, Error *err) {
  char config[PATH_CAPACITY];
  if (file_exists(path_join(config, path, "config.json"))) return !hint_directory(path, adapters, err);
  return !hint_directory(path, no_models, err) &&
         fail(err, "%s: not a model directory: it has no config.json", path);
}

static bool check_weights(const char *path, Error *err) {
  if (shards_exist(path)) return true;
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
         (s->licence = licence_of_directory(s->path, s->configuration)) &&
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
  snprintf(t->path, sizeof t->path, "%s", s->path); /* the tokenizer's reader gives hints if it is missing */
  path_join(t->source_path, s->path, "source_tokenizer.json");
  char own[PATH_CAPACITY], from[PATH_CAPACITY], to[PATH_CAPACITY]; /* of Marian (tokenizer_marian.c) */
  if (!file_exists(path_join(own, s->path, "tokenizer.json")) &&
      file_exists(path_join(from, s->path, "source.spm")) &&
      file_exists(path_join(to, s->path, "target.spm"))) {
    memcpy(t->source_path, from, sizeof from);
    memcpy(t->path, to, sizeof to);
  }
  if (!file_exists(t->source_path)) *t->source_path = '\0';
  return true;
}

static bool read_tokenizer_config(const ModelSource *s, json_t **out, Error *err) {
  char path[PATH_CAPACITY];
  return !file_exists(path_join(path, s->path, "tokenizer_config.json")) || (*out = json_read(path, err));
}

static bool add_template(json_t *by_name, const char *name, const char *path, Error *err) {
  FileView file;
  if (!file_view_regular(path, &file, err)) return false;
  json_t *text = json_stringn(file.data, file.size);
  file_view_close(&file);
  if (!text) return fail(err, "%s: not UTF-8", path);
  json_put(by_name, name, text);
  return true;
}

/* additional_chat_templates/NAME.jinja */
static bool add_templates(json_t *by_name, const char *directory, Error *err) {
  static const char suffix[] = ".jinja";
  char path[PATH_CAPACITY];
  Names names = {0};
  bool ok = !dir_exists(directory) || dir_list(directory, &names, err);
  for (size_t i = 0; ok && i < names.count; i++) {
    const size_t length = strlen(names.items[i]), rest = sizeof suffix - 1;
    if (length <= rest || strcmp(names.items[i] + length - rest, suffix)) continue;
    path_join(path, directory, names.items[i]);
    names.items[i][length - rest] = '\0';
    ok = add_template(by_name, names.items[i], path, err);
  }
  names_free(&names);
  return ok;
}

/* In files of their own (transformers 5), which take precedence, or in tokenizer_config.json. */
static bool read_template(const ModelSource *s, json_t **out, Error *err) {
  char path[PATH_CAPACITY];
  json_t *by_name = json_object(), *config = NULL;
  bool ok = !file_exists(path_join(path, s->path, "chat_template.jinja")) ||
            add_template(by_name, "default", path, err);
  ok = ok && add_templates(by_name, path_join(path, s->path, "additional_chat_templates"), err);
  *out = source_templates(by_name);
  if (ok && !*out && (ok = read_tokenizer_config(s, &config, err)))
    *out = json_incref(json_object_get(config, "chat_template"));
  json_decref(config);
  return ok;
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
         (p->source_tokenizer || !p->tokenizer || dir_remove(path, err)) && /* of a previous model */
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
                                         .read_tokenizer_config = read_tokenizer_config,
                                         .write = write_parts,
                                         .write_tensors = write_tensors};
