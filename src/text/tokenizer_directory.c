/* tokenizer_directory.c - opens the tokenizer of a model directory; explains unsupported tokenizer files. */
#include "base/file.h"
#include "base/hints.h"
#include "base/language.h"
#include "text/tokenizer.h"

static const FileHint others[] = {
    {"*.spm", N_("a SentencePiece tokenizer, which is not supported: " SAVE_TOKENIZER)},
    {"vocab.json", N_("a vocabulary in another tokenizer format, which is not supported: " SAVE_TOKENIZER)},
    {"tokenizer_config.json", N_("only the configuration of a tokenizer: tokenizer.json is missing")},
    {NULL, NULL}};

static const FileHint as_file[] = {
    {"*.gguf", N_("does not begin as a GGUF file does: it is damaged, or something else")},
    {"*.bin", N_("a binary file, but not a model of llama2.c: give a tokenizer.json, or its directory")},
    {"*.spm", N_("a SentencePiece tokenizer, which is not supported: " SAVE_TOKENIZER)},
    {"*.safetensors", N_("a file of weights, not a tokenizer: give the directory, or its tokenizer.json")},
    {"vocab.*", N_("a vocabulary in another tokenizer format, which is not supported: " SAVE_TOKENIZER)},
    {NULL, NULL}};

Tokenizer *tokenizer_open_at(const char *path, Error *err) {
  char file[PATH_CAPACITY], buf[PATH_CAPACITY];
  if (!dir_exists(path)) return hint_file(path, as_file, err) ? NULL : tokenizer_open(path, err);
  path_join(file, dir_current(buf, path), "tokenizer.json");
  if (!file_exists(file) && hint_directory(path, others, err)) return NULL;
  return tokenizer_open(file, err);
}
