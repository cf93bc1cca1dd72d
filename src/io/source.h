/* source.h - where a model comes from, whatever its form: what the layers above see of model files.
 *
 * To add a form: src/io/source_<name>.c and a line in sources.def. A reader brings configuration and defaults
 * of generation to the keys that transformers has for them, the tokenizer to the form of tokenizer.json; what
 * it calls the tensors stays, and the architecture's table of that name (models/naming.h) says which is
 * which. */
#ifndef IO_SOURCE_H
#define IO_SOURCE_H

#include "base/file.h"
#include "base/json.h"
#include "io/tensors.h"

typedef struct ModelSource {
  const struct SourceFormat *format;
  char path[PATH_CAPACITY]; /* where its files are: of a directory perhaps what is taking its place
                             * (dir_current)
                             */
  json_t *configuration;    /* as config.json */
  json_t *generation;       /* as generation_config.json; NULL: it has none */
  json_t *card;             /* as inkstone.json; empty: another program made the model */
  char configuration_at[PATH_CAPACITY], generation_at[PATH_CAPACITY]; /* where these are, for messages */
  TensorSet tensors;  /* after source_open_tensors; mapped until the source is closed */
  const char *remark; /* what of it was passed over; NULL: nothing */
  void *own;          /* the reader's */
} ModelSource;

/* A tokenizer of a source: a tokenizer.json, with the small files beside it. */
typedef struct SourceTokenizer {
  char path[PATH_CAPACITY];        /* of that file, or of the directory where it should be */
  char source_path[PATH_CAPACITY]; /* of the one for sources, where they have a vocabulary of their own; else
                                      "" */
} SourceTokenizer;

/* What is written of a model, beside its tensors; each NULL if it is not there, or to stay as it is. */
typedef struct ModelParts {
  const json_t *configuration, *generation, *card, *tokenizer_config;
  const char *tokenizer, *source_tokenizer; /* texts of tokenizer.json */
} ModelParts;

typedef struct SourceFormat {
  const char *name; /* of the line, and of the architectures' tables of names */
  bool (*claims)(const char *path);
  /* All but the tensors, `path` and `format` are set. */
  bool (*open)(ModelSource *, Error *);
  bool (*open_tensors)(ModelSource *, Error *);
  void (*close)(ModelSource *);
  /* Of a source that is open, by any thread. */
  bool (*find_tokenizer)(const ModelSource *, SourceTokenizer *, Error *);
  bool (*read_template)(const ModelSource *, json_t **, Error *);
  /* NULL where the form is not written. */
  bool (*write)(const char *path, const ModelParts *, Error *);
  bool (*write_tensors)(const char *path, const NamedTensor *, size_t count, Error *);
} SourceFormat;

/* Refuses, with the mend, what is no model. To be closed in any case. */
bool source_open(ModelSource *, const char *path, Error *);
bool source_open_tensors(ModelSource *, Error *);
void source_close(ModelSource *);
bool source_find_tokenizer(const ModelSource *, SourceTokenizer *, Error *);
/* How conversations are laid out: a text, or a list of named ones. *out NULL: it does not say. */
bool source_read_template(const ModelSource *, json_t **out, Error *);

/* Only the tensors of what this program wrote, in its form: of a run, of a checkpoint. */
bool source_open_weights(ModelSource *, const char *path, Error *);
/* In that form; each part is replaced in one step. */
bool source_write(const char *path, const ModelParts *, Error *);
bool source_write_tensors(const char *path, const NamedTensor *, size_t count, Error *);

#endif
