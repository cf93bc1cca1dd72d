/* file.h - operations on whole files: map, read, replace atomically, lock. Errors name the path. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stdio.h>

#include "spool.h"

/* A read-only view of a file: mapped if it is a regular file, read otherwise (pipe, "-" for stdin). */
typedef struct FileView {
  const char *data; /* not NUL-terminated */
  size_t size;
  bool mapped;
  bool borrowed; /* memory owned elsewhere */
} FileView;
bool file_view(const char *path, FileView *, Error *);
/* As above, but fails if it is not a regular file: reading a pipe may block, and /dev/zero never ends. Of the
 * files that models and tokenizers are read from: it also fails if this one only stands for such a file. */
bool file_view_regular(const char *path, FileView *, Error *);
void file_view_close(FileView *);
/* Moves the spooled bytes into the view. */
void file_view_take(FileView *, Spool *);

/* Replaces `path` (or the target of a link) atomically: temporary file in the same directory, fsync,
 * rename, fsync of the directory. After a crash the file has either the old or the new contents. Devices
 * and pipes are written to directly. */
bool file_replace(const char *path, const void *data, size_t size, Error *);
/* As above, but fails if another process has made a file of this name. */
bool file_create(const char *path, const void *data, size_t size, Error *);
/* As above, for contents written in pieces: write to the FILE, then commit or abandon. */
typedef struct FileWriter {
  FILE *stream;
  bool create; /* set after opening: the commit fails if another process has made a file of this name */
  char path[4096], temporary[4096];
} FileWriter;
bool file_writer_open(FileWriter *, const char *path, Error *);
bool file_writer_put(FileWriter *, const void *data, size_t size, Error *);
bool file_writer_commit(FileWriter *, Error *); /* closes in any case */
void file_writer_abandon(FileWriter *);

/* Fails if the output `path` is, by any name, one of the input files ("-": standard input). Devices and pipes
 * may be both input and output. */
bool file_check_output(const char *path, const char *const *inputs, size_t count, Error *);

/* Fails if `path` is a regular file with contents that lack `mark`: it is no `kind` ("tokenizer.json") of an
 * earlier call, and would be lost. */
bool file_check_kind(const char *path, const char *mark, const char *kind, Error *);
/* Fails if `path` is a file of any model: a GGUF file, or one in a directory with a config.json,
 * inkstone.json or adapter_config.json. */
bool file_check_no_model(const char *path, Error *);

/* Does anything have this name? True for directories and dangling links, too: reading them then reports
 * the error, rather than treating the file as absent. */
bool file_exists(const char *path);
bool dir_exists(const char *path);
bool dir_make(const char *path, Error *);   /* and its parents; may already exist */
bool dir_sync(const char *path, Error *);   /* fsync of the directory itself */
bool dir_remove(const char *path, Error *); /* recursive; links are not followed */
bool dir_rename(const char *from, const char *to, Error *);
/* Makes `to` a hard link to `from`, atomically; renames `from` where links are not supported. */
bool file_link_over(const char *from, const char *to, Error *);
/* Names in a directory, sorted, without "." and ".."; free with names_free. */
typedef struct Names {
  char **items;
  size_t count;
} Names;
bool dir_list(const char *path, Names *, Error *);
void names_free(Names *);

/* "dir/name", in the caller's buffer. If it is too long, a nonexistent path that says so. */
#define PATH_CAPACITY 4096
const char *path_join(char buf[PATH_CAPACITY], const char *dir, const char *name);
/* The directory with the files of `dir`: itself, or its replacement if that is being installed
 * (run/model_dir.h). */
#define DIR_READY "inkstone-next.ready"
const char *dir_current(char buf[PATH_CAPACITY], const char *dir);

/* The absolute path of a file or directory; of none, the path as it is. */
const char *path_whole(char buf[PATH_CAPACITY], const char *path);

/* Whether `path`, which need not exist, is the file or directory `of`, or inside it. */
bool path_within(const char *path, const char *of);

/* Free bytes on the file system of an existing path; -1 if unknown. */
int64_t disk_free(const char *path);

/* An exclusive lock on the file LOCK_NAME of a directory, held until file_unlock, which removes the file, or
 * the end of the process; if it is taken, the error has the holder's process id. A file of this name that
 * holds anything else is left alone. Returns a descriptor, -1 on failure. */
#define LOCK_NAME "lock"
int file_lock(const char *dir, Error *);
void file_unlock(const char *dir, int descriptor);

#endif
