/* repository.h - names of models on a hub, ORG/NAME[@REVISION][:FILE], and which files of a repository are
 * the model. */
#ifndef IO_REPOSITORY_H
#define IO_REPOSITORY_H

#include <stddef.h>

#include "base/error.h"

typedef struct RepositoryName {
  char id[200];       /* "ORG/NAME" */
  char revision[200]; /* a branch, tag or commit; "": not given */
  char file[1000];    /* a file, or a type of weights, such as "Q4_K_M"; "": not given */
} RepositoryName;

/* Fails if the text has another form. */
bool repository_name(RepositoryName *, const char *text, Error *);

/* Whether a file of this name may be written: a relative path without "..", empty parts, backslashes,
 * control characters and names that begin with a dot or a tilde. */
bool repository_safe(const char *name, size_t length);

/* Marks the files that are the model, in `chosen` (zeroed before): without `file`, configuration, tokenizer
 * and weights of a Hugging Face directory, else a GGUF file, or all files of a split one. Of several, the one
 * of type Q4_K_M, as llama.cpp chooses. *main: the file to open; NULL: the directory. Fails, with a list, if
 * there are none or several. `where` names the repository. */
bool repository_choose(const char *const *names, size_t count, const char *file, const char *where,
                       bool *chosen, const char **main, Error *);
/* Whether a file at the top of a directory belongs to a model in the Hugging Face layout. */
bool repository_of_directory(const char *name);

#endif
