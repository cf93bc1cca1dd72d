/* model_cache.h - where downloaded models are, and models by their names on a hub.
 *
 * $XDG_CACHE_HOME/inkstone/models/ORG/NAME, or NAME@REVISION, is a model directory, or contains GGUF files
 * where the repository has them. The cache of huggingface_hub is read, never written. */
#ifndef IO_MODEL_CACHE_H
#define IO_MODEL_CACHE_H

#include "base/file.h"
#include "base/json.h"
#include "io/repository.h"

/* The directory of a repository's files, which need not exist. Fails if there is no home directory. */
bool model_cache_path(char path[PATH_CAPACITY], const RepositoryName *, Error *);

/* The path of a model that was downloaded: a directory or a file. *path "": it was not. Fails if several
 * files fit the name. */
bool model_cache_find(char path[PATH_CAPACITY], const RepositoryName *, Error *);

/* The path of the model that a user names: a path that exists, else a name of a downloaded model. What is
 * neither is copied, so that opening it gives the error. */
bool model_cache_locate(char path[PATH_CAPACITY], const char *given, Error *);

/* The models of the cache: [{"model", "path", "bytes"}], by name. */
json_t *model_cache_list(Error *);

/* The names of all files below a directory, as paths relative to it, sorted by directory. Names that begin
 * with a dot are skipped, links not followed. */
bool model_cache_files(const char *directory, Names *, Error *);

#endif
