/* source.h - reads and writes the files of models, independently of their format.
 *
 * To add a format: src/io/source_<name>.c and a line in sources.def. A reader converts configuration and
 * generation defaults to transformers' keys, and the tokenizer to a StoredTokenizer. It keeps the names of
 * tensors, which the architecture's table for that format (models/naming.h) maps to parameters; if they have
 * none, it gives them those of another format, and has its table. */
#ifndef IO_SOURCE_H
#define IO_SOURCE_H

#include "base/file.h"
#include "base/json.h"
#include "io/tensors.h"
#include "text/stored_tokenizer.h"

typedef struct ModelSource {
  const struct SourceFormat *format;
  const char *names; /* the format whose names the tensors have: its own, or that of an adapter's base */
  char path[PATH_CAPACITY]; /* of its files: the directory, or the one that is replacing it (dir_current) */
  json_t *configuration;    /* as config.json; NULL: only a tokenizer */
  json_t *generation;       /* as generation_config.json; NULL: none */
  json_t *card;             /* as inkstone.json; empty if another program made the model */
  json_t *licence;          /* what is stated of it (licence.h); NULL: nothing */
  char configuration_at[PATH_CAPACITY], generation_at[PATH_CAPACITY]; /* their paths, for messages */
  TensorSet tensors;                 /* set by source_open_tensors; mapped until the source is closed */
  const struct PeftAdapter *adapter; /* to be added to the tensors; NULL: none */
  const char *remark;                /* a harmless error that was ignored; NULL: none */
  void *own;                         /* data of the reader */
} ModelSource;

/* Paths of tokenizer.json files, which have further files next to them. Caller: stored_free. */
typedef struct SourceTokenizer {
  char path[PATH_CAPACITY];        /* a file, or the directory that should contain it */
  char source_path[PATH_CAPACITY]; /* the tokenizer of sources, if they have a separate vocabulary; else "" */
  StoredTokenizer stored;          /* the tokenizer itself, if the format has another; else empty */
} SourceTokenizer;

/* The parts of a model that are written, besides its tensors; NULL: absent, or not to be changed. */
typedef struct ModelParts {
  const json_t *configuration, *generation, *card, *tokenizer_config;
  const char *tokenizer, *source_tokenizer; /* texts of tokenizer.json */
} ModelParts;

/* A model that is written as one file. */
typedef struct ModelFile {
  const json_t *configuration; /* complete, by the keys of transformers */
  const json_t *generation;    /* as generation_config.json */
  const json_t *card;          /* of inkstone.json, what changes how the model is used; empty: no card */
  const json_t *chat_template; /* a text, or a list of named ones; NULL: none */
  const json_t *licence;       /* as that of a source */
  const char *tokenizer;       /* the text of tokenizer.json */
  size_t tokenizer_length;
  int64_t vocabulary;     /* rows of the embedding */
  int64_t begin, unknown; /* tokens; -1: none */
  bool add_begin;         /* before every text */
  bool create;            /* fails if another process has made the file meanwhile, instead of replacing it */
  NamedTensor *items;     /* under the format's names, as they will be stored, `data` NULL */
  size_t count;
  void *self;                                               /* of the following */
  const Tensor *(*values)(void *self, const NamedTensor *); /* those of an item, valid until the next call */
  /* Before anything is written: what the configuration will be read as. */
  bool (*check)(void *self, const json_t *configuration, Error *);
} ModelFile;

/* An adapter that is written as one file. */
typedef struct AdapterFile {
  const json_t *configuration, *card, *licence; /* the base's configuration; as of ModelFile */
  const char *base;                             /* its path or name */
  NamedTensor *items;                           /* as they will be stored; `from` has the values */
  size_t count;
  bool create; /* as of ModelFile */
} AdapterFile;

typedef struct SourceFormat {
  const char *name; /* in sources.def and in the architectures' tables of names */
  bool (*claims)(const char *path);
  /* Reads all but the tensors; `path` and `format` are set. */
  bool (*open)(ModelSource *, Error *);
  bool (*open_tensors)(ModelSource *, Error *);
  void (*close)(ModelSource *);
  /* Called for an open source, on any thread. */
  bool (*find_tokenizer)(const ModelSource *, SourceTokenizer *, Error *);
  bool (*read_template)(const ModelSource *, json_t **, Error *);
  bool (*read_tokenizer_config)(const ModelSource *, json_t **, Error *); /* NULL: the format has none */
  /* NULL if the format cannot be written. */
  bool (*write)(const char *path, const ModelParts *, Error *);
  bool (*write_tensors)(const char *path, const NamedTensor *, size_t count, Error *);
  const char *suffix; /* of files that `save` writes, such as ".gguf" */
  bool (*save)(const char *path, const ModelFile *, Error *);
  bool (*save_adapter)(const char *path, const AdapterFile *, Error *); /* NULL: adapters are not written */
} SourceFormat;

/* Of directories as saved by transformers. */
extern const SourceFormat source_huggingface;

/* The format of files with such a name, if it can be written; NULL: none. */
const SourceFormat *source_format_to_write(const char *path);
/* Fails if the path is not a model, with a hint. Close it in any case. */
bool source_open(ModelSource *, const char *path, Error *);
/* The two parts of it: whether a format reads the path; opening it, though it be only a tokenizer. */
bool source_claim(ModelSource *, const char *path);
bool source_open_claimed(ModelSource *, Error *);
/* A model with an adapter (io/peft.h). `base`: its base model; NULL: the one that it names. */
bool source_open_adapted(ModelSource *, const char *adapter, const char *base, Error *);
bool source_open_tensors(ModelSource *, Error *);
void source_close(ModelSource *);
bool source_find_tokenizer(const ModelSource *, SourceTokenizer *, Error *);
/* The chat template: a text, or a list of named ones; *out NULL: none. */
bool source_read_template(const ModelSource *, json_t **out, Error *);
/* As above, of an object {name: text}, which is released. */
json_t *source_templates(json_t *by_name);
/* tokenizer_config.json, a new object; *out NULL: none. */
bool source_read_tokenizer_config(const ModelSource *, json_t **out, Error *);

/* Opens only the tensors of a run or a checkpoint, in the format that Inkstone writes. */
bool source_open_weights(ModelSource *, const char *path, Error *);
/* Writes in that format; each part is replaced atomically. */
bool source_write(const char *path, const ModelParts *, Error *);
bool source_write_tensors(const char *path, const NamedTensor *, size_t count, Error *);

#endif
