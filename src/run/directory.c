#include "run/directory.h"

#include <unistd.h>

#include "base/hints.h"

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

static const FileHint files[] = {
    {"*.gguf",
     "GGUF files are not read yet: take the Hugging Face directory (config.json, model.safetensors, "
     "tokenizer.json) that it was made from"},
    {"*.safetensors",
     "a file of weights: give the directory that holds it, with config.json and tokenizer.json"},
    {"*.bin",
     "a file, perhaps of weights: give the directory that holds it, with config.json, model.safetensors "
     "and tokenizer.json"},
    {"config.json", "a file: give the directory that holds it"},
    {"*", "a file, no model directory"},
    {NULL, NULL}};

/* In place of model.safetensors. */
static const FileHint other_weights[] = {
    {"model.safetensors.index.json",
     "weights in several files are not supported yet: save them as one, by transformers: "
     "AutoModel...from_pretrained(DIRECTORY).save_pretrained(NEW, max_shard_size=\"1000GB\")"},
    {"model-*-of-*.safetensors",
     "one of several files of weights, which are not supported yet: save them as one"},
    {"pytorch_model*.bin*", "weights as PyTorch pickles them are not read: " SAFETENSORS},
    {"*.gguf", "GGUF files are not read yet, and model.safetensors is missing beside it"},
    {"*.safetensors", "weights are looked for as model.safetensors: give this file that name, if it is them"},
    {"tf_model*.h5", "weights of TensorFlow are not read: " SAFETENSORS},
    {"flax_model*.msgpack", "weights of Flax are not read: " SAFETENSORS},
    {"*.onnx", "an ONNX graph is not read: take the model's safetensors"},
    {"consolidated.*", "weights in their maker's own layout are not read: " SAFETENSORS},
    {NULL, NULL}};

bool directory_check(const char *path, Error *err) {
  char config[PATH_ROOM];
  if (!access(path, F_OK) && !dir_exists(path)) {
    hint_file(path, files, err);
    return false;
  }
  if (!dir_exists(path))
    return fail(err, "%s: no such model directory; make one with `inkstone train write TEXT -o %s`", path,
                path);
  if (file_exists(path_join(config, path, "config.json"))) return !hint_directory(path, adapters, err);
  return !hint_directory(path, no_models, err) &&
         fail(err, "%s: not a model directory: it has no config.json", path);
}

bool directory_weights(const char *path, char file[PATH_ROOM], Error *err) {
  if (file_exists(path_join(file, path, "model.safetensors"))) return true;
  return !hint_directory(path, other_weights, err) &&
         fail(err, "%s: model.safetensors is missing (has training reached its first evaluation?)", path);
}
