#include "io/source.h"

#include <string.h>
#include <unistd.h>

#include "base/hints.h"
#include "base/kinds.h"
#include "base/language.h"
#include "io/repository.h"

#define SOURCE(name) extern const SourceFormat source_##name;
#include "io/sources.def"
#undef SOURCE
static const SourceFormat *const formats[] = {
#define SOURCE(name) &source_##name,
#include "io/sources.def"
#undef SOURCE
};
enum { FORMATS = sizeof formats / sizeof *formats };

/* The format that Inkstone writes. */
static const SourceFormat *const own = &source_huggingface;

/* Hints for files that no reader claims. */
static const FileHint files[] = {
    {"*.gguf", N_("does not begin as a GGUF file does: it is damaged, or something else")},
    {"*.safetensors", N_("this is a file of weights: give the directory that contains it, with config.json "
                         "and tokenizer.json")},
    {"tok*.bin", N_("this is a tokenizer, as of llama2.c: give the model next to it")},
    {"*.bin", N_("this is a file, perhaps of weights: give the directory that contains it, with config.json, "
                 "model.safetensors and tokenizer.json")},
    {"config.json", N_("this is a file: give the directory that contains it")},
    {"*", N_("this is not a model: give a model directory, or a model file (GGUF, llama2.c)")},
    {NULL, NULL}};

const SourceFormat *source_format_to_write(const char *path) {
  const size_t length = strlen(path);
  for (int i = 0; i < FORMATS; i++) {
    const char *suffix = formats[i]->suffix;
    if (suffix && length >= strlen(suffix) && !strcmp(path + length - strlen(suffix), suffix))
      return formats[i];
  }
  return NULL;
}

static void begin(ModelSource *s, const SourceFormat *format, const char *path) {
  char buf[PATH_CAPACITY];
  *s = (ModelSource){.format = format, .names = format->name};
  snprintf(s->path, sizeof s->path, "%s", dir_current(buf, path));
}

bool source_claim(ModelSource *s, const char *path) {
  *s = (ModelSource){.format = NULL};
  for (int i = 0; i < FORMATS; i++)
    if (formats[i]->claims(path)) {
      begin(s, formats[i], path);
      return true;
    }
  return false;
}

bool source_open_claimed(ModelSource *s, Error *err) {
  return s->format->open(s, err);
}

/* Names the file by its bytes, or else by its name. */
static bool fail_file(const char *path, Error *err) {
  FileView file;
  if (!file_view_regular(path, &file, err)) return false;
  if (!kind_refuse(path, file.data, file.size, err)) hint_file(path, files, err);
  file_view_close(&file);
  return false;
}

static bool fail_missing(const char *path, Error *err) {
  RepositoryName name;
  if (!repository_name(&name, path, NULL))
    return fail_not_found(
        err, "%s: no such model directory: train a model with `inkstone train write TEXT -o %s`", path, path);
  return fail_not_found(
      err,
      "%s: no such model, neither here nor downloaded: download it with `inkstone pull %s`, or "
      "train one with `inkstone train write TEXT -o %s`",
      path, path, path);
}

static bool fail_unclaimed(const char *path, Error *err) {
  return access(path, F_OK) ? fail_missing(path, err) : fail_file(path, err);
}

bool source_open(ModelSource *s, const char *path, Error *err) {
  if (!source_claim(s, path)) return fail_unclaimed(path, err);
  return source_open_claimed(s, err) &&
         (s->configuration ||
          fail(err, "%s: has only a tokenizer, no model: it can be used with `inkstone tokenizer`", s->path));
}

bool source_open_tensors(ModelSource *s, Error *err) {
  return s->format->open_tensors(s, err);
}

bool source_open_weights(ModelSource *s, const char *path, Error *err) {
  begin(s, own, path);
  return source_open_tensors(s, err);
}

void source_close(ModelSource *s) {
  if (s->format) s->format->close(s);
  json_decref(s->configuration);
  json_decref(s->generation);
  json_decref(s->card);
  json_decref(s->licence);
  *s = (ModelSource){.format = NULL};
}

bool source_find_tokenizer(const ModelSource *s, SourceTokenizer *t, Error *err) {
  *t = (SourceTokenizer){.path = ""};
  return s->format->find_tokenizer(s, t, err);
}

bool source_read_template(const ModelSource *s, json_t **out, Error *err) {
  *out = NULL;
  return s->format->read_template(s, out, err);
}

json_t *source_templates(json_t *by_name) {
  json_t *only = json_object_get(by_name, "default"), *list = NULL, *text;
  const char *name;
  if (only && json_object_size(by_name) == 1)
    list = json_incref(only);
  else if (json_object_size(by_name)) {
    list = json_array();
    json_object_foreach(by_name, name, text)
        json_push(list, json_build("{s:s, s:O}", "name", name, "template", text));
  }
  json_decref(by_name);
  return list;
}

bool source_read_tokenizer_config(const ModelSource *s, json_t **out, Error *err) {
  *out = NULL;
  return !s->format->read_tokenizer_config || s->format->read_tokenizer_config(s, out, err);
}

bool source_write(const char *path, const ModelParts *parts, Error *err) {
  return own->write(path, parts, err);
}

bool source_write_tensors(const char *path, const NamedTensor *items, size_t count, Error *err) {
  return own->write_tensors(path, items, count, err);
}
