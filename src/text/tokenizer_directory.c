/* tokenizer_directory.c - the tokenizer of a model directory, or what is there in its place. */
#include "base/file.h"
#include "base/hints.h"
#include "text/tokenizer.h"

#define CONVERTED                                                                         \
  "save it as tokenizer.json, by transformers: AutoTokenizer.from_pretrained(DIRECTORY)." \
  "save_pretrained(DIRECTORY)"

static const FileHint others[] = {
    {"tokenizer.model", "a SentencePiece tokenizer, which is not read: " CONVERTED},
    {"spiece.model", "a SentencePiece tokenizer, which is not read: " CONVERTED},
    {"sentencepiece*.model", "a SentencePiece tokenizer, which is not read: " CONVERTED},
    {"*.spm", "a SentencePiece tokenizer, which is not read: " CONVERTED},
    {"merges.txt", "a tokenizer of two files (vocab.json, merges.txt), which is not read: " CONVERTED},
    {"vocab.json", "a vocabulary of another tokenizer format, which is not read: " CONVERTED},
    {"vocab.txt", "a WordPiece vocabulary, which is not read: " CONVERTED},
    {"tekken.json", "a tokenizer of Mistral's own format, which is not read: " CONVERTED},
    {"*.tiktoken", "a tiktoken vocabulary, which is not read: " CONVERTED},
    {"tokenizer_config.json", "says how a tokenizer is used, but tokenizer.json is missing beside it"},
    {NULL, NULL}};

static const FileHint as_file[] = {
    {"*.gguf", "a GGUF file, which is not read yet: give a tokenizer.json, or the directory that holds it"},
    {"*.model", "a SentencePiece tokenizer, which is not read: " CONVERTED},
    {"*.spm", "a SentencePiece tokenizer, which is not read: " CONVERTED},
    {"*.safetensors", "weights, no tokenizer: give the directory, or its tokenizer.json"},
    {"merges.txt", "half of a tokenizer, which is not read: " CONVERTED},
    {"vocab.*", "a vocabulary of another tokenizer format, which is not read: " CONVERTED},
    {NULL, NULL}};

Tokenizer *tokenizer_open_at(const char *path, Error *err) {
  char file[PATH_CAPACITY], buf[PATH_CAPACITY];
  if (!dir_exists(path)) return hint_file(path, as_file, err) ? NULL : tokenizer_open(path, err);
  path_join(file, dir_current(buf, path), "tokenizer.json");
  if (!file_exists(file) && hint_directory(path, others, err)) return NULL;
  return tokenizer_open(file, err);
}
