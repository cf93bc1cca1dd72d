/* tokenizer_files.h - tokenizers in other files than tokenizer.json. */
#ifndef IO_TOKENIZER_FILES_H
#define IO_TOKENIZER_FILES_H

#include "base/file.h"
#include "base/json.h"
#include "text/stored_tokenizer.h"

/* What tokenizer_config.json says; an empty object where there is none. */
typedef struct TokenizerFiles {
  char path[PATH_CAPACITY]; /* the file */
  const json_t *config;     /* an object; empty: there is none */
  Error *err;
} TokenizerFiles;

/* A kind of files, by the names that the file (or one of several) may have. */
typedef struct TokenizerFormat {
  const char *const *names; /* patterns for fnmatch(3), ended by NULL */
  const char *with;         /* a file that must be in the same directory; NULL: none */
  bool (*read)(TokenizerFiles *, FileView, StoredTokenizer *out);
} TokenizerFormat;

/* Reads the first such file at a path, which is a directory or a file. True and no steps: there is none. */
bool tokenizer_files_read(const char *path, char found[PATH_CAPACITY], StoredTokenizer *out, Error *);
/* Whether such a file may have this name. */
bool tokenizer_files_has(const char *name);
/* A file in the same directory. */
const char *tokenizer_files_beside(const TokenizerFiles *, char buf[PATH_CAPACITY], const char *name);
struct Vocabulary;
/* Which tokens and spaces tokenizer_config.json puts around texts: add_begin and add_end, by "add_bos_token"
 * and "add_eos_token", else by its class; space_rule, and add_space where that is SPACE_NOWHERE. False: the
 * class is not known. */
bool tokenizer_files_frame(const TokenizerFiles *, struct Vocabulary *);
/* Fails for its class, with what to do. */
bool tokenizer_files_refuse_class(const TokenizerFiles *);
/* The name of a special token in tokenizer_config.json. */
const char *tokenizer_files_name(const TokenizerFiles *, const char *key, const char *fallback);
/* Where tokenizers of that class put the language of a source. */
typedef enum LanguagePlace { LANGUAGE_NOWHERE, LANGUAGE_BEFORE, LANGUAGE_BEHIND } LanguagePlace;
LanguagePlace tokenizer_files_language(const json_t *config);

#endif
